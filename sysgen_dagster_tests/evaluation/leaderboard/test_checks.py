"""Checks of the leaderboard tasks: every one is seen holding and failing."""

from typing import Any

import pytest

from sysgen_dagster.evaluation.leaderboard.checks import CHECKS
from sysgen_dagster.tables.checks import Check
from sysgen_dagster_tests.tables.evidence import Rows

COUNTED, WHOLE = CHECKS


def rows(**changes: Any) -> list[dict[str, Any]]:
    """Two items of a part that has two."""
    row = {"task": "mathqa", "part": "mathqa", "metric": "acc", "value": 1.0, "number": 0}
    row |= {"items_asked": 2, "items_of_task": 2, "drop_reason": None, "failure": None}
    return [row | {"item": str(number)} | changes for number in range(2)]


LEFT_OUT = rows(part=None, value=None, drop_reason="needs_token", failure="no", items_asked=None)
UNANSWERED = rows(value=None, drop_reason="no_answer")
INSTRUCTIONS = [*rows(number=0), *rows(number=1)]


@pytest.mark.parametrize(
    ("check", "given", "holds"),
    [
        (COUNTED, rows(), True),
        (COUNTED, [], True),
        (COUNTED, UNANSWERED, True),
        (COUNTED, INSTRUCTIONS, True),
        (COUNTED, LEFT_OUT[:1], True),
        (COUNTED, rows()[:1], False),
        (COUNTED, rows(value=None), False),
        (COUNTED, rows(drop_reason="no_answer"), False),
        (COUNTED, [*rows(), *rows(part="other")[:1]], False),
        (WHOLE, rows(), True),
        (WHOLE, UNANSWERED, True),
        (WHOLE, rows(items_of_task=10), False),
        (WHOLE, LEFT_OUT[:1], False),
    ],
)
def test_a_check_holds_where_it_should(
    check: Check, given: list[dict[str, Any]], holds: bool
) -> None:
    assert check.evaluate(Rows({"leaderboard_gradings": given})).passed is holds


def test_that_a_row_is_missing_stops_what_follows_and_a_limit_does_not() -> None:
    assert (COUNTED.blocking, WHOLE.blocking) == (True, False)
