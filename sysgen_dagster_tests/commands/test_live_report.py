"""The live report, served: a row that is stored is seen within two seconds."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from click.testing import CliRunner

from sysgen_dagster.cli import sysgen
from sysgen_dagster.commands.live_report import PAGE, routes
from sysgen_dagster.commands.pages import Pages, serving
from sysgen_dagster.inference.ledger import Ledger, Outcome
from sysgen_dagster.inference.request_keys import Asked
from sysgen_dagster.lanes.multifaceted.tables import INSTRUCTIONS, PREFERENCE_SETS
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED, FILTERED
from sysgen_dagster.storage.store import Store
from sysgen_dagster_tests.commands.browser import needs_chromium, opened_chromium, visiting
from sysgen_dagster_tests.lanes.multifaceted.stored import SHARD as LANE_SHARD
from sysgen_dagster_tests.lanes.multifaceted.stored import store_lane
from sysgen_dagster_tests.lanes.sysgen.shards import Row, dropped, kept
from sysgen_dagster_tests.report.stored_shards import MODEL, catalog, store_rows

SOON_S = 2.0
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    with serving(routes(Store(tmp_path), catalog())) as served:
        yield served


Ask = Callable[[str], tuple[int, str]]


@pytest.fixture
def ask(pages: Pages) -> Iterator[Ask]:
    """Asks as a browser that has opened the printed address."""
    with visiting(pages.url) as client:

        def get(path: str) -> tuple[int, str]:
            answer = client.get(path)
            return answer.status_code, answer.text

        yield get


def test_a_row_is_told_at_most_two_seconds_after_it_is_stored(ask: Ask, tmp_path: Path) -> None:
    status, text = ask("/report/news?after=0")
    assert (status, json.loads(text)["rows"]) == (200, [])
    store_rows(tmp_path, [Row("one", columns={"new_answer": "Here."})])
    stored = time.monotonic()
    while not (rows := json.loads(ask("/report/news?after=0")[1])["rows"]):
        assert time.monotonic() - stored < SOON_S
        time.sleep(0.1)
    assert time.monotonic() - stored < SOON_S
    assert rows[0]["new_answer"] == "Here."


def test_the_report_that_was_made_last_is_shown_beside_it(ask: Ask, tmp_path: Path) -> None:
    assert ask("/report/whole")[0] == 404
    assert "There is no report yet" in ask(PAGE)[1]
    Store(tmp_path).write_text(tmp_path / "report.html", "<p>the report</p>")
    assert ask("/report/whole") == (200, "<p>the report</p>")
    assert 'href="/report/whole"' in ask(PAGE)[1]


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "9" * 20, "\u0661"])
def test_a_number_that_is_none_is_refused(ask: Ask, after: str) -> None:
    assert ask(f"/report/news?after={quote(after)}")[0] == 400


def test_nobody_else_is_told(pages: Pages) -> None:
    place = urlsplit(pages.url)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.request("GET", "/report/news?after=0")
    assert connection.getresponse().status == 403
    connection.close()


def test_a_port_without_a_page_is_refused() -> None:
    result = CliRunner().invoke(sysgen, ["report", "--port", "3001"])
    assert result.exit_code == 2
    assert "--serve" in result.output


@pytest.mark.slow
@needs_chromium
def test_a_browser_shows_rows_as_they_are_stored(pages: Pages, tmp_path: Path) -> None:
    said: list[str] = []
    with opened_chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(pages.url.replace("/?", f"{PAGE}?"))
        page.get_by_text("No row is stored yet.").wait_for()
        columns = {"question": HOSTILE, "annotated_message": HOSTILE}
        store_rows(tmp_path, [*kept(1, columns=columns)], upto=ANNOTATED)
        page.get_by_text(HOSTILE).first.wait_for(timeout=SOON_S * 1000)
        store_rows(tmp_path, dropped(1, "malformed_boundary"), "capybara-001", upto=FILTERED)
        first = page.locator("#rows article").first
        first.get_by_text("dropped in Phase 2: malformed boundary").wait_for(timeout=SOON_S * 1000)
        store_rows(tmp_path, kept(1, columns={**columns, "new_answer": "It is new."}))
        page.locator("#rows article").first.get_by_text("It is new.").wait_for(
            timeout=SOON_S * 1000
        )
        assert page.locator("#rows h3", has_text="kept-0").count() == 1  # the older state is gone
        assert page.locator("#progress tr").count() == 4
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert said == []


@pytest.mark.slow
@needs_chromium
def test_a_browser_shows_the_second_lane_set_by_set_and_then_whole(
    pages: Pages, tmp_path: Path
) -> None:
    said: list[str] = []
    with opened_chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(pages.url.replace("/?", f"{PAGE}?"))
        store_lane(tmp_path, INSTRUCTIONS)
        place = tmp_path / "ledger" / PREFERENCE_SETS.name / f"{MODEL}|{LANE_SHARD}.jsonl"
        with Ledger(place) as lines:
            reply = Outcome(f"Style preference: {HOSTILE}", attempts=1)
            lines.append(Asked("a key", "chats-a-0#1", 7), reply)
            page.get_by_text(HOSTILE).first.wait_for(timeout=SOON_S * 1000)
            assert page.locator("#rows .chip.flag").all_inner_texts() == ["not stored yet"]
        store_lane(tmp_path)
        page.get_by_text("Thus.").first.wait_for(timeout=SOON_S * 1000)
        assert page.locator("#rows article").count() == 2  # its set is part of an instruction now
        assert page.locator("#progress tr").count() == 4
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert said == []


@pytest.mark.slow
def test_the_command_prints_the_address_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    code = "from sysgen_dagster.cli import sysgen; sysgen()"
    command = [sys.executable, "-c", code, "report", "--serve", "--data", str(tmp_path)]
    ours = ("SYSGEN_", "DAGSTER_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        stops_anyway = threading.Timer(30, process.kill)
        stops_anyway.start()
        assert process.stdout
        printed: Any = process.stdout.readline() + process.stdout.readline()
        assert re.search(r"http://127.0.0.1:\d+/\?token=", printed)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
        stops_anyway.cancel()
