"""Every figure that both the paper and we have, in one table."""

from collections.abc import Iterator, Sequence

import polars as pl

from sysgen_dagster.lanes.sysgen.tables import VERDICT_COUNTS
from sysgen_dagster.report.tables import PAPER_COMPARISON
from sysgen_dagster.report.view import (
    NAMED_BY,
    Statistics,
    View,
    is_compared,
    over_all_and_by_source,
)
from sysgen_dagster.report.views import VIEWS


def compare_with_paper(statistics: Sequence[Statistics]) -> pl.DataFrame:
    """`tables.PAPER_COMPARISON`: one row per model and figure, in the order of the report.

    `statistics` are those of each model and those that belong to no model. A figure that only we or
    only the paper have is left out.
    """
    rows = [
        row
        for view in filter(is_compared, VIEWS)
        for stats in statistics
        if bool(stats.model) is view.is_by_model
        for row in _compare(view, stats)
    ]
    table = pl.DataFrame(rows, schema=PAPER_COMPARISON.schema, orient="row")
    return table.with_columns(difference=pl.col("ours") - pl.col("paper"))


def _compare(view: View, stats: Statistics) -> Iterator[dict[str, object]]:
    summary = view.read(stats)
    if summary is None:
        return
    if view.table == VERDICT_COUNTS:  # the paper has no figures over all sources
        _, summary = over_all_and_by_source(summary)
    words = [name for name in NAMED_BY if name in summary.columns]
    pairs = {
        name.removesuffix("_paper"): name for name in summary.columns if name.endswith("_paper")
    }
    if view.beside:
        pairs[view.beside] = "paper"
    for row in summary.iter_rows(named=True):
        for figure, paper in pairs.items():
            if row[figure] is not None and row[paper] is not None:
                yield {
                    "model": stats.model,
                    "published_in": view.published_in,
                    "of": " ".join(str(row[word]) for word in words),
                    "figure": figure,
                    "ours": row[figure],
                    "paper": row[paper],
                }
