"""Checks of a benchmark that rules grade, beside those of every suite."""

from functools import partial

import polars as pl

from sysgen_dagster.evaluation.rule_based.tables import SuiteTables
from sysgen_dagster.evaluation.tables import NOT_VERIFIABLE
from sysgen_dagster.tables.checks import Check, Evidence, Finding, none_of, of_something, within
from sysgen_dagster.tables.rates import Rate

# Our choice: 5 % of the items may be unanswered before a score says little of the benchmark.
MOST_UNANSWERED = 0.05


_AGAIN = "If not, the items have changed since: materialize it again."


def build_checks(tables: SuiteTables) -> tuple[Check, ...]:
    """The checks of the four tables of one benchmark."""
    return (
        Check(
            "every_constraint_has_a_rule",
            tables.items,
            "Each constraint can be verified here; those that cannot are left out and counted.",
            False,
            partial(_list_left_out, tables),
        ),
        Check(
            "every_constraint_is_graded",
            tables.gradings,
            f"Each constraint of each item has a verdict or a drop reason. {_AGAIN}",
            True,
            partial(_list_not_graded, tables),
        ),
        Check(
            "few_are_unanswered",
            tables.gradings,
            f"At most {MOST_UNANSWERED:.0%} of the constraints have no answer to be held to them.",
            False,
            partial(_rate_unanswered, tables),
        ),
    )


def _list_left_out(tables: SuiteTables, evidence: Evidence) -> Finding:
    constraints = evidence.read(tables.items, "item", "constraints").explode("constraints")
    return none_of(constraints.unnest("constraints").drop_nulls("left_out"))


def _list_not_graded(tables: SuiteTables, evidence: Evidence) -> Finding:
    constraints = evidence.read(tables.items, "item", "constraints").explode("constraints")
    number = pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("item")
    wanted = constraints.select("item", number=number)
    graded = evidence.read(tables.gradings, "item", "number", "strict", "drop_reason")
    return none_of(_find_faults(wanted, graded, ["item", "number"], "strict"))


def _rate_unanswered(tables: SuiteTables, evidence: Evidence) -> Finding:
    graded = evidence.read(tables.gradings, "item", "number", "drop_reason")
    asked = graded.filter(pl.col("drop_reason").ne_missing(NOT_VERIFIABLE))
    unanswered = asked.drop_nulls("drop_reason")
    rate = Rate(unanswered.height, asked.height)
    finding = within(rate, (0.0, MOST_UNANSWERED), None, unanswered)
    return of_something(finding, asked.height)


def _find_faults(
    wanted: pl.DataFrame, there: pl.DataFrame, identity: list[str], result: str
) -> pl.DataFrame:
    """Rows that are lost, of nothing wanted, there twice, or have not one of result and reason."""
    wanted = wanted.select(identity)
    is_odd = pl.col(result).is_null() == pl.col("drop_reason").is_null()
    faults = {
        "lost": wanted.join(there, on=identity, how="anti"),
        "of no item": there.join(wanted, on=identity, how="anti"),
        "twice": there.filter(pl.struct(identity).is_duplicated()),
        f"not one of {result} and drop_reason": there.filter(is_odd),
    }
    parts = [rows.with_columns(what=pl.lit(what)) for what, rows in faults.items()]
    return pl.concat(parts, how="diagonal")
