"""Scores of subjects as `sysgen evaluate` prints them, each beside what it is compared with."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from rich.console import Console

from sysgen_dagster.commands.printing import add_lines, new_table, say
from sysgen_dagster.evaluation.comparisons.remarks import split_remarks
from sysgen_dagster.evaluation.comparisons.tables import OF_SUITES
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.tables import TOTAL
from sysgen_dagster.report.score_summaries import LABEL, OF_OURS, label_scores, summarize_comparison
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition

_MOST_LINES = 200  # where there are more scores, those over all items alone are printed
_SCORE, _SCORES = ("score", "low", "high"), ("value", "from", "to")
_COUNTS = ("items", "dropped")
_CHANGE = ("difference", "difference_low", "difference_high")
_CHANGES = ("change", "from", "to")


def print_scores(console: Console, store: Store, suite: Suite, subjects: Sequence[str]) -> None:
    """Print what is compared of these subjects; nothing where no comparison is stored."""
    compared = OF_SUITES[suite.name]
    if not store.holds(compared, Partition()):
        return
    summary = summarize_comparison(store.read(compared, Partition()))
    ours = summary.filter(OF_OURS, pl.col("subject").is_in(subjects))
    scored = ours.filter(pl.col("score").is_not_null() | (pl.col("dropped") > 0))
    # Where nothing is compared, or no rules grade, their columns would be empty.
    floor = {"floor": "floor"} if scored["floor"].count() else {}
    change = dict(zip(_CHANGE, _CHANGES, strict=True)) if scored["difference"].count() else {}
    numbers = (*_SCORES, *_COUNTS, *floor.values(), *change.values())
    table = new_table(f"Scores of {suite.title}", words=("score", "subject"), numbers=numbers)
    columns = (LABEL, "subject", *_SCORE, *_COUNTS, *floor, *change)
    # A chart has one metric with parts and names it; in a table each part says of which it is one.
    is_part = (pl.col(LABEL) != TOTAL) & (pl.col(LABEL) == pl.col("of").str.replace_all("_", " "))
    of_metric = pl.format("{}, {}", pl.col("metric").str.replace_all("_", " "), LABEL)
    labelled = label_scores(scored, _MOST_LINES).with_columns(
        pl.when(is_part).then(of_metric).otherwise(LABEL).alias(LABEL)
    )
    for _, rows in labelled.group_by(LABEL, maintain_order=True):
        lines = rows.select(columns).iter_rows()
        add_lines(table, (_cells(line, is_share=suite.is_share) for line in lines))
    console.print(table)
    said = "from, to: the 95 % interval."
    if change:
        said += " change: over the same items, against the subject that each is compared with."
    if floor:
        said += " floor: a server that always says yes."
    shown = pl.concat([labelled.select(ours.columns), ours.filter(pl.col("metric").is_null())])
    for line in (said, *_describe(shown)):
        say(console, line)


def _cells(line: Sequence[Any], *, is_share: bool) -> list[Any]:
    """Grades as they are, which are no shares; a score of which nothing is known says so."""
    label, subject, score, *others = line
    cells = [label, subject, "not known" if score is None else score, *others]
    return cells if is_share else [f"{c:.2f}" if isinstance(c, float) else c for c in cells]


def _describe(shown: pl.DataFrame) -> Iterator[str]:
    """Who graded, what is compared with what, and what must be known before that is believed."""
    for column, what in (
        ("graded_by", "graded by "),
        ("against", "compared with "),
        ("remarks", ""),
    ):
        rows = split_remarks(shown) if column == "remarks" else shown.drop_nulls(column)
        said = rows.group_by(column, maintain_order=True)
        for words, names in said.agg(pl.col("subject").unique(maintain_order=True)).iter_rows():
            yield f"{', '.join(names)}: {what}{words}"
