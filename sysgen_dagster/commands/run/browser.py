"""The live report of a deployment in a browser, from the preview on until the command ends."""

import atexit
import os
import sys
import webbrowser
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field

from starlette.responses import RedirectResponse
from starlette.routing import Route

from sysgen_dagster.commands.deployment import work_of
from sysgen_dagster.commands.live_answers import LedgerAnswers
from sysgen_dagster.commands.live_report import PAGE, routes
from sysgen_dagster.commands.pages import serving
from sysgen_dagster.commands.run.preview import Previewed
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.stories import Story
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Table

_DESKTOPS = ("DISPLAY", "WAYLAND_DISPLAY")


@dataclass(slots=True)
class BrowserPage:
    """The page, served from when it is first asked for until the process ends; `live.Answers`.

    Attributes:
        url: Where it is; empty before it is served.
    """

    store: Store
    catalog: Catalog
    url: str = ""
    _others: LedgerAnswers = field(init=False)
    _new: deque[Story] = field(default_factory=deque)
    _serving: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        """Follow the ledgers from the first row on."""
        self._others = LedgerAnswers(self.store, self.catalog, work_of(self.store) / "ledger")

    def add(self, row: Previewed) -> None:
        """Show one more row, which no table holds."""
        self._new.append(row.story)

    def look(self) -> list[Story]:
        """What is new since the last look, the rows of the preview first."""
        # Another thread may add some meanwhile.
        new = [self._new.popleft() for _ in range(len(self._new))]
        return [*new, *self._others.look()]

    def count(self, table: Table, model: str) -> int:
        """Requests for a table that have an outcome, and whose partition is not stored yet."""
        return self._others.count(table, model)

    def open(self) -> str:
        """The page's address, which is opened where there is a desktop.

        Raises:
            PagesError: Nothing can listen on this machine.
        """
        if not self.url:
            first = Route("/", lambda _: RedirectResponse(PAGE))
            pages = serving([first, *routes(self.store, self.catalog, self)])
            self.url = self._serving.enter_context(pages).url
            atexit.register(self.close)
        # Without one, a browser in text mode would take the terminal.
        if sys.platform in ("darwin", "win32") or any(map(os.environ.get, _DESKTOPS)):
            webbrowser.open(self.url)
        return self.url

    def close(self) -> None:
        """Serve it no more."""
        self._serving.close()
