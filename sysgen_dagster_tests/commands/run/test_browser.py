"""The preview's rows in the live report, and what a run adds to them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sysgen_dagster.commands.run import browser
from sysgen_dagster.commands.run.browser import BrowserPage
from sysgen_dagster.storage.store import Store
from sysgen_dagster_tests.commands.browser import needs_chromium, opened_chromium, visiting
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


def test_rows_are_seen_that_no_table_holds_and_those_that_a_run_stores(
    page: BrowserPage, opened: list[str], tmp_path: Path
) -> None:
    page.add(previewed(1, id="first"))
    with visiting(page.open()) as client:

        def seen() -> set[str]:
            return {row["id"] for row in client.get("/report/news?after=0").json()["rows"]}

        assert seen() == {"first"}
        page.add(previewed(2, id="second"))
        store_rows(tmp_path, [Row("stored", columns={"new_answer": "Here."})])
        wait_until(lambda: len(seen()) == 3)
        assert {"first", "second"} < seen()
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
