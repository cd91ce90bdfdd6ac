"""`sysgen review`: what its server answers, and what survives a kill."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from sysgen_dagster.commands.pages import serving
from sysgen_dagster.commands.review import _MOST_BYTES, ReviewError, _login, _rows_of, routes
from sysgen_dagster.review.decisions import journal_of, read_decisions
from sysgen_dagster.review.tables import REVIEW_DECISIONS
from sysgen_dagster.storage.journal import Journal
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.tables import MIXTURES
from sysgen_dagster_tests.commands.browser import visiting
from sysgen_dagster_tests.review.rows import (
    MODEL,
    SHARD,
    catalog,
    decision,
    make_deployment,
    open_desk,
    write_rows,
)
from sysgen_dagster_tests.training_sets.frames import of

_SYSGEN = "from sysgen_dagster.cli import sysgen; sysgen()"


@dataclass(slots=True)
class Reviewer:
    """Somebody who has the printed address."""

    client: httpx2.Client
    told: list[tuple[str, str]] = field(default_factory=list)  # rows and choices that are stored

    def get(self, path: str, **asked: str) -> httpx2.Response:
        return self.client.get(f"{path}?{urlencode(asked)}")

    def row(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/row", model=MODEL, id=f"c{number}-0").json()
        return found

    def decide(self, number: int, choice: str = "accepted", **more: Any) -> httpx2.Response:
        row = f"c{number}-0"
        sent = {"model": MODEL, "conversation_id": row, "choice": choice, **more}
        answer = self.client.post("/decide", json={"texts": self.row(number)["texts"], **sent})
        if answer.status_code == 200:
            self.told.append((row, choice))
        return answer


@contextmanager
def reviewing(url: str) -> Iterator[Reviewer]:
    with visiting(url) as client:
        yield Reviewer(client)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    write_rows(store, *({} for _ in range(5)))
    return store


@pytest.fixture
def reviewer(store: Store) -> Iterator[Reviewer]:
    with serving(routes(open_desk(store))) as pages, reviewing(pages.url) as reviewer:
        yield reviewer


def test_the_page_brings_its_policy_and_stays_in_no_cache(reviewer: Reviewer) -> None:
    page = reviewer.get("/")
    assert "default-src &#39;none&#39;" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "<title>Review</title>" in page.text


def test_what_the_page_asks_for_is_json_that_no_cache_keeps(reviewer: Reviewer) -> None:
    found = reviewer.get("/queue", which="undecided")
    assert len(found.json()["keys"]) == 5
    for answer in (found, reviewer.get("/row", model=MODEL, id="c1-0")):
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
    assert reviewer.row(1)["question"] == "What is 1?"


def test_a_decision_is_answered_with_the_row_as_it_is_now(reviewer: Reviewer, store: Store) -> None:
    answer = reviewer.decide(1, new_answer="It is 1.", labels={"Role": "Good"}).json()
    assert answer["row"]["written"]["new_answer"] == "It is 1."
    assert answer["progress"]["edited"] == 1
    assert read_decisions(store).made == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"choice": ', 400),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
        (b'{"choice": "accepted"}', 400),
        (b'{"a": NaN}', 400),
        (b" " * (_MOST_BYTES + 1), 413),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_decision_is_refused(
    reviewer: Reviewer, store: Store, body: bytes, status: int
) -> None:
    json_ = {"Content-Type": "application/json"}
    answer = reviewer.client.post("/decide", content=body, headers=json_)
    assert answer.status_code == status
    assert len(answer.json()["error"]) < 300
    assert read_decisions(store).made == 0


def test_a_row_that_is_not_there_is_an_answer_too(reviewer: Reviewer) -> None:
    assert reviewer.get("/row", model=MODEL, id="c99-0").status_code == 400
    assert reviewer.get("/row").status_code == 400
    assert reviewer.get("/queue", which="none", source="\x00").json()["rows"] == 0


def test_a_decision_that_could_not_be_stored_is_said(
    reviewer: Reviewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("its disk is full")

    monkeypatch.setattr(Journal, "append", fail)
    answer = reviewer.decide(1)
    assert answer.status_code == 503
    assert answer.json()["error"] == "its disk is full"


def test_nobody_else_s_page_decides(reviewer: Reviewer, store: Store) -> None:
    sent = {"model": MODEL, "conversation_id": "c1-0", "texts": reviewer.row(1)["texts"]}
    body = json.dumps({**sent, "choice": "accepted"})
    as_json = {"Content-Type": "application/json"}
    refused = [
        {"Content-Type": "text/plain"},
        {**as_json, "Origin": "http://evil.example"},
        {**as_json, "Host": "evil.example"},
        {**as_json, "Sec-Fetch-Site": "cross-site"},
        {**as_json, "Cookie": "sysgen-1=x"},
    ]
    for headers in refused:
        answer = httpx2.post(
            f"{str(reviewer.client.base_url).rstrip(chr(47))}/decide",
            content=body,
            headers=headers,
            cookies=None if "Cookie" in headers else dict(reviewer.client.cookies),
        )
        assert answer.status_code in (403, 415), headers
    assert reviewer.client.get("/decide").status_code == 405
    assert read_decisions(store).made == 0


# The command in a process of its own


@contextmanager
def commanded(data: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`sysgen review`, and the address that it prints."""
    own = {name: "" for name in os.environ if name.startswith("SYSGEN_")} | {"DAGSTER_HOME": ""}
    process = subprocess.Popen(
        [sys.executable, "-c", _SYSGEN, "review", "-o", str(data), *options],
        env=os.environ | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://127\S+", line)
        assert found, line + process.stdout.read()
        yield process, found[0]
    finally:
        process.kill()
        process.communicate()


def test_it_ends_at_ctrl_c_and_says_what_was_decided(tmp_path: Path) -> None:
    bob = open_desk(make_deployment(tmp_path, rows=3), "bob")
    with commanded(tmp_path, "--reviewer", "ann") as (process, url):
        with reviewing(url) as reviewer:
            reviewer.decide(1, "rejected")
            reviewer.decide(2, system_message="Be brief.")
        bob.decide(decision(bob, 0))
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "3 of 3 rows are decided: 2 accepted (1 edited), 1 rejected." in said
    last = read_decisions(Store(tmp_path)).last.values()
    assert sorted(each.reviewer for each in last) == ["ann", "ann", "bob"]


def test_where_there_is_nothing_to_review_it_says_so(tmp_path: Path) -> None:
    make_deployment(tmp_path, rows=0)
    own = {name: "" for name in os.environ if name.startswith("SYSGEN_")} | {"DAGSTER_HOME": ""}
    done = subprocess.run(
        [sys.executable, "-c", _SYSGEN, "review", "-o", str(tmp_path)],
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "has no row with a new answer: run the phases first" in done.stderr


@pytest.mark.slow
def test_what_was_decided_is_applied_to_what_is_stored(tmp_path: Path) -> None:
    store = make_deployment(tmp_path, rows=3)
    store.write_text(store.report, "an old one")
    desk = open_desk(store)
    desk.decide(decision(desk, 1, "rejected"))
    own = {name: "" for name in os.environ if name.startswith("SYSGEN_")} | {"DAGSTER_HOME": ""}
    command = [sys.executable, "-c", _SYSGEN, "review", "--apply", "-o", str(tmp_path)]
    subprocess.run(command, env=os.environ | own, capture_output=True, timeout=100, check=True)
    assert store.read(REVIEW_DECISIONS, Partition())["choice"].to_list() == ["rejected"]
    assert "an old one" not in Path(str(store.report)).read_text()


def test_only_rows_of_a_mixture_are_shown_that_the_catalogue_names(store: Store) -> None:
    with pytest.raises(ReviewError, match=r"no recipe nothing: name one of its mixtures .sysgen."):
        _rows_of(store, catalog(), "nothing")
    mixture = {"conversation_id": "c1-0", "source": "capybara", "model": MODEL, "shard": SHARD}
    store.write(MIXTURES, Partition(recipe="sysgen"), of(MIXTURES, mixture))
    desk = open_desk(store, only=_rows_of(store, catalog(), "sysgen"))
    assert desk.progress()["progress"]["rows"] == 1


def test_who_has_no_login_is_told_how_to_say_who_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise KeyError("getpwuid(): uid not found: 1001")

    monkeypatch.setattr("getpass.getuser", fail)
    with pytest.raises(ReviewError, match="name yourself with --reviewer"):
        _login()


def decide_until_it_is_gone(reviewer: Reviewer, rows: int) -> None:
    choices = ("accepted", "rejected", "open")
    for number in range(100_000):
        try:
            reviewer.decide(number % rows, choices[number % 3], new_answer="x" * 5_000)
        except httpx2.TransportError:
            return


@pytest.mark.slow
def test_every_decision_that_was_answered_is_there_after_kills(tmp_path: Path) -> None:
    store, told = make_deployment(tmp_path, rows=8), 0
    for kill in range(5):
        with commanded(tmp_path) as (process, url), reviewing(url) as one, reviewing(url) as two:
            before = len(journal_of(store).read().records)
            others = threading.Thread(target=decide_until_it_is_gone, args=(two, 8))
            others.start()
            killing = threading.Timer(0.2 + 0.13 * kill, process.kill)
            killing.start()
            decide_until_it_is_gone(one, 8)
            others.join()
            killing.join()
        held = journal_of(store).read()
        assert held.damaged == 0
        written = [(each["conversation_id"], each["choice"]) for each in held.records[before:]]
        for each in (one, two):
            rest = iter(written)
            assert all(decision in rest for decision in each.told)  # in this order
        # At most what was on its way when the kill came was written and not answered.
        assert 0 <= len(written) - len(one.told) - len(two.told) <= 2
        told += len(one.told) + len(two.told)
    assert told > 50
