"""What a check is: a statement that is true of a healthy table, and what was found.

A check is evaluated over one partition, or over all partitions of a model at once: the evidence
decides which rows it sees. Here are also the statements that hold of tables of any kind; those of
one table stand in the room that fills it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from sysgen_dagster.tables.rates import Rate
from sysgen_dagster.tables.table import Table, kept

NO_FIGURE = "no figure"  # where the paper gives none


class Evidence(Protocol):
    """The stored rows that a check looks at."""

    @property
    def model(self) -> str | None:
        """The model whose tables these are; None for tables that no model made."""

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        """These columns of a table, over the rows in question."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: a figure, what was wanted, and the rows that speak against it."""

    passed: bool
    figure: float
    wanted: str
    rows: pl.DataFrame
    paper: str = NO_FIGURE


@dataclass(frozen=True, slots=True)
class Check:
    """One statement about one table; a blocking one (a contract) keeps the rows from going on."""

    name: str
    table: Table
    statement: str
    blocking: bool
    evaluate: Callable[[Evidence], Finding]


def checks_of(checks: Iterable[Check], table: Table) -> list[Check]:
    """The checks of one table, in their order."""
    return [check for check in checks if check.table.name == table.name]


def none_of(rows: pl.DataFrame) -> Finding:
    """That there are no such rows."""
    return Finding(rows.is_empty(), rows.height, "0 rows", rows)


def within(
    rate: Rate, bounds: tuple[float, float], paper: float | None, rows: pl.DataFrame
) -> Finding:
    """Whether a rate agrees with its bounds, given how few rows it may be measured on."""
    low, high = rate.interval()
    return Finding(
        passed=rate.part <= rate.whole and rate.agrees_with(*bounds),
        figure=rate.share if rate.whole else (bounds[1] if bounds[1] == 1.0 else bounds[0]),
        wanted=f"{bounds[0]:.1%} to {bounds[1]:.1%} (99 % interval here {low:.1%} to {high:.1%})",
        rows=rows,
        paper=f"{paper:.1%}" if paper is not None else NO_FIGURE,
    )


def ids_are_unique(table: Table) -> Check:
    """That no conversation stands twice in a table."""

    def evaluate(evidence: Evidence) -> Finding:
        ids = evidence.read(table, "conversation_id", "source")
        return none_of(ids.filter(pl.col("conversation_id").is_duplicated()))

    return Check("ids_are_unique", table, "No conversation stands here twice.", True, evaluate)


def nothing_is_lost(table: Table, before: Table) -> Check:
    """That a table holds exactly the rows that the table before lets go on."""

    def evaluate(evidence: Evidence) -> Finding:
        came = kept(evidence.read(before, "conversation_id", "drop_reason"))
        here = evidence.read(table, "conversation_id")
        came = came.select("conversation_id")
        lost = came.join(here, on="conversation_id", how="anti").with_columns(what=pl.lit("lost"))
        new = here.join(came, on="conversation_id", how="anti").with_columns(what=pl.lit("new"))
        return none_of(pl.concat([lost, new]))

    statement = f"Every row that {before.name} lets go on is here, and no other."
    return Check("nothing_is_lost", table, statement, True, evaluate)


def drops_are_explained(table: Table, result: str, reasons: Iterable[str]) -> Check:
    """That a row has its result or one of the table's reasons why it does not go on."""
    known = [str(reason) for reason in reasons]

    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(table, "conversation_id", "drop_reason", result)
        dropped = pl.col("drop_reason").is_not_null()
        unexplained = ~dropped & pl.col(result).is_null()
        unknown = dropped & ~pl.col("drop_reason").is_in(known)
        return none_of(rows.filter(unexplained | unknown))

    statement = f"A row has {result} or one of the known reasons why it does not go on."
    return Check("drops_are_explained", table, statement, True, evaluate)
