"""What is shown of a run while its requests are sent."""

import math
import time

import pytest

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.progress import Progress, time_words

ANSWERED = Outcome(
    "Because.", "stop", prompt_tokens=100, cached_tokens=80, completion_tokens=50, attempts=1
)
FAILED = Outcome(attempts=5, failed_because=NoAnswer.SERVER_ERROR, failure="500")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def asked(progress: Progress, *outcomes: Outcome) -> None:
    for outcome in outcomes:
        progress.count(outcome)


def test_before_anything_is_asked_nothing_is_known(clock: list[float]) -> None:
    figures = Progress(total=10).figures()
    assert (figures["requests"], figures["answered"], figures["seconds"]) == (10, 0, 0)
    assert figures["seconds_left"] == math.inf
    assert str(Progress(total=10)) == (
        "0 of 10 answered (0 known from before, 0 failed), 0.0 requests/s, 0 tokens/s, "
        "up to 0 at once, time left unknown until the first answer"
    )


@pytest.mark.parametrize(
    ("answered_in_an_hour", "speed"),
    [
        (36_000_000, "10,000.0 requests/s"),
        (3600, "1.0 requests/s"),
        (180, "3.0 requests/min"),
        (60, "1.0 requests/min"),
        (12, "12.0 requests/h"),
    ],
)
def test_the_speed_is_in_a_unit_in_which_it_can_be_read(
    clock: list[float], answered_in_an_hour: int, speed: str
) -> None:
    progress = Progress(total=10**9)
    progress.begin()
    clock[0] += 3600
    progress.done = answered_in_an_hour
    assert f" {speed}, " in str(progress)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (0, "0 s left"),
        (5, "100 s left"),
        (60, "about 20 min left"),
        (354, "about 118 min left"),
        (612, "about 3.4 h left"),
        (12_960, "about 3.0 days left"),
    ],
)
def test_the_time_left_is_in_a_unit_in_which_it_can_be_read(
    clock: list[float], left: int, words: str
) -> None:
    progress = Progress(total=50 + left)
    progress.begin()
    clock[0] += 1000
    asked(progress, *[ANSWERED] * 50)  # one in 20 s
    assert str(progress).endswith(f"up to 0 at once, {words}")
    assert " 3.0 requests/min, " in str(progress)


def test_a_run_without_requests_has_nothing_left(clock: list[float]) -> None:
    assert Progress().figures()["seconds_left"] == 0


def test_every_outcome_counts_with_what_it_cost(clock: list[float]) -> None:
    progress = Progress(total=10, at_once=64)
    progress.begin()
    asked(progress, ANSWERED, ANSWERED, FAILED)
    clock[0] += 2
    assert progress.figures() == {
        "requests": 10,
        "answered": 3,
        "known_from_before": 0,
        "failed": 1,
        "times_sent": 7,
        "in_flight_at_most": 64,
        "seconds": 2.0,
        "seconds_left": pytest.approx(7 / 1.5),
        "requests_per_second": 1.5,
        "prompt_tokens": 200,
        "prompt_tokens_from_cache": 160,
        "completion_tokens": 100,
        "completion_tokens_per_second": 50.0,
    }
    assert str(progress) == (
        "3 of 10 answered (0 known from before, 1 failed), 1.5 requests/s, 50 tokens/s, "
        "up to 64 at once, 5 s left"
    )


def test_what_was_known_before_costs_nothing_and_says_nothing_of_the_speed(
    clock: list[float],
) -> None:
    progress = Progress(total=3000)
    for _ in range(2000):
        progress.count(ANSWERED, is_known=True)
    progress.begin()
    asked(progress, *[ANSWERED] * 100)
    clock[0] += 10
    figures = progress.figures()
    assert (figures["answered"], figures["known_from_before"]) == (2100, 2000)
    assert (figures["times_sent"], figures["completion_tokens"]) == (100, 5000)
    assert figures["requests_per_second"] == pytest.approx(10)
    assert figures["seconds_left"] == pytest.approx(90)
    assert "2,100 of 3,000 answered (2,000 known from before" in str(progress)


def test_the_time_is_counted_from_the_first_request_and_not_anew_for_each_call(
    clock: list[float],
) -> None:
    progress = Progress(total=2)
    clock[0] += 600  # a model is loaded
    progress.begin()
    clock[0] += 4
    asked(progress, ANSWERED)
    progress.begin()  # the next attempt at the rows
    clock[0] += 4
    assert progress.figures()["seconds"] == 8
    assert progress.figures()["requests_per_second"] == 0.125


def test_outcomes_without_token_counts_cost_none(clock: list[float]) -> None:
    progress = Progress(total=1)
    asked(progress, Outcome("Because.", attempts=2))
    figures = progress.figures()
    assert (figures["times_sent"], figures["prompt_tokens"]) == (2, 0)
    assert figures["completion_tokens"] == figures["prompt_tokens_from_cache"] == 0


def test_what_waits_is_what_has_no_outcome_yet() -> None:
    progress = Progress(total=5)
    asked(progress, ANSWERED, FAILED)
    assert progress.waiting == 3
    progress.total += 5
    assert progress.waiting == 8


def test_a_run_that_is_done_has_no_time_left(clock: list[float]) -> None:
    progress = Progress(total=1)
    progress.begin()
    clock[0] += 1
    asked(progress, ANSWERED)
    assert progress.figures()["seconds_left"] == 0
    assert str(progress).endswith("0 s left")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "3 s"), (119, "119 s"), (600, "10 min"), (9_000, "2.5 h"), (9e5, "10.4 days")],
)
def test_times_are_said_in_the_unit_that_people_use(seconds: float, words: str) -> None:
    assert time_words(seconds) == words
