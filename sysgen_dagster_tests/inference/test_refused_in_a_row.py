"""How many refusals in a row mean everybody, and how many mean their rows."""

from collections.abc import Sequence

import pytest

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.inference.capacity import Capacity
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.inference.refused_in_a_row import (
    MOST_FILTERED,
    MOST_UNANSWERED,
    RefusedInARow,
)
from sysgen_dagster.inference.replicas import Replica

ANSWER = Outcome("Because.", finish_reason="stop")
REFUSAL = Outcome(failed_because=NoAnswer.REFUSED_BY_SERVER, failure="403: not for you")
FILTERED = Outcome(failed_because=NoAnswer.FILTERED_BY_SERVER, failure="403: flagged")
TOO_LONG = Outcome(failed_because=NoAnswer.TOO_LONG, failure="400: too long")


def replica(in_flight: int = 1) -> Replica:
    return Replica("http://here/v1", Capacity(1, 1), in_flight=in_flight)


def tally(*before: Outcome, total: int = 8_000) -> RefusedInARow:
    """The refusals of a partition of which so much is known from before."""
    progress = Progress(total)
    for outcome in before:
        progress.count(outcome, is_known=True)
    return RefusedInARow(progress)


def noted(refused: RefusedInARow, outcomes: Sequence[Outcome], server: Replica) -> int:
    """How many outcomes were noted before everybody was taken to be meant."""
    for number, outcome in enumerate(outcomes, 1):
        try:
            refused.note(server, outcome)
        except EngineError:
            return number
        refused.progress.count(outcome)
    return len(outcomes) + 1


def test_where_nobody_is_answered_a_few_refusals_mean_everybody() -> None:
    assert noted(tally(), [REFUSAL] * 100, replica()) == MOST_UNANSWERED
    refused, server = tally(), replica()
    noted(refused, [REFUSAL] * (MOST_UNANSWERED - 1), server)
    with pytest.raises(EngineError, match=r"http://here/v1 has refused 10 .*403: not for you"):
        refused.note(server, REFUSAL)


def test_requests_that_may_be_answered_yet_are_waited_for() -> None:
    assert noted(tally(), [REFUSAL] * 100, replica(in_flight=32)) == 32


def test_an_answer_in_between_says_that_rows_are_meant() -> None:
    mixed = [*[REFUSAL] * 9, ANSWER] * 20
    assert noted(tally(total=10), mixed, replica()) == len(mixed) + 1


@pytest.mark.parametrize(("total", "most"), [(10, 20), (100, 20), (8_000, 800)])
def test_after_answers_so_many_are_refused_that_the_contract_breaks(total: int, most: int) -> None:
    many = [REFUSAL] * 1_000
    assert noted(tally(total=total), [ANSWER, *many], replica()) == 1 + most
    # Also where the answers are those of an earlier run.
    assert noted(tally(ANSWER, total=total), many, replica()) == most


def test_a_failure_of_before_is_no_answer() -> None:
    assert noted(tally(REFUSAL, TOO_LONG), [REFUSAL] * 100, replica()) == MOST_UNANSWERED


def test_rows_that_a_filter_names_are_meant_unless_nobody_is_answered() -> None:
    assert noted(tally(), [FILTERED] * 1_000, replica()) == MOST_FILTERED
    assert noted(tally(ANSWER), [FILTERED] * 1_000, replica()) == 1_001


def test_rows_that_are_too_long_say_nothing_of_others() -> None:
    assert noted(tally(), [TOO_LONG] * 1_000, replica()) == 1_001
    mixed = [TOO_LONG, REFUSAL] * 100
    assert noted(tally(), mixed, replica()) == 2 * MOST_UNANSWERED


def test_a_server_that_refuses_everybody_is_not_excused_by_another() -> None:
    refused, good, bad = tally(total=100), replica(), replica()
    for _ in range(19):
        assert noted(refused, [ANSWER], good) == 2
        assert noted(refused, [REFUSAL], bad) == 2
    with pytest.raises(EngineError):
        refused.note(bad, REFUSAL)


def test_a_partition_ends_with_an_answer_or_with_what_the_server_said() -> None:
    refused = tally(total=3)
    assert noted(refused, [REFUSAL] * 3, replica()) == 4
    with pytest.raises(EngineError, match=r"refused 3 requests .*403: not for you"):
        refused.require_an_answer("http://here/v1")


@pytest.mark.parametrize(
    ("before", "outcomes"),
    [
        ([], []),
        ([], [ANSWER]),
        ([], [ANSWER, REFUSAL]),
        ([], [REFUSAL, ANSWER]),
        ([ANSWER], [REFUSAL]),
        ([], [TOO_LONG]),
        ([], [FILTERED]),
    ],
)
def test_a_partition_in_which_rows_are_meant_goes_on(
    before: Sequence[Outcome], outcomes: Sequence[Outcome]
) -> None:
    refused = tally(*before, total=3)
    assert noted(refused, outcomes, replica()) == len(outcomes) + 1
    refused.require_an_answer("http://here/v1")
