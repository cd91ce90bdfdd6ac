"""How one request gets its outcome: a poison that kills engines, and how long it may take."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from aiohttp import web

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference import asking, replicas
from sysgen_dagster.inference.asking import MOST_FAILURES
from sysgen_dagster.inference.chat_api import Endpoint, ModelIdentity
from sysgen_dagster.inference.ledger import Ledger, request_key
from sysgen_dagster_tests.inference.odd_servers import completion, serving
from sysgen_dagster_tests.inference.test_replicas import (
    Ours,
    ask,
    endpoint_at,
    mortals,
    question,
    questions,
)
from sysgen_dagster_tests.simulated.running_server import running


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_FIRST_DELAY_S", 0.05)
    monkeypatch.setattr(asking, "_LONGEST_DELAY_S", 0.1)
    monkeypatch.setattr(replicas, "_FIRST_LOOK_S", 0.05)


@dataclass
class Theirs:
    """The connection to a server that is up all the time."""

    endpoint: Endpoint

    @property
    def model(self) -> ModelIdentity:
        return self.endpoint.model

    def connect(self) -> Endpoint:
        return self.endpoint

    def give_up(self) -> None:
        pass

    def revive(self, url: str) -> str:
        return url


def ask_one(endpoint: Endpoint, request: ChatRequest, folder: Path) -> dict[str, Any]:
    (row,) = ask(Theirs(endpoint), [request], folder).to_dicts()
    return row


# Poison: a request of which the engine dies whenever it works on it


def poisoned(*seeds: int) -> Callable[[dict[str, Any]], bool]:
    return lambda body: body["seed"] in seeds


def outcomes(rows: pl.DataFrame) -> dict[int, str]:
    """Why the rows without a text have none."""
    failed = rows.filter(pl.col("text").is_null())
    return dict(failed.select("seed", "failed_because").iter_rows())


@pytest.mark.parametrize("seed", [0, 60, 199], ids=["first", "in_the_middle", "last"])
def test_a_request_that_kills_the_engine_ends_after_three_deaths_and_costs_no_other_row(
    tmp_path: Path, seed: int
) -> None:
    with mortals(kills=poisoned(seed)) as servers:
        ours = Ours(servers)
        rows = ask(ours, questions(200), tmp_path)
    assert outcomes(rows) == {seed: NoAnswer.ENGINE_DIED}
    assert servers[0].deaths == servers[0].asked[seed] == 3
    assert ours.revived <= 5
    row = rows.row(seed, named=True)
    assert row["failure"] == "the engine died 3 times while it worked on this request"
    assert row["attempts"] == 3


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("seed", [60, 199], ids=["in_the_middle", "last"])
def test_a_poison_does_not_go_through_all_of_several_servers(
    tmp_path: Path, count: int, seed: int
) -> None:
    with mortals(count, kills=poisoned(seed)) as servers:
        ours = Ours(servers)
        rows = ask(ours, questions(200), tmp_path)
    assert outcomes(rows) == {seed: NoAnswer.ENGINE_DIED}
    assert sum(server.deaths for server in servers) == 3
    assert ours.revived <= 5


def test_a_poison_is_found_in_an_engine_that_answers_500_before_it_ends(tmp_path: Path) -> None:
    with mortals(kills=poisoned(60), ill_s=0.1) as servers:
        rows = ask(Ours(servers), questions(200), tmp_path)
    # Nobody who was sent to it while it was ill already is to blame.
    assert outcomes(rows) == {60: NoAnswer.ENGINE_DIED}
    assert servers[0].deaths == 3


def test_two_poisons_are_both_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "_MOST_REVIVALS", 6)  # three for each where they do not coincide
    with mortals(kills=poisoned(20, 21)) as servers:
        rows = ask(Ours(servers), questions(60), tmp_path)
    assert set(outcomes(rows).values()) == {NoAnswer.ENGINE_DIED}
    assert outcomes(rows).keys() >= {20, 21}
    # A suspect that is alone may be struck by the other poison while that is none yet.
    assert len(outcomes(rows)) <= 3


def test_whoever_may_have_killed_two_engines_goes_alone(tmp_path: Path) -> None:
    with mortals(kills=poisoned(5)) as servers:
        ask(Ours(servers), questions(32), tmp_path)
    first, second, third = servers[0].victims
    assert len(first) > 10
    assert 5 in first & second & third
    assert len(first & second & third) <= 2  # one may have been on its way when the other was sent


def test_a_poison_is_not_known_the_next_time(tmp_path: Path) -> None:
    with mortals(kills=poisoned(5)) as servers:
        ours = Ours(servers)
        ask(ours, questions(20), tmp_path)
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        known = [ledger.get(request_key(ours.model.answers_as, each)) for each in questions(20)]
    assert [number for number, outcome in enumerate(known) if outcome is None] == [5]


def test_what_failed_while_an_engine_was_dying_is_no_failure_of_the_row(tmp_path: Path) -> None:
    with mortals(ill_s=0.15) as servers:
        (server,) = servers
        server.kills = lambda _: server.deaths < 2
        row = ask(Ours(servers), [question(1)], tmp_path).row(0, named=True)
    assert (row["text"], server.deaths) == ("Because.", 2)
    assert row["attempts"] > MOST_FAILURES


def test_failures_of_a_row_that_are_not_deaths_still_end_it(tmp_path: Path) -> None:
    calls: Counter[int] = Counter()

    async def fail(request: web.Request) -> web.Response:
        seed = (await request.json())["seed"]
        calls[seed] += 1
        return web.Response(status=500) if seed == 3 else web.json_response(completion("Yes."))

    with serving(fail) as url, serving(fail) as other:
        rows = ask(Theirs(endpoint_at(url, other)), questions(20), tmp_path)
    assert outcomes(rows) == {3: NoAnswer.SERVER_ERROR}
    assert calls[3] == MOST_FAILURES


# Time


def failing(status: int, wait: str = "", times: int = 10**9) -> Any:
    """A handler that fails so many times, with this ``Retry-After``, and the times of all calls."""
    calls: list[float] = []

    async def handle(_: web.Request) -> web.Response:
        calls.append(time.monotonic())
        if len(calls) <= times:
            headers = {"Retry-After": wait} if wait else {}
            return web.Response(status=status, headers=headers)
        return web.json_response(completion("Because."))

    return handle, calls


@pytest.mark.parametrize("status", [429, 500])
@pytest.mark.parametrize(
    "wait", ["99999999", "9" * 400, "-7", "Wed, 21 Oct 2037 07:28:00 GMT", "soon", ""]
)
def test_nobody_waits_for_longer_than_a_bound_whatever_a_server_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, wait: str
) -> None:
    monkeypatch.setattr(asking, "_LONGEST_WAIT_S", 0.3)
    handle, calls = failing(status, wait, times=1)
    with serving(handle) as url:
        row = ask_one(endpoint_at(url), question(1), tmp_path)
    assert (row["text"], row["attempts"]) == ("Because.", 2)
    paused = calls[1] - calls[0]
    assert (0.3 <= paused < 1) if wait.isdigit() else paused < 0.3


@pytest.mark.parametrize("status", [429, 500])
def test_the_deadline_of_a_request_ends_its_attempts(tmp_path: Path, status: int) -> None:
    handle, calls = failing(status)
    with serving(handle) as url:
        endpoint = endpoint_at(url, deadline_s=0.12, patience_s=60)
        row = ask_one(endpoint, question(1), tmp_path)
    assert row["failed_because"] == NoAnswer.SERVER_ERROR
    assert row["failure"].startswith(str(status))
    assert 1 < row["attempts"] == len(calls) < MOST_FAILURES


def test_a_wait_that_would_go_beyond_the_deadline_is_not_begun(tmp_path: Path) -> None:
    handle, calls = failing(429, wait="30")
    with serving(handle) as url:
        began = time.monotonic()
        row = ask_one(endpoint_at(url, deadline_s=20), question(1), tmp_path)
    assert (row["failed_because"], len(calls)) == (NoAnswer.SERVER_ERROR, 1)
    assert time.monotonic() - began < 5


def test_waiting_for_a_place_is_no_part_of_the_time_of_a_request(tmp_path: Path) -> None:
    calls: Counter[int] = Counter()

    async def fail_once(request: web.Request) -> web.Response:
        seed = (await request.json())["seed"]
        calls[seed] += 1
        await asyncio.sleep(0.05)
        if calls[seed] == 1:
            return web.Response(status=500)
        return web.json_response(completion("Because."))

    with serving(fail_once) as url:
        endpoint = endpoint_at(url, starts_with=1, deadline_s=0.6)
        rows = ask(Theirs(endpoint), questions(25), tmp_path)
    assert outcomes(rows) == {}
    assert set(calls.values()) == {2}


FEW_FILES = """
import resource, sys
from pathlib import Path
import polars as pl
from sysgen_dagster.inference import asking
from sysgen_dagster_tests.inference.test_asking import Theirs
from sysgen_dagster_tests.inference.test_replicas import ask, endpoint_at, questions

asking._FIRST_DELAY_S = 0.05
pl.DataFrame({"a": [1]}).with_columns(b=pl.lit(1))  # its threads need files too
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
endpoint = endpoint_at(sys.argv[3], starts_with=256, patience_s=20)
rows = ask(Theirs(endpoint), questions(600), Path(sys.argv[4]))
print("answered:", rows["text"].count(), "attempts:", rows["attempts"].sum())
"""


@pytest.mark.parametrize(
    ("soft", "hard", "needs_again"),
    [(64, 4096, False), (100, 100, True)],
    ids=["that_can_be_raised", "that_cannot"],
)
def test_a_low_limit_of_open_files_is_no_server_that_is_gone(
    tmp_path: Path, soft: int, hard: int, needs_again: bool
) -> None:
    with running("--latency-ms", "50") as server:
        arguments = [str(soft), str(hard), f"{server.url}/v1", str(tmp_path)]
        told = subprocess.run(
            [sys.executable, "-c", FEW_FILES, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
        )
    last = told.stdout.splitlines()[-1] if told.stdout else told.stderr
    assert last.startswith("answered: 600 attempts: "), told.stderr
    assert (int(last.split()[-1]) > 600) == needs_again
    assert "nothing answers" not in told.stdout
