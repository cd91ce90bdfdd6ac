"""What the attempts at one request say of it and of the servers."""

import math

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.inference.attempts import Attempt, Attempts
from sysgen_dagster.inference.capacity import Capacity
from sysgen_dagster.inference.fitting import Fit
from sysgen_dagster.inference.replicas import Replica
from sysgen_dagster_tests.inference.batches import question


def attempts() -> Attempts:
    return Attempts(question(1), Fit([]))


def replica(restarts: int = 0) -> Replica:
    return Replica("a", Capacity(1, 1), restarts=restarts)


def test_before_the_first_there_is_nothing() -> None:
    none = attempts()
    assert (none.sent, none.failures, none.deaths, none.spent_s) == (0, 0, 0, 0)
    assert none.began == math.inf


def test_a_failure_at_a_server_that_died_since_is_no_failure_of_the_request() -> None:
    server = replica()
    tried = attempts()
    tried.failed = [(server, 0, True), (server, 0, False)]
    assert (tried.failures, tried.deaths) == (2, 0)
    server.restarts = 1
    assert (tried.failures, tried.deaths) == (0, 1)


def test_the_turn_of_an_attempt_comes_when_those_before_it_are_answered() -> None:
    server = replica()
    attempt = Attempt(server, restarts=0, sent_at=5, after=2)
    assert attempt.turn() == 5
    for now in (100, 200, 300):
        server.queue.note_answer(now)
    assert attempt.turn() == 200


def test_an_outcome_without_a_text_says_how_often_it_was_sent() -> None:
    tried = attempts()
    tried.sent = 3
    outcome = tried.without_text(NoAnswer.TIMEOUT, "no answer in time")
    assert (outcome.text, outcome.attempts, outcome.failed_because, outcome.failure) == (
        None,
        3,
        NoAnswer.TIMEOUT,
        "no answer in time",
    )
