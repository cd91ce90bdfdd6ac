"""The live report: a page that shows rows as a run stores them, and `sysgen report --serve`.

How the page looks is decided in `report`; who may see it, in `pages`.
"""

from rich.console import Console
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from sysgen_dagster.commands.deployment import use_deployment, work_of
from sysgen_dagster.commands.live_answers import LedgerAnswers
from sysgen_dagster.commands.pages import serving
from sysgen_dagster.commands.signals import until_signal
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.report.live import Answers, Live
from sysgen_dagster.report.live_page import render_live
from sysgen_dagster.storage.store import Store, answering

PAGE, _NEWS, _WHOLE = "/report", "/report/news", "/report/whole"


def routes(store: Store, catalog: Catalog, answers: Answers | None = None) -> list[Route]:
    """The live report at `PAGE`, and what it asks for.

    Args:
        store: Of the deployment.
        catalog: Of the deployment.
        answers: Rows that are not stored; None: those of the ledgers.
    """
    live = Live(store, catalog, answers or LedgerAnswers(store, catalog, work_of(store) / "ledger"))

    def page(_: Request) -> Response:
        with answering(store.report):
            whole = _WHOLE if store.report.is_file() else ""
        return HTMLResponse(render_live(str(store.root), _NEWS, whole))

    def news(request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 16):
            return PlainTextResponse("after is the number of the last news: a whole number\n", 400)
        return JSONResponse(live.news(int(after)), headers={"Cache-Control": "no-store"})

    def whole(_: Request) -> Response:
        with answering(store.report):
            if not store.report.is_file():
                return PlainTextResponse("There is no report yet: sysgen report makes one.\n", 404)
            return HTMLResponse(store.report.read_text(encoding="utf-8"))

    return [Route(PAGE, page), Route(_NEWS, news), Route(_WHOLE, whole)]


def serve_report(console: Console, data: str, port: int) -> int:
    """0 when the user has ended it.

    Raises:
        PagesError: Nothing can listen at the port.
        StoreError: There is no such deployment.
    """
    store = use_deployment(data)
    # Here, because the catalogue is read when this is imported.
    from sysgen_dagster.defs.plumbing.partitions import CATALOG

    first = Route("/", lambda _: RedirectResponse(PAGE))
    with until_signal(), serving([first, *routes(store, CATALOG)], port) as pages:
        console.print("Rows are shown as they are made, until Ctrl-C ends it:")
        console.print(pages.url, soft_wrap=True, markup=False, highlight=False)
        pages.wait()
    return 0
