"""Checks of a benchmark that rules grade: each with what passes and what fails."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.evaluation.rule_based.grading import build_answers, grade
from sysgen_dagster.evaluation.rule_based.items import build_item_table
from sysgen_dagster.evaluation.rule_based.suites import SUITES
from sysgen_dagster.tables.checks import Finding
from sysgen_dagster.tables.table import Table
from sysgen_dagster_tests.evaluation.rule_based.rows import BENCH_OF, instruction_row
from sysgen_dagster_tests.evaluation.rule_based.test_grading import completions

BENCH = BENCH_OF["s_ifeval"]
TABLES = BENCH.tables
CHECKS = {check.name: check for check in BENCH.suite.checks}
NAMES = ["punctuation:no_comma", "startend:quotation"]


class Stored:
    """The evidence of stored tables."""

    model = None

    def __init__(self) -> None:
        rows = [instruction_row(at, NAMES, [{}, {}], "No commas.") for at in range(10)]
        read = BENCH.read_items("s_ifeval", (("file", row) for row in rows))
        items = build_item_table(read, "all", 0, TABLES.items)
        said: dict[str, str | None] = dict.fromkeys(items["item"], "Well.")
        answers = build_answers(items, completions(said), TABLES.answers)
        graded = grade(items, answers, TABLES.gradings, BENCH.keeps)
        self.frames = {TABLES.items.name: items, TABLES.answers.name: answers}
        self.frames |= {TABLES.gradings.name: graded}

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        return self.frames[table.name].select(columns)

    def change(self, table: Table, how: Callable[[pl.DataFrame], pl.DataFrame]) -> "Stored":
        self.frames[table.name] = how(self.frames[table.name])
        return self

    def check(self, name: str) -> Finding:
        return CHECKS[name].evaluate(self)


@pytest.mark.parametrize("name", CHECKS)
def test_a_whole_evaluation_passes(name: str) -> None:
    assert Stored().check(name).passed


def test_every_suite_has_the_three_checks_and_one_is_a_contract() -> None:
    for suite in SUITES:
        assert [check.name for check in suite.checks] == [*CHECKS]
        assert [check.name for check in suite.checks if check.blocking] == [
            "every_constraint_is_graded",
        ]


def null(column: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(pl.lit(None, rows.schema[column]).alias(column))


def twice(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([rows, rows.head(1)])


CHANGES: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], int]] = {
    "lost": (lambda rows: rows.slice(1), 1),
    "of no item, and one is lost": (lambda rows: rows.with_columns(item=_renamed(rows)), 2),
    "twice": (twice, 2),
}


def _renamed(rows: pl.DataFrame) -> pl.Series:
    return pl.Series(["another", *rows["item"][1:]])


GRADED = "every_constraint_is_graded"


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_lost_or_too_many_breaks_a_contract(what: str) -> None:
    how, rows = CHANGES[what]
    finding = Stored().change(TABLES.gradings, how).check(GRADED)

    assert CHECKS[GRADED].is_broken_by(finding)
    assert finding.figure == rows


def test_neither_a_verdict_nor_a_reason_breaks_a_contract() -> None:
    finding = Stored().change(TABLES.gradings, null("strict")).check(GRADED)

    assert CHECKS[GRADED].is_broken_by(finding)


@pytest.mark.parametrize(("unanswered", "passes"), [(1, True), (4, False)])
def test_many_unanswered_constraints_warn(unanswered: int, passes: bool) -> None:
    reasons = pl.Series(["timeout"] * unanswered * 2 + [None] * (10 - unanswered) * 2)

    def fail(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(drop_reason=reasons)

    assert Stored().change(TABLES.gradings, fail).check("few_are_unanswered").passed is passes


def test_a_constraint_without_a_rule_warns_and_is_shown() -> None:
    def leave_out(rows: pl.DataFrame) -> pl.DataFrame:
        constraints: list[list[dict[str, Any]]] = rows["constraints"].to_list()
        constraints[0][0]["left_out"] = "needs nltk"
        return rows.with_columns(pl.Series("constraints", constraints, rows.schema["constraints"]))

    finding = Stored().change(TABLES.items, leave_out).check("every_constraint_has_a_rule")

    assert not finding.passed
    assert finding.rows.select("constraint", "left_out").rows() == [(NAMES[0], "needs nltk")]
