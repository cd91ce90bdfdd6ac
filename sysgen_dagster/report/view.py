"""What a view is: how one stored statistic is shown, in Dagster's metadata and on the page alike.

The views themselves are declared in `views`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import polars as pl

from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.lanes.sysgen.paper import ModelCounts
from sysgen_dagster.lanes.sysgen.phases import TITLES
from sysgen_dagster.report.drawing import Chart
from sysgen_dagster.tables.table import By, Table, TableError

# The columns that say what a row of a short table is about; other text is a value.
NAMED_BY = (
    *("model", "published_in", "phase", "tag", "source", "metric", "finding", "benchmark"),
    "rule",
    *("suite", "student", "arm", "subject", "of"),
)


class Part(StrEnum):
    """The parts of the page that hold figures, by their headings, in the order of the page."""

    DROPPED = "What was dropped, and why"
    QUALITY = "How good the rows are"
    SECOND_LANE = "Second lane"
    STUDENTS = "How the students do"
    COST = "What it cost"
    PAPER = "Beside the paper"


class Statistics(Protocol):
    """The stored statistics of one model, or those that belong to no model."""

    @property
    def model(self) -> str:
        """The model's name; empty for the statistics that belong to no model."""

    @property
    def published(self) -> ModelCounts | None:
        """The counts that the paper reports for the model; None where it reports none."""

    def read(self, table: Table) -> pl.DataFrame | None:
        """A whole stored table; None where it is not stored."""


@dataclass(frozen=True, slots=True)
class View:
    """How one stored table is shown.

    Attributes:
        table: The stored table.
        title: The heading of its section.
        part: The part of the page that it stands in, without the paper's figures.
        lead: What there is to see, and how it was computed.
        summarize: Makes the short table: takes the stored table and the statistics that it is one
            of. A column ``x_paper`` holds the paper's figures for column ``x``, null where the
            paper has none.
        draw: Functions that each draw one chart of the short tables of one or several models, which
            then have a column ``model``; they also take the names of all models of the report, and
            ``narrow`` for a phone's chart; None where there is nothing to draw. The first chart is
            also shown in Dagster.
        number_format: The format (of Python) of numbers that are not whole.
        published_in: The table or figure of the paper that has such figures.
        beside: The column whose figures of the paper are in a column named ``paper``.
        on_paper: What must be known to compare with the paper's figures.
        of_ours: Which rows of the short table are not the paper's alone.
        plotted: Of which rows Dagster plots the numbers.
    """

    table: Table
    title: str
    part: Part
    lead: str
    summarize: Callable[[pl.DataFrame, Statistics], pl.DataFrame]
    draw: Sequence[Callable[..., Chart | None]] = ()
    number_format: str = ".1%"
    published_in: str = ""
    beside: str = ""
    on_paper: str = ""
    of_ours: pl.Expr | bool = True
    plotted: pl.Expr | bool = True

    @property
    def is_by_model(self) -> bool:
        """Whether each model has such a table."""
        return self.table.by is By.MODEL

    def summary(self, stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
        """The short table; null instead of NaN."""
        return self.summarize(stored, statistics).fill_nan(None)

    def read(self, statistics: Statistics) -> pl.DataFrame | None:
        """The short table; None where none is stored or it has the columns of another version."""
        try:
            stored = statistics.read(self.table)
        except TableError:
            return None
        return None if stored is None else self.summary(stored, statistics)


def over_all_and_by_source(summary: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows over all sources, without their column ``source``, and the rows by source.

    A table without rows over all sources is returned whole, with an empty one beside it.
    """
    if "source" not in summary.columns or ALL not in summary["source"]:
        return summary, summary.clear()
    is_over_all = pl.col("source") == ALL
    return summary.filter(is_over_all).drop("source"), summary.filter(~is_over_all)


def is_compared(view: View) -> bool:
    """Whether the figures of a view are held to the paper's, and the distance told.

    Those of students are not: nobody knows how the paper's were measured.
    """
    return bool(view.published_in) and view.part is not Part.STUDENTS


def is_of_paper(column: str) -> bool:
    """Whether a column of a short table holds figures of the paper."""
    return column == "paper" or column.endswith("_paper")


def without_paper(summary: pl.DataFrame) -> pl.DataFrame:
    """A short table without the paper's figures, and ours that only stand beside them."""
    return summary.drop(name for name in summary.columns if "paper" in name)


def beside_paper(summary: pl.DataFrame) -> pl.DataFrame:
    """The rows of a short table that have a figure of the paper, without empty columns of such.

    Without any figure there are no rows.
    """
    figures = [name for name in summary.columns if is_of_paper(name)]
    known = summary.filter(pl.any_horizontal(False, pl.col(figures).is_not_null()))
    return known.drop(name for name in figures if not known[name].count())


def without_empty_paper(summary: pl.DataFrame) -> pl.DataFrame:
    """A short table without the columns of the paper that hold no figure."""
    figures = [name for name in summary.columns if is_of_paper(name)]
    empty = [name for name in figures if not summary[name].count()]
    return without_paper(summary) if empty == figures else summary.drop(empty)


def with_titles(summary: pl.DataFrame) -> pl.DataFrame:
    """A short table whose phases have number and name instead of the name of their tables."""
    if "phase" not in summary.columns:
        return summary
    return summary.with_columns(pl.col("phase").replace(TITLES))
