"""Checks of a bench beside those of every suite: its rubrics; its columns; the judge of rubrics."""

from collections.abc import Callable, Mapping

import polars as pl

from sysgen_dagster.evaluation.multifacet.calibration import measure_agreement, worth_of_gradings
from sysgen_dagster.evaluation.multifacet.columns import UNASSIGNED
from sysgen_dagster.evaluation.multifacet.items import RUBRICS_AN_ITEM
from sysgen_dagster.evaluation.multifacet.tables import (
    MULTIFACET,
    MULTIFACET_CALIBRATION,
    MULTIFACET_ITEMS,
    BenchTables,
    NotGraded,
)
from sysgen_dagster.obedience.calibration import CALIBRATED, LEAST_ITEMS, LEAST_KAPPA
from sysgen_dagster.tables.checks import (
    Check,
    Evidence,
    Finding,
    none_of,
    of_something,
    unless_made_up,
    within,
)
from sysgen_dagster.tables.rates import Rate

# Our choice. Were the unread rubrics of an item a whole level above or below the others, 2 % of
# them would move a mean by 0.02, half of what chance moves the mean of 921 items.
MOST_RUBRICS_UNREAD = 0.02


def _every_rubric_is_graded_or_dropped(tables: BenchTables) -> Callable[[Evidence], Finding]:
    """Finds items without all rubrics for one way of showing them, and gradings of no item."""

    def evaluate(evidence: Evidence) -> Finding:
        items = evidence.read(tables.items, "item")
        rows = evidence.read(
            tables.gradings, "item", "rubric", "judge_sees_message", "score", "drop_reason"
        )
        numbers = pl.DataFrame(
            {"rubric": range(1, RUBRICS_AN_ITEM + 1)}, schema={"rubric": pl.UInt32}
        )
        ways = rows.select("judge_sees_message").unique()
        wanted = items.join(numbers, how="cross").join(ways, how="cross")
        identity = ["item", "rubric", "judge_sees_message"]
        faults = {
            "no item is graded": items.clear() if ways.height else items,
            "lost": wanted.join(rows, on=identity, how="anti"),
            "of no item": rows.join(wanted, on=identity, how="anti"),
            "twice": rows.filter(pl.struct(identity).is_duplicated()),
            "neither score nor reason": rows.filter(
                pl.col("score").is_null() == pl.col("drop_reason").is_null()
            ),
        }
        return _none_of(faults)

    return evaluate


def _none_of(faults: Mapping[str, pl.DataFrame]) -> Finding:
    parts = [rows.with_columns(what=pl.lit(what)) for what, rows in faults.items()]
    return none_of(pl.concat(parts, how="diagonal"))


def _few_rubrics_are_unread(tables: BenchTables) -> Callable[[Evidence], Finding]:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(tables.gradings, "item", "rubric", "drop_reason", "grading")
        asked = rows.filter(pl.col("drop_reason").ne_missing(NotGraded.NO_ANSWER.value))
        unread = asked.drop_nulls("drop_reason")
        finding = within(
            Rate(unread.height, asked.height), (0.0, MOST_RUBRICS_UNREAD), None, unread
        )
        return of_something(finding, asked.height)

    return evaluate


def _every_item_has_a_column(evidence: Evidence) -> Finding:
    items = evidence.read(MULTIFACET_ITEMS, "item", "source", "column")
    return none_of(items.filter(pl.col("column") == UNASSIGNED))


def _judge_agrees_with_people(evidence: Evidence) -> Finding:
    graded = evidence.read(MULTIFACET_CALIBRATION, "item", "label", "score", "judge")
    judges = graded["judge"].unique(maintain_order=True)
    worth = {judge: worth_of_gradings(graded, judge) for judge in judges}
    far = graded.filter((pl.col("score").cast(pl.Float64) - pl.col("label")).abs() > 1)
    finding = Finding(
        passed=all(each == CALIBRATED for each in worth.values()),
        figure=measure_agreement(graded).kappa or 0.0,
        wanted=f"weighted kappa of {LEAST_KAPPA} or more, on {LEAST_ITEMS} answers",
        rows=far,
        explanation="; ".join(f"{judge}: {each}" for judge, each in worth.items()),
    )
    return of_something(finding, graded.height)


def build_checks(tables: BenchTables) -> tuple[Check, ...]:
    """What is true of the gradings of a bench."""
    few_unread = Check(
        "few_rubrics_are_unread",
        tables.gradings,
        f"The judge was asked in vain for at most {MOST_RUBRICS_UNREAD:.0%} of the gradings.",
        False,
        _few_rubrics_are_unread(tables),
    )
    return (
        Check(
            "every_rubric_is_graded_or_dropped",
            tables.gradings,
            "Each rubric of each item has a score or a drop reason, and nothing else is graded. If "
            "not, items or answers have changed since: materialize the gradings again.",
            True,
            _every_rubric_is_graded_or_dropped(tables),
        ),
        unless_made_up(few_unread, tables.gradings),
    )


CHECKS: tuple[Check, ...] = (
    Check(
        "every_item_has_a_column",
        MULTIFACET_ITEMS,
        "Each item is of one of the five benchmarks.",
        False,
        _every_item_has_a_column,
    ),
    *build_checks(MULTIFACET),
    unless_made_up(
        Check(
            "judge_grades_as_people_do",
            MULTIFACET_CALIBRATION,
            "The judge's scores agree with those of people.",
            False,
            _judge_agrees_with_people,
        ),
        MULTIFACET_CALIBRATION,
    ),
)
