"""The preview's rows in the live report, and what a run adds to them."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sysgen_dagster.commands.run import browser
from sysgen_dagster.commands.run.browser import BrowserPage
from sysgen_dagster.storage.store import Store
from sysgen_dagster_tests.commands.browser import needs_chromium, opened_chromium
from sysgen_dagster_tests.commands.run.previewed_rows import previewed
from sysgen_dagster_tests.inference.processes import wait_until
from sysgen_dagster_tests.lanes.sysgen.shards import Row
from sysgen_dagster_tests.report.stored_shards import catalog, store_rows

FIELDS = {"source": "mine", "model": "phi", "flags": [], "measures": {}, "judgements": []}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was opened on the desktop."""
    found: list[str] = []
    monkeypatch.setattr(browser.webbrowser, "open", found.append)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return found


@pytest.fixture
def page(tmp_path: Path) -> Iterator[BrowserPage]:
    made = BrowserPage(Store(tmp_path), catalog())
    yield made
    made.close()


def ask(url: str) -> Callable[[], list[dict[str, Any]]]:
    """Asks for all rows as a browser that has opened the printed address."""
    place = urlsplit(url)

    def get(path: str, **headers: str) -> tuple[str, str]:
        with closing(HTTPConnection(place.hostname or "", place.port, timeout=10)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.read().decode(), answer.getheader("set-cookie") or ""

    cookie = get(f"/?{place.query}")[1].partition(";")[0]

    def rows() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(get("/report/news?after=0", cookie=cookie)[0])[
            "rows"
        ]
        return found

    return rows


def test_rows_are_seen_that_no_table_holds_and_those_that_a_run_stores(
    page: BrowserPage, opened: list[str], tmp_path: Path
) -> None:
    page.add(previewed(1, id="first"))
    rows = ask(page.open())
    assert [row["id"] for row in rows()] == ["first"]
    page.add(previewed(2, id="second"))
    store_rows(tmp_path, [Row("stored", columns={"new_answer": "Here."})])
    wait_until(lambda: len({row["id"] for row in rows()}) == 3)
    assert {"first", "second"} < {row["id"] for row in rows()}
    assert opened == []


def test_the_page_is_opened_where_there_is_a_desktop_and_served_once(
    page: BrowserPage, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    assert page.open() == page.open()
    assert opened == [page.url] * 2


@needs_chromium
def test_a_browser_shows_a_previewed_row(page: BrowserPage, opened: list[str]) -> None:
    page.add(
        previewed(1, id="first", system_message="You teach.", new_answer="Far away.", **FIELDS)
    )
    assert opened == []
    with opened_chromium() as chromium:
        tab = chromium.new_page()
        faults: list[str] = []
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.goto(page.open())
        tab.wait_for_selector("text=Far away.")
        assert "You teach." in tab.inner_text("body")
        assert faults == []
