"""Checks: statements that are true of a healthy table, and the findings of evaluating them.

A check is evaluated over one partition or over all partitions of a model; the `Evidence` that is
passed decides which. This module also has the checks that fit any table. Checks of one particular
table belong in the package that fills the table.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import polars as pl

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.tables.rates import Rate, count_drops
from sysgen_dagster.tables.table import Table, kept

NO_FIGURE = "no figure"  # `Finding.paper` where the paper gives no figure


class Evidence(Protocol):
    """Gives a check the stored rows that it is evaluated over."""

    @property
    def model(self) -> str | None:
        """The model whose tables are read; None if the tables are not partitioned by model."""

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        """The rows of a table, with these columns."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check.

    Attributes:
        passed: Whether the statement holds.
        figure: What was measured: a share in [0, 1] or a number of rows.
        wanted: The figure that is expected, in words.
        rows: The rows that speak against the statement.
        paper: The paper's figure, in words.
        may_be_chance: Whether so few rows speak that chance explains them: a contract only warns.
        explanation: What was found and what to do about it, as sentences without the last stop.
        details: Single facts of the explanation, by name.
        is_of_made_up_text: Whether it would not hold, and that says nothing: no model wrote this.
    """

    passed: bool
    figure: float
    wanted: str
    rows: pl.DataFrame
    paper: str = NO_FIGURE
    may_be_chance: bool = False
    explanation: str = ""
    details: Mapping[str, str | int] = field(default_factory=dict)
    is_of_made_up_text: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One statement about one table.

    Attributes:
        name: Its name in Dagster.
        table: The table that it is about.
        statement: The statement, as a sentence for people.
        blocking: Whether a failure stops everything downstream (a contract); else it is a warning.
        evaluate: Tests the statement.
    """

    name: str
    table: Table
    statement: str
    blocking: bool
    evaluate: Callable[[Evidence], Finding]

    def is_broken_by(self, finding: Finding) -> bool:
        """Whether it is a contract, and the finding breaks it."""
        return self.blocking and not (finding.passed or finding.may_be_chance)


def checks_of(checks: Iterable[Check], table: Table) -> list[Check]:
    """Those of `checks` that are about `table`, in the given order."""
    return [check for check in checks if check.table.name == table.name]


def unless_made_up(check: Check, table: Table) -> Check:
    """The check of what only a model can know, which warns of nothing where there was none.

    Args:
        check: What is asked of a real model.
        table: Its rows say which engine wrote the texts; one row of a real one is enough.
    """

    def evaluate(evidence: Evidence) -> Finding:
        finding = check.evaluate(evidence)
        engines = set() if finding.passed else set(evidence.read(table, "engine")["engine"])
        if engines - {None} != {Engine.SIMULATED.value}:
            return finding
        explanation = "No model wrote these texts: they are made up, and this says nothing of them"
        return replace(finding, passed=True, is_of_made_up_text=True, explanation=explanation)

    return replace(check, evaluate=evaluate)


def of_something(finding: Finding, looked_at: int) -> Finding:
    """The finding where anything was looked at: what is true of nothing is no pass."""
    if looked_at:
        return finding
    return replace(finding, passed=False, figure=0.0, explanation="There is nothing to look at")


def none_of(rows: pl.DataFrame) -> Finding:
    """Passes if there are no `rows`; the figure is their number."""
    return Finding(rows.is_empty(), rows.height, "0 rows", rows)


def within(
    rate: Rate, bounds: tuple[float, float], paper: float | None, rows: pl.DataFrame
) -> Finding:
    """Passes if the 99 % interval of `rate` overlaps `bounds`; a rate of no rows passes.

    Args:
        rate: What was measured.
        bounds: The lowest and highest expected share.
        paper: The paper's share; None: it gives none.
        rows: The rows that speak against the statement.
    """
    low, high = rate.interval()
    return Finding(
        passed=rate.part <= rate.whole and rate.agrees_with(*bounds),
        figure=rate.share if rate.whole else (bounds[1] if bounds[1] == 1.0 else bounds[0]),
        wanted=f"{bounds[0]:.1%} to {bounds[1]:.1%} (99 % interval here {low:.1%} to {high:.1%})",
        rows=rows,
        paper=f"{paper:.1%}" if paper is not None else NO_FIGURE,
    )


def ids_are_unique(table: Table) -> Check:
    """A contract: no conversation is in the table twice."""

    def evaluate(evidence: Evidence) -> Finding:
        ids = evidence.read(table, "conversation_id", "source")
        return none_of(ids.filter(pl.col("conversation_id").is_duplicated()))

    return Check("ids_are_unique", table, "No conversation is in the table twice.", True, evaluate)


def nothing_is_lost(table: Table, before: Table) -> Check:
    """A contract: a table has exactly the rows of the table `before` without a drop reason."""

    def evaluate(evidence: Evidence) -> Finding:
        rows_before = kept(evidence.read(before, "conversation_id", "drop_reason"))
        expected = rows_before.select("conversation_id")
        stored = evidence.read(table, "conversation_id")
        lost = expected.join(stored, on="conversation_id", how="anti")
        new = stored.join(expected, on="conversation_id", how="anti")
        return none_of(
            pl.concat(
                [lost.with_columns(what=pl.lit("lost")), new.with_columns(what=pl.lit("new"))]
            )
        )

    statement = f"The table has every row of {before.name} without a drop reason, and no other."
    return Check("nothing_is_lost", table, statement, True, evaluate)


def some_are_kept(table: Table) -> Check:
    """A contract: not every row of the table is dropped."""

    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(table, "conversation_id", "drop_reason")
        number = rows["drop_reason"].null_count()
        if number or rows.is_empty():
            return Finding(passed=True, figure=number, wanted="at least 1 row", rows=rows.clear())
        reason, count = next(iter(count_drops(rows).items()))
        explanation = f"None of {rows.height:,} rows is kept, most for {reason} ({count:,})"
        return Finding(False, 0, "at least 1 row", rows, explanation=explanation)

    return Check("some_are_kept", table, "Not all rows are lost.", True, evaluate)


def drops_are_explained(table: Table, result: str, reasons: Iterable[str]) -> Check:
    """A contract: every row has a value in the column `result`, or one of the drop `reasons`."""
    known = [str(reason) for reason in reasons]

    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(table, "conversation_id", "drop_reason", result)
        dropped = pl.col("drop_reason").is_not_null()
        unexplained = ~dropped & pl.col(result).is_null()
        unknown = dropped & ~pl.col("drop_reason").is_in(known)
        return none_of(rows.filter(unexplained | unknown))

    statement = f"Every row has {result} or a known drop reason."
    return Check("drops_are_explained", table, statement, True, evaluate)
