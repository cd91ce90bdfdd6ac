"""How one request gets its outcome: a poison that kills engines, and how long it may take."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from aiohttp import web

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.inference.asking import MOST_FAILURES
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.request_keys import Asked, request_key
from sysgen_dagster_tests.inference.batches import ask, ask_one, endpoint_at, question, questions
from sysgen_dagster_tests.inference.mortal_servers import Ours, mortals
from sysgen_dagster_tests.inference.odd_servers import completion, serving
from sysgen_dagster_tests.inference.processes import CEILING_S
from sysgen_dagster_tests.inference.slow_servers import SlowServer
from sysgen_dagster_tests.simulated.running_server import running

# Poison: a request of which the engine dies whenever it works on it


def poisoned(*seeds: int) -> Callable[[dict[str, Any]], bool]:
    return lambda body: body["seed"] in seeds


def outcomes(rows: pl.DataFrame) -> dict[int, str]:
    """Why the rows without a text have none."""
    failed = rows.filter(pl.col("text").is_null())
    return dict(failed.select("seed", "failed_because").iter_rows())


@pytest.mark.parametrize("seed", [0, 60, 199], ids=["first", "in_the_middle", "last"])
def test_a_request_that_kills_the_engine_ends_after_three_deaths_and_costs_no_other_row(
    ledger: Ledger, seed: int
) -> None:
    with mortals(kills=poisoned(seed)) as servers:
        ours = Ours(servers)
        rows = ask(ours, questions(200), ledger)
    assert outcomes(rows) == {seed: NoAnswer.ENGINE_DIED}
    assert servers[0].deaths == servers[0].asked[seed] == 3
    assert ours.revived <= 5
    row = rows.row(seed, named=True)
    assert row["failure"] == "the engine died 3 times while it worked on this request"
    assert row["attempts"] == 3


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("seed", [60, 199], ids=["in_the_middle", "last"])
def test_a_poison_does_not_go_through_all_of_several_servers(
    ledger: Ledger, count: int, seed: int
) -> None:
    with mortals(count, kills=poisoned(seed)) as servers:
        ours = Ours(servers)
        rows = ask(ours, questions(200), ledger)
    assert outcomes(rows) == {seed: NoAnswer.ENGINE_DIED}
    assert sum(server.deaths for server in servers) == 3
    assert ours.revived <= 5


def test_a_poison_is_found_in_an_engine_that_answers_500_before_it_ends(ledger: Ledger) -> None:
    with mortals(kills=poisoned(60), ill_replies=48) as servers:
        rows = ask(Ours(servers), questions(200), ledger)
    # Of the 48 requests that it answered with 500 each time, only those that were sent before the
    # first 500 was read can be taken for the cause too: none as a rule, few on a busy machine.
    assert outcomes(rows)[60] == NoAnswer.ENGINE_DIED
    assert len(outcomes(rows)) <= 3
    assert servers[0].deaths <= 5


def test_two_poisons_are_both_found(ledger: Ledger) -> None:
    with mortals(kills=poisoned(20, 21)) as servers:
        # Three restarts for each poison where they do not coincide.
        rows = ask(Ours(servers, {"restarts": 6}), questions(60), ledger)
    assert set(outcomes(rows).values()) == {NoAnswer.ENGINE_DIED}
    assert outcomes(rows).keys() >= {20, 21}
    # A suspect that is alone may be struck by the other poison while that is none yet.
    assert len(outcomes(rows)) <= 3


def test_a_request_that_may_have_killed_two_engines_goes_alone(ledger: Ledger) -> None:
    with mortals(kills=poisoned(5)) as servers:
        ask(Ours(servers), questions(32), ledger)
    first, second, third = servers[0].victims
    assert len(first) > 10
    assert 5 in first & second & third
    assert len(first & second & third) <= 2  # one may have been on its way when the other was sent


def test_a_poison_is_not_known_the_next_time(ledger: Ledger) -> None:
    with mortals(kills=poisoned(5)) as servers:
        ours = Ours(servers)
        ask(ours, questions(20), ledger)
    with ledger:
        keys = [request_key(ours.model.answers_as, each) for each in questions(20)]
        known = ledger.find([Asked(key) for key in keys])
    assert [number for number, outcome in enumerate(known) if outcome is None] == [5]


def test_what_failed_while_an_engine_was_dying_is_no_failure_of_the_row(ledger: Ledger) -> None:
    with mortals(ill_replies=3) as servers:
        (server,) = servers
        server.kills = lambda _: server.deaths < 2
        row = ask(Ours(servers), [question(1)], ledger).row(0, named=True)
    assert (row["text"], server.deaths) == ("Because.", 2)
    assert row["attempts"] == 2 * (3 + 1) + 1 > MOST_FAILURES


def test_failures_of_a_row_that_are_not_deaths_still_end_it(ledger: Ledger) -> None:
    calls: Counter[int] = Counter()

    async def fail(request: web.Request) -> web.Response:
        seed = (await request.json())["seed"]
        calls[seed] += 1
        return web.Response(status=500) if seed == 3 else web.json_response(completion("Yes."))

    with serving(fail) as url, serving(fail) as other:
        rows = ask(endpoint_at(url, other), questions(20), ledger)
    assert outcomes(rows) == {3: NoAnswer.SERVER_ERROR}
    assert calls[3] == MOST_FAILURES


# Time


def failing(status: int, *waits: str, times: int = 10**9) -> Any:
    """A handler that fails so many times, and the times of all calls.

    Each failure has the next of these ``Retry-After``, then the last one again.
    """
    calls: list[float] = []

    async def handle(_: web.Request) -> web.Response:
        calls.append(time.monotonic())
        if len(calls) > times:
            return web.json_response(completion("Because."))
        wait = waits[min(len(calls), len(waits)) - 1] if waits else ""
        return web.Response(status=status, headers={"Retry-After": wait} if wait else {})

    return handle, calls


@pytest.mark.parametrize("status", [429, 500])
@pytest.mark.parametrize(
    "wait", ["99999999", "9" * 400, "-7", "Wed, 21 Oct 2037 07:28:00 GMT", "soon", ""]
)
def test_the_wait_that_a_server_asks_for_has_a_bound_whatever_it_says(
    ledger: Ledger, status: int, wait: str
) -> None:
    handle, calls = failing(status, wait, times=1)
    with serving(handle) as url:
        # A wait beyond the deadline would end the request.
        endpoint = endpoint_at(url, longest_retry_after_s=0.3, deadline_s=CEILING_S)
        row = ask_one(endpoint, question(1), ledger)
    assert (row["text"], row["attempts"]) == ("Because.", 2)
    assert calls[1] - calls[0] >= 0.3 or wait in ("-7", "soon", "")


@pytest.mark.parametrize("status", [429, 500])
def test_the_deadline_of_a_request_ends_its_attempts(ledger: Ledger, status: int) -> None:
    handle, calls = failing(status, "", "", "9999999")
    with serving(handle) as url:
        waits = {"deadline_s": CEILING_S, "longest_retry_after_s": 10 * CEILING_S}
        row = ask_one(endpoint_at(url, patience_s=CEILING_S, **waits), question(1), ledger)
    assert row["failed_because"] == NoAnswer.SERVER_ERROR
    assert row["failure"].startswith(str(status))
    assert row["attempts"] == len(calls) == 3


def test_the_pause_between_two_attempts_grows(ledger: Ledger) -> None:
    handle, calls = failing(500)
    with serving(handle) as url:
        ask_one(endpoint_at(url, first_delay_s=0.1, longest_delay_s=0.4), question(1), ledger)
    pauses = [after - before for before, after in pairwise(calls)]
    least = [0.05, 0.1, 0.2, 0.2]  # by jitter half of 0.1, 0.2, 0.4, 0.4
    assert all(pause >= bound for pause, bound in zip(pauses, least, strict=True))


def test_waiting_for_a_place_is_no_part_of_the_time_of_a_request(ledger: Ledger) -> None:
    calls: Counter[int] = Counter()

    async def fail_once(request: web.Request) -> web.Response:
        seed = (await request.json())["seed"]
        calls[seed] += 1
        if seed == 0:
            await asyncio.sleep(3)  # the others wait for its place
        elif calls[seed] == 1:
            return web.Response(status=500)
        return web.json_response(completion("Because."))

    with serving(fail_once) as url:
        endpoint = endpoint_at(url, starts_with=1, deadline_s=2.5)
        rows = ask(endpoint, questions(3), ledger)
    assert outcomes(rows) == {}
    assert calls == {0: 1, 1: 2, 2: 2}


# Slow servers: two slots, 100 s an answer, 600 s for an attempt


@pytest.mark.parametrize("goes_on", [False, True], ids=["drops", "goes_on_with"])
@pytest.mark.parametrize("at_first", [1, 4, None], ids=["one", "few", "many"])
def test_a_slow_server_loses_no_row_and_is_never_idle(at_first: int | None, goes_on: bool) -> None:
    server = SlowServer(slots=2, answer_s=100, goes_on=goes_on)
    endpoint = endpoint_at("a", before_first_answer=at_first, patience_s=300.0)
    outcomes, took_s = server.ask_all(endpoint, questions(60))
    assert {outcome.text for outcome in outcomes} == {"Because."}
    assert server.asked.total() == 60  # none was given up and sent again
    assert took_s <= 1.1 * 60 / 2 * 100


def test_a_server_that_is_slow_for_everybody_may_have_what_it_can_take() -> None:
    server = SlowServer(slots=12, answer_s=400)
    endpoint = endpoint_at("a", before_first_answer=4, patience_s=300.0)
    outcomes, took_s = server.ask_all(endpoint, questions(600))
    assert {outcome.text for outcome in outcomes} == {"Because."}
    assert took_s <= 1.2 * 600 / 12 * 400


def test_a_row_that_a_slow_server_never_answers_is_a_timeout_and_costs_no_other_row() -> None:
    server = SlowServer(slots=2, answer_s=100, silent_for=frozenset({7}))
    endpoint = endpoint_at("a", before_first_answer=4, patience_s=300.0)
    outcomes, took_s = server.ask_all(endpoint, questions(60))
    failed = {n: outcome.failed_because for n, outcome in enumerate(outcomes) if not outcome.text}
    assert failed == {7: NoAnswer.TIMEOUT}
    assert server.asked[7] > 1
    assert took_s <= 60 * 100 + 1800


@pytest.mark.parametrize("rows", [2, 60, 2000])
def test_a_server_that_takes_requests_and_answers_nobody_ends_the_partition(rows: int) -> None:
    server = SlowServer(slots=0, answer_s=1)
    endpoint = endpoint_at("a", before_first_answer=4, patience_s=300.0)
    with pytest.raises(ExceptionGroup) as error:
        server.ask_all(endpoint, questions(rows))
    assert error.group_contains(EngineError, match=r"answered none for 1200 s .* is kept")


def test_a_server_that_falls_silent_ends_the_partition_and_no_row() -> None:
    server = SlowServer(slots=4, answer_s=10, silent_for=frozenset(range(100, 2000)))
    endpoint = endpoint_at("a", before_first_answer=4, patience_s=300.0)
    with pytest.raises(ExceptionGroup) as error:
        server.ask_all(endpoint, questions(2000))
    assert error.group_contains(EngineError, match="answered none for 1200 s")


FEW_FILES = """
import resource, sys
from pathlib import Path
import polars as pl
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster_tests.inference.batches import ask, endpoint_at, questions

pl.DataFrame({"a": [1]}).with_columns(b=pl.lit(1))  # its threads need files too
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
endpoint = endpoint_at(sys.argv[3], starts_with=256, patience_s=120)
rows = ask(endpoint, questions(600), Ledger(Path(sys.argv[4])))
print("answered:", rows["text"].count(), "attempts:", rows["attempts"].sum())
"""


@pytest.mark.parametrize(
    ("soft", "hard", "needs_again"),
    [(64, 4096, False), (100, 100, True)],
    ids=["that_can_be_raised", "that_cannot"],
)
def test_a_low_limit_of_open_files_is_no_server_that_is_gone(
    ledger: Ledger, soft: int, hard: int, needs_again: bool
) -> None:
    with running("--latency-ms", "50") as server:
        arguments = [str(soft), str(hard), f"{server.url}/v1", str(ledger.path)]
        printed = subprocess.run(
            [sys.executable, "-c", FEW_FILES, *arguments],
            capture_output=True,
            text=True,
            timeout=CEILING_S,
        )
    last = printed.stdout.splitlines()[-1] if printed.stdout else printed.stderr
    assert last.startswith("answered: 600 attempts: "), printed.stderr
    assert (int(last.split()[-1]) > 600) == needs_again
    assert "nothing answers" not in printed.stdout
