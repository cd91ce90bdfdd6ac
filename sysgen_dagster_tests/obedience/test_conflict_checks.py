"""What is expected of conflict turns: every check is seen holding and failing."""

import pytest

from sysgen_dagster.obedience.conflict_checks import CHECKS
from sysgen_dagster.tables.checks import Check
from sysgen_dagster_tests.obedience.conflict_rows import HOLDS, evidence, turn_rows
from sysgen_dagster_tests.tables.evidence import Rows

GIVES_IN = ("message", "message", "user", "user", "user", "user")
IN_THE_WAY = ("neither", *HOLDS[1:])
GOOD = turn_rows(*[HOLDS] * 90, *[GIVES_IN] * 10)

# Check, tables that it does not hold of.
BAD = {
    "every_turn_is_there": (
        turn_rows(HOLDS)[1:],
        turn_rows(HOLDS)[:-1],
        [*turn_rows(HOLDS), turn_rows(HOLDS)[0]],
    ),
    "every_answer_has_a_side": (
        turn_rows(HOLDS, side=None),
        turn_rows(HOLDS, drop_reason="timeout"),
        turn_rows(HOLDS, side="both"),
    ),
    "messages_hold_under_conflict": (turn_rows(*[GIVES_IN] * 90, *[HOLDS] * 10),),
    "messages_are_not_in_the_way": (
        turn_rows(*[IN_THE_WAY] * 50, *[HOLDS] * 50),
        turn_rows(*[HOLDS] * 50, is_refusal=True),
    ),
}

every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)


@every_check
def test_each_expectation_holds_and_fails(check: Check) -> None:
    assert check.evaluate(evidence(GOOD)).passed
    for rows in BAD[check.name]:
        found = check.evaluate(evidence(rows))
        assert not found.passed
        assert not found.rows.is_empty()


@every_check
def test_a_shard_without_a_message_to_put_to_the_test_speaks_against_nothing(
    check: Check,
) -> None:
    assert check.evaluate(Rows()).passed


@every_check
def test_answers_of_which_none_has_a_side_are_no_share(check: Check) -> None:
    dropped = evidence(turn_rows(*[HOLDS] * 20, side=None, drop_reason="timeout"))

    assert check.evaluate(dropped).passed is check.blocking


@every_check
def test_a_contract_is_of_the_table_and_a_warning_of_what_was_found(check: Check) -> None:
    assert check.blocking == check.name.startswith("every_")


@pytest.mark.parametrize("name", ["messages_hold_under_conflict", "messages_are_not_in_the_way"])
def test_made_up_answers_say_nothing_of_a_model(name: str) -> None:
    [check] = [check for check in CHECKS if check.name == name]
    rows = [{**row, "engine": "simulated"} for row in BAD[name][0]]

    assert check.evaluate(evidence(rows)).is_of_made_up_text


def test_a_few_answers_may_be_chance() -> None:
    few = evidence(turn_rows(GIVES_IN, IN_THE_WAY))

    assert all(check.evaluate(few).passed for check in CHECKS)
