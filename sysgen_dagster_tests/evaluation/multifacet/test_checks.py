"""Checks of the bench's tables: each with a case that passes and cases that fail."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
import pytest

from sysgen_dagster.evaluation.multifacet.checks import CHECKS
from sysgen_dagster.evaluation.multifacet.tables import (
    MULTIFACET_ANSWERS,
    MULTIFACET_CALIBRATION,
    MULTIFACET_GRADINGS,
    MULTIFACET_ITEMS,
)
from sysgen_dagster.tables.checks import Finding
from sysgen_dagster.tables.table import Table

BY_NAME = {check.name: check for check in CHECKS}


@dataclass
class Rows:
    """The rows of each table."""

    tables: dict[Table, pl.DataFrame]
    model: str | None = None

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        return self.tables[table].select(columns)


def frame(table: Table, rows: list[dict[str, object]]) -> pl.DataFrame:
    full = [{**dict.fromkeys(table.columns), **row} for row in rows]
    return pl.DataFrame(full, schema=table.schema)


ITEMS = [f"item {number}" for number in range(150)]


def whole(engine: str = "vllm") -> Rows:
    """A bench of which everything is answered and graded."""
    graded = [
        {"item": item, "rubric": rubric, "judge_sees_message": sees, "score": 3, "engine": engine}
        for item in ITEMS
        for rubric in range(1, 5)
        for sees in (False, True)
    ]
    labels = [
        {"item": f"{n}", "score": n % 5 + 1, "label": n % 5 + 1.0, "judge": "owl", "engine": engine}
        for n in range(300)
    ]
    return Rows(
        {
            MULTIFACET_ITEMS: frame(
                MULTIFACET_ITEMS, [{"item": item, "column": "Koala"} for item in ITEMS]
            ),
            MULTIFACET_ANSWERS: frame(
                MULTIFACET_ANSWERS, [{"item": item, "answer": "So."} for item in ITEMS]
            ),
            MULTIFACET_GRADINGS: frame(MULTIFACET_GRADINGS, graded),
            MULTIFACET_CALIBRATION: frame(MULTIFACET_CALIBRATION, labels),
        }
    )


def found(name: str, rows: Rows) -> Finding:
    return BY_NAME[name].evaluate(rows)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_whole_bench_passes_every_check(name: str) -> None:
    assert found(name, whole()).passed


Change = Callable[[pl.DataFrame], pl.DataFrame]


def drop(where: pl.Expr, column: str, reason: str | None) -> Change:
    def change(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(
            pl.when(where).then(None).otherwise(column).alias(column),
            drop_reason=pl.when(where).then(pl.lit(reason, pl.String)).otherwise("drop_reason"),
        )

    return change


FIRST = pl.col("item") == ITEMS[0]
# Check, table, what is done to it, how many rows speak against the check.
BROKEN: dict[str, tuple[str, Table, Change, int]] = {
    "a source of next year": (
        "every_item_has_a_column",
        MULTIFACET_ITEMS,
        lambda rows: rows.with_columns(
            column=pl.when(FIRST).then(pl.lit("unassigned")).otherwise("column")
        ),
        1,
    ),
    "a rubric is lost": (
        "every_rubric_is_graded_or_dropped",
        MULTIFACET_GRADINGS,
        lambda rows: rows.filter(~(FIRST & (pl.col("rubric") == 2))),
        2,
    ),
    "one way of showing it is lost for an item": (
        "every_rubric_is_graded_or_dropped",
        MULTIFACET_GRADINGS,
        lambda rows: rows.filter(~(FIRST & pl.col("judge_sees_message"))),
        4,
    ),
    "nothing is graded": (
        "every_rubric_is_graded_or_dropped",
        MULTIFACET_GRADINGS,
        lambda rows: rows.clear(),
        len(ITEMS),
    ),
    "gradings of items that are gone": (
        "every_rubric_is_graded_or_dropped",
        MULTIFACET_ITEMS,
        lambda rows: rows.filter(~FIRST),
        8,
    ),
    "graded twice": (
        "every_rubric_is_graded_or_dropped",
        MULTIFACET_GRADINGS,
        lambda rows: pl.concat([rows, rows.head(1)]),
        2,
    ),
    "no score and no reason": (
        "every_rubric_is_graded_or_dropped",
        MULTIFACET_GRADINGS,
        drop(FIRST, "score", None),
        8,
    ),
    "a score and a reason": (
        "every_rubric_is_graded_or_dropped",
        MULTIFACET_GRADINGS,
        lambda rows: rows.with_columns(drop_reason=pl.when(FIRST).then(pl.lit("no_answer"))),
        8,
    ),
    "a tenth is unread": (
        "few_rubrics_are_unread",
        MULTIFACET_GRADINGS,
        drop(pl.col("item").is_in(ITEMS[::10]), "score", "no_result_mark"),
        120,
    ),
    "a judge that gives what is far off": (
        "judge_grades_as_people_do",
        MULTIFACET_CALIBRATION,
        lambda rows: rows.with_columns(label=6.0 - pl.col("label")),
        240,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_found_with_its_rows(name: str) -> None:
    check, table, change, number = BROKEN[name]
    rows = whole()
    rows.tables[table] = change(rows.tables[table])
    finding = found(check, rows)

    assert not finding.passed
    assert finding.rows.height == number


# Items that are gone are missing to answers and to gradings both.
_ALONE = [name for name, (_, table, *_) in BROKEN.items() if table is not MULTIFACET_ITEMS]


@pytest.mark.parametrize("name", _ALONE)
def test_nothing_else_is_found_wrong_with_it(name: str) -> None:
    check, table, change, _ = BROKEN[name]
    rows = whole()
    rows.tables[table] = change(rows.tables[table])

    # Of no gradings at all none is unread: that is no pass either.
    others = {"few_rubrics_are_unread"} if name == "nothing is graded" else set()
    assert all(found(each, rows).passed for each in BY_NAME if each not in {check, *others})


@pytest.mark.parametrize(
    ("name", "table", "change"),
    [
        ("judge_grades_as_people_do", MULTIFACET_CALIBRATION, lambda rows: rows.clear()),
        ("few_rubrics_are_unread", MULTIFACET_GRADINGS, lambda rows: rows.clear()),
        ("few_rubrics_are_unread", MULTIFACET_GRADINGS, drop(pl.lit(True), "score", "no_answer")),
    ],
    ids=["no-labels", "no-gradings", "no-answers"],
)
def test_what_is_true_of_nothing_is_no_pass(name: str, table: Table, change: Change) -> None:
    rows = whole()
    rows.tables[table] = change(rows.tables[table])

    assert not found(name, rows).passed


def test_dropped_rubrics_break_no_contract() -> None:
    rows = whole()
    for table, column in ((MULTIFACET_ANSWERS, "answer"), (MULTIFACET_GRADINGS, "score")):
        rows.tables[table] = drop(FIRST, column, "no_answer")(rows.tables[table])

    assert all(found(each, rows).passed for each in BY_NAME)


def test_items_without_an_answer_are_not_unread() -> None:
    rows = whole()
    is_many = pl.col("item").is_in(ITEMS[::2])
    rows.tables[MULTIFACET_GRADINGS] = drop(is_many, "score", "no_answer")(
        rows.tables[MULTIFACET_GRADINGS]
    )
    assert found("few_rubrics_are_unread", rows).passed


def test_made_up_gradings_warn_of_nothing() -> None:
    rows = whole(engine="simulated")
    for name in ("a tenth is unread", "a judge that gives what is far off"):
        check, table, change, _ = BROKEN[name]
        rows.tables[table] = change(rows.tables[table])
        assert found(check, rows).is_of_made_up_text


def test_what_stops_scores_is_a_contract_and_the_rest_warns() -> None:
    assert {check.name for check in CHECKS if check.blocking} == {
        "every_rubric_is_graded_or_dropped",
    }
