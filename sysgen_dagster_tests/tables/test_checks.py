"""The statements that hold of tables of any kind, and what a finding says."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.tables.checks import (
    NO_FIGURE,
    Check,
    checks_of,
    drops_are_explained,
    ids_are_unique,
    none_of,
    nothing_is_lost,
    of_something,
    unless_made_up,
    within,
)
from sysgen_dagster.tables.columns import DROP_REASON, IDENTITY, TEXT
from sysgen_dagster.tables.rates import Rate
from sysgen_dagster.tables.table import By, Column, Table
from sysgen_dagster_tests.tables.evidence import Rows

Row = dict[str, Any]

_COLUMNS = {**IDENTITY, "answer": Column(TEXT, "what is made"), **DROP_REASON}
BEFORE = Table("before", _COLUMNS, By.SHARD, "steps")
HERE = Table("here", _COLUMNS, By.SHARD, "steps")
ANSWERED = Table("answered", {"engine": Column(TEXT, "who wrote it")}, By.SHARD, "steps")
FEW = pl.DataFrame({"conversation_id": ["c0", "c1"]})


def numbered(*rows: Row) -> list[Row]:
    """The rows with identities ``c0``, ``c1``, ... where they have none."""
    return [{"conversation_id": f"c{number}", **row} for number, row in enumerate(rows)]


def here(*rows: Row) -> Rows:
    return Rows({"here": numbered(*rows)})


def handed_on(*rows: Row) -> Rows:
    """These rows, where of three rows of the table before the first two go on."""
    return Rows({"before": numbered({}, {}, dropped("timeout")), "here": numbered(*rows)})


def dropped(reason: str) -> Row:
    return {"drop_reason": reason}


UNIQUE, COMPLETE = ids_are_unique(HERE), nothing_is_lost(HERE, BEFORE)
EXPLAINED = drops_are_explained(HERE, "answer", ["timeout", "too_long"])
# Check, rows that it holds of, rows that it does not hold of, what it shows of those.
CASES: list[tuple[Check, Rows, Rows, list[str]]] = [
    (UNIQUE, here({}, {}), here({}, {}, {"conversation_id": "c0"}), ["c0", "c0"]),
    (COMPLETE, handed_on({}, {}), handed_on({}, {"conversation_id": "x"}), ["c1", "x"]),
    (
        EXPLAINED,
        here({"answer": "Yes"}, dropped("timeout")),
        here({"answer": "Yes"}, dropped("timeout"), {}, dropped("because")),
        ["c2", "c3"],
    ),
]
BROKEN = {check.name: broken for check, _, broken, _ in CASES}


@pytest.mark.parametrize(
    ("check", "healthy", "broken", "shown"), CASES, ids=[case[0].name for case in CASES]
)
def test_a_healthy_table_passes_and_a_broken_one_shows_the_rows_that_speak_against_it(
    check: Check, healthy: Rows, broken: Rows, shown: list[str]
) -> None:
    assert check.evaluate(healthy).passed
    finding = check.evaluate(broken)
    assert (finding.passed, finding.figure) == (False, len(shown))
    assert finding.rows["conversation_id"].to_list() == shown


@pytest.mark.parametrize("check", [UNIQUE, COMPLETE, EXPLAINED], ids=lambda check: check.name)
def test_a_partition_without_rows_passes_and_each_statement_is_a_contract(check: Check) -> None:
    assert check.evaluate(Rows()).passed
    assert (check.table, check.blocking) == (HERE, True)


def test_a_statement_names_the_tables_it_is_about() -> None:
    assert COMPLETE.statement == (
        "The table has every row of before without a drop reason, and no other."
    )
    assert EXPLAINED.statement == ("Every row has answer or a known drop reason.")


def test_lost_rows_and_new_rows_are_distinguished() -> None:
    finding = COMPLETE.evaluate(BROKEN["nothing_is_lost"])

    assert finding.rows.rows() == [("c1", "lost"), ("x", "new")]


def test_a_row_that_was_dropped_before_must_not_come_back() -> None:
    rows = Rows({"before": numbered(dropped("timeout")), "here": numbered({})})

    assert COMPLETE.evaluate(rows).rows.rows() == [("c0", "new")]


@pytest.mark.parametrize(("reason", "explains"), [("too_long", True), ("refused", False)])
def test_a_reason_of_another_table_explains_nothing(reason: str, explains: bool) -> None:
    assert EXPLAINED.evaluate(here(dropped(reason))).passed is explains


def test_a_dropped_row_may_keep_its_result() -> None:
    assert EXPLAINED.evaluate(here({"answer": "Yes", **dropped("timeout")})).passed


def test_the_checks_of_a_table_come_in_their_order() -> None:
    other = ids_are_unique(BEFORE)

    assert checks_of([EXPLAINED, other, UNIQUE], HERE) == [EXPLAINED, UNIQUE]
    assert checks_of([EXPLAINED, other, UNIQUE], BEFORE) == [other]


def test_none_of_some_rows_is_a_finding_with_their_number() -> None:
    rows = pl.DataFrame({"conversation_id": ["c0", "c1"]})
    found, clean = none_of(rows), none_of(rows.clear())

    assert (found.passed, found.figure, found.wanted, found.paper) == (
        *(False, 2, "0 rows"),
        NO_FIGURE,
    )
    assert (clean.passed, clean.figure) == (True, 0)


@pytest.mark.parametrize(
    ("rate", "bounds", "passed", "figure"),
    [
        pytest.param(Rate(90, 100), (0.8, 1.0), True, 0.9, id="within"),
        pytest.param(Rate(6, 7), (0.95, 1.0), True, 6 / 7, id="chance-among-few"),
        pytest.param(Rate(600, 700), (0.95, 1.0), False, 6 / 7, id="no-chance-among-many"),
        pytest.param(Rate(8, 7), (0.0, 1.0), False, 8 / 7, id="more-than-all"),
        pytest.param(Rate(0, 0), (0.8, 1.0), True, 1.0, id="nothing-that-should-be-much"),
        pytest.param(Rate(0, 0), (0.0, 0.1), True, 0.0, id="nothing-that-should-be-little"),
    ],
)
def test_a_rate_is_held_to_its_bounds_as_far_as_its_rows_tell(
    rate: Rate, bounds: tuple[float, float], passed: bool, figure: float
) -> None:
    finding = within(rate, bounds, None, pl.DataFrame())

    assert (finding.passed, finding.figure) == (passed, pytest.approx(figure))


def test_a_rate_is_shown_with_what_chance_allows_and_the_papers() -> None:
    finding = within(Rate(50, 100), (0.4, 0.6), 0.456, pl.DataFrame())

    assert finding.wanted == "40.0% to 60.0% (99 % interval here 37.5% to 62.5%)"
    assert finding.paper == "45.6%"
    assert within(Rate(50, 100), (0.4, 0.6), None, pl.DataFrame()).paper == NO_FIGURE


@pytest.mark.parametrize(
    ("engines", "made_up"),
    [
        (["simulated", None], True),
        (["simulated", "vllm"], False),
        (["endpoint"], False),
        (["llama_cpp", "vllm"], False),
        ([None], False),
        ([], False),
    ],
)
def test_only_where_every_text_is_made_up_a_check_warns_of_nothing(
    engines: list[str | None], made_up: bool
) -> None:
    fails = Check("fails", HERE, "So it is.", False, lambda _: none_of(FEW))
    found = unless_made_up(fails, ANSWERED).evaluate(
        Rows({ANSWERED.name: [{"engine": engine} for engine in engines]})
    )

    assert (found.passed, found.is_of_made_up_text) == (made_up, made_up)
    assert found.rows.equals(FEW)
    assert ("No model wrote these texts" in found.explanation) is made_up


def test_what_holds_of_made_up_texts_holds() -> None:
    holds = Check("holds", HERE, "So it is.", False, lambda _: none_of(FEW.clear()))
    found = unless_made_up(holds, ANSWERED).evaluate(
        Rows({ANSWERED.name: [{"engine": "simulated"}]})
    )

    assert found.passed
    assert not found.is_of_made_up_text


@pytest.mark.parametrize("looked_at", [0, 1])
def test_what_is_true_of_nothing_is_no_pass(looked_at: int) -> None:
    finding = of_something(none_of(pl.DataFrame()), looked_at)

    assert finding.passed is bool(looked_at)
    assert finding.explanation == ("" if looked_at else "There is nothing to look at")
