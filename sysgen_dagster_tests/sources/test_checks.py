"""What must hold of the conversations: every check is seen holding and failing."""

from typing import Any

import pytest

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.sources.checks import CHECKS
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.checks import Check
from sysgen_dagster_tests.tables.evidence import Rows

Row = dict[str, Any]

CHECK = {check.name: check for check in CHECKS}


def conversations(*rows: Row) -> list[Row]:
    """Conversations ``c0``, ``c1``, ... where a row does not say which it is."""
    return [
        {"conversation_id": f"c{number}", "source": "chats", **row}
        for number, row in enumerate(rows)
    ]


def only(*rows: Row) -> Rows:
    return Rows({"conversations": conversations(*rows)})


def made_of(*source_rows: int) -> Rows:
    """Conversations of these of the upstream rows 7 and 8."""
    made = conversations(*({"source_row": row} for row in source_rows))
    upstream = [{"source_row": 7}, {"source_row": 8}]
    return Rows({"source/{source}": upstream, "conversations": made})


def usable(many: int, dropped: int) -> Rows:
    return only(*[{}] * many, *[{"drop_reason": "empty_answer"}] * dropped)


# Check, rows that it holds of, rows that it does not hold of, what it shows of those.
CASES: dict[str, tuple[Rows, Rows, list[Any]]] = {
    "ids_are_unique": (only({}, {}), only({}, {}, {"conversation_id": "c0"}), ["c0", "c0"]),
    "source_rows_are_covered": (made_of(7, 7, 8), made_of(7), [8]),
    "drops_are_explained": (
        only({"question": "Why?"}, {"drop_reason": "no_answer"}),
        only({"question": "Why?"}, {"question": None}, {"drop_reason": "because"}),
        ["c1", "c2"],
    ),
    "most_are_usable": (usable(100, 0), usable(60, 40), [f"c{row}" for row in range(60, 100)]),
}
every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)


def test_they_are_all_of_the_conversations_and_each_has_a_case() -> None:
    assert {check.table for check in CHECKS} == {CONVERSATIONS}
    assert sorted(CASES) == sorted(check.name for check in CHECKS)


@every_check
def test_each_check_holds_and_fails_and_shows_the_rows_that_speak_against_it(check: Check) -> None:
    good, bad, shown = CASES[check.name]
    assert check.evaluate(good).passed
    found = check.evaluate(bad)
    assert not found.passed
    assert found.rows.to_series(0).to_list() == shown


@every_check
def test_a_partition_without_rows_passes(check: Check) -> None:
    assert check.evaluate(Rows()).passed


@every_check
def test_only_the_share_of_usable_rows_lets_rows_go_on_whatever_it_is(check: Check) -> None:
    assert check.blocking is (check.name != "most_are_usable")


@pytest.mark.parametrize("reason", Unusable)
def test_every_reason_of_the_conversations_explains_a_drop(reason: Unusable) -> None:
    evidence = only({"drop_reason": reason.value})
    assert CHECK["drops_are_explained"].evaluate(evidence).passed


@pytest.mark.parametrize("reason", NoAnswer)
def test_no_reason_of_a_model_explains_a_drop_before_one_was_asked(reason: NoAnswer) -> None:
    evidence = only({"drop_reason": reason.value})
    assert not CHECK["drops_are_explained"].evaluate(evidence).passed


@pytest.mark.parametrize(
    ("many", "dropped", "passed"),
    [
        pytest.param(6, 1, True, id="chance-among-seven"),
        pytest.param(1200, 200, False, id="no-chance-among-many"),
    ],
)
def test_the_share_of_usable_rows_is_judged_by_how_many_there_are(
    many: int, dropped: int, passed: bool
) -> None:
    finding = CHECK["most_are_usable"].evaluate(usable(many, dropped))
    assert finding.passed is passed
    assert finding.figure == pytest.approx(many / (many + dropped))
    assert finding.wanted.startswith("90.0% to 100.0% (99 % interval here ")
    assert finding.paper == "100.0%"
