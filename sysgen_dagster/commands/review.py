"""`sysgen review`: a page on which a person decides about rows, one at a time, by keyboard.

Its server is that of `pages`, so only who has the printed address gets an answer. A decision is
answered when it is on the disk. What decisions do is made by the assets of mixtures and exports.
"""

import getpass
import json
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
from rich.console import Console
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sysgen_dagster.commands import live_report
from sysgen_dagster.commands.deployment import use_dagster_home, use_deployment
from sysgen_dagster.commands.pages import serving
from sysgen_dagster.commands.results import print_results
from sysgen_dagster.commands.signals import until_signal
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.review.decisions import LONGEST_TEXT, DecisionError, require_name
from sysgen_dagster.review.desk import Desk
from sysgen_dagster.review.index import Filters
from sysgen_dagster.review.page import render
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.tables import MIXTURES

# Of a decision: two texts of the longest kind, with each character escaped as two halves.
_MOST_BYTES = 2 * 12 * LONGEST_TEXT + 10_000
_NOT_KEPT = {"Cache-Control": "no-store"}


class ReviewError(SysgenError):
    """Nothing can be reviewed; the message says why."""


def review_rows(
    console: Console,
    data: str,
    recipe: str | None = None,
    port: int | None = None,
    reviewer: str | None = None,
    opens: bool = False,
) -> int:
    """0 when the user has ended the page.

    Args:
        console: Where its address is printed.
        data: The deployment.
        recipe: The mixture whose rows are shown; None: every row with a new answer.
        port: Of this machine; None takes one that is free.
        reviewer: Who decides; None: the user's login.
        opens: Whether to open it in a browser, where a terminal is there.

    Raises:
        DecisionError: The reviewer has no name that can be written down.
        PagesError: Nothing can listen at the port.
        ReviewError: There are no rows, or the catalogue has no such recipe.
        StoreError: There is no such deployment, or what is stored cannot be read.
    """
    store = use_deployment(data)
    from sysgen_dagster.defs.plumbing.excluded import excluded_ids
    from sysgen_dagster.defs.plumbing.partitions import CATALOG

    store = replace(store, shards_of=CATALOG.shards_of)
    only = _rows_of(store, CATALOG, recipe) if recipe else None
    name = require_name(reviewer or _login())
    desk = Desk(store, CATALOG, name, excluded_ids(store), only)
    if not desk.progress()["progress"]["rows"]:
        raise ReviewError(f"{store.root} has no row with a new answer: run the phases first")
    pages_of_report = live_report.routes(store, CATALOG)
    with until_signal(), serving(routes(desk, pages_of_report), port or 0) as pages:
        console.print(f"Review at {pages.url}", soft_wrap=True, markup=False, highlight=False)
        console.print("Decisions are kept as they are made. Ctrl-C ends the page.")
        if opens and console.is_terminal:
            webbrowser.open(pages.url)
        pages.wait()
    _say_what_was_decided(console, desk.queue(Filters())["progress"])  # others decide too
    return 0


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # a container's user often has no name
        raise ReviewError(
            "this system does not say who you are: name yourself with --reviewer"
        ) from error


def _rows_of(store: Store, catalog: Catalog, recipe: str) -> pl.DataFrame:
    """The rows of a mixture, by ``model`` and ``conversation_id``."""
    if recipe not in catalog.mixtures:
        known = ", ".join(catalog.mixtures) or "none"
        raise ReviewError(
            f"the catalogue has no recipe {recipe}: name one of its mixtures ({known})"
        )
    return store.read(MIXTURES, Partition(recipe=recipe), "model", "conversation_id")


def _say_what_was_decided(console: Console, progress: Mapping[str, int]) -> None:
    decided = progress["accepted"] + progress["rejected"]
    console.print(
        f"{decided:,} of {progress['rows']:,} rows are decided: {progress['accepted']:,} accepted "
        f"({progress['edited']:,} edited), {progress['rejected']:,} rejected."
    )
    if decided:
        console.print("`sysgen review --apply` makes the training sets again, as decided.")


def apply_decisions(console: Console, data: str) -> int:
    """0 when decisions, and the mixtures, exports and report that are stored, are made again.

    Raises:
        DagsterHomeError: Dagster's state cannot be kept where it should be.
        StoreError: There is no such deployment.
    """
    store = use_deployment(data)
    use_dagster_home(store)
    from sysgen_dagster.commands.backfill import run_partitions
    from sysgen_dagster.commands.work import stored_recipes
    from sysgen_dagster.defs.plumbing.partitions import CATALOG
    from sysgen_dagster.defs.report import report
    from sysgen_dagster.defs.review import review_decisions

    recipes = list(stored_recipes(store, CATALOG))
    has_report = store.report.is_file()
    work = [
        ("decisions", [review_decisions.key], None),
        *recipes,
        *([("report", [report.key], None)] if has_report else []),
    ]
    runs = run_partitions(console, work)
    for error in runs.errors:
        console.print(error, markup=False)
    if recipes:
        print_results(console, store, CATALOG)
    return 1 if runs.errors else 0


def routes(desk: Desk, others: Sequence[BaseRoute] = ()) -> list[BaseRoute]:
    """The page, what it asks for, and the live report beside it, where `others` are its routes."""

    def page(_: Request) -> Response:
        settings = {"longest": LONGEST_TEXT, **desk.options()}
        text = render(settings, live_report.PAGE if others else "")
        return HTMLResponse(text, headers=_NOT_KEPT)

    def queue(request: Request) -> Response:
        asked = request.query_params
        filters = Filters(*(asked.get(name, "") for name in ("model", "source", "flag", "which")))
        return _answer(lambda: desk.queue(filters, asked.get("after", "")))

    def row(request: Request) -> Response:
        asked = request.query_params
        return _answer(lambda: desk.row((asked.get("model", ""), asked.get("id", ""))))

    async def decide(request: Request) -> Response:
        body = await _read(request)
        if body is None:
            return JSONResponse({"error": f"more than {_MOST_BYTES:,} bytes"}, 413)
        return await run_in_threadpool(_answer, lambda: desk.decide(_parse(body)))

    return [
        Route("/", page),
        Route("/queue", queue),
        Route("/row", row),
        Route("/decide", decide, methods=["POST"]),
        *others,
    ]


async def _read(request: Request) -> bytes | None:
    """What was sent; None where that is too much."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            return None
    return body


def _parse(body: bytes) -> Mapping[str, Any]:
    """What was sent as JSON.

    Raises:
        DecisionError: It is no object.
    """
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DecisionError("what was sent is no JSON") from error
    if not isinstance(sent, dict):
        raise DecisionError("what was sent is no object")
    return sent


def _answer(act: Callable[[], Mapping[str, Any]]) -> Response:
    """What was asked for, or what is wrong: with the request (400) or with what is stored (503)."""
    try:
        return JSONResponse(act(), headers=_NOT_KEPT)
    except DecisionError as error:
        return JSONResponse({"error": str(error)}, 400)
    except SysgenError as error:
        return JSONResponse({"error": str(error)}, 503)
