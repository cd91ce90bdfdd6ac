"""Every figure that both the paper and we have, in one table."""

from collections.abc import Iterator, Sequence

import polars as pl

from sysgen_dagster.lanes.sysgen.tables import VERDICT_COUNTS
from sysgen_dagster.report.summaries import Statistics
from sysgen_dagster.report.tables import PAPER_COMPARISON
from sysgen_dagster.report.views import NAMED_BY, VIEWS, View, over_all_and_by_source


def compare_with_paper(made: Sequence[Statistics]) -> pl.DataFrame:
    """`tables.PAPER_COMPARISON`: one row per model and figure, in the order of the report.

    `made` are the statistics of each model and of no model. Figures that the paper has and we have
    not, and the other way round, are left out.
    """
    rows = [
        row
        for view in VIEWS
        for each in made
        if bool(each.model) is view.of_a_model
        for row in _beside_each_other(view, each)
    ]
    table = pl.DataFrame(rows, schema=PAPER_COMPARISON.schema, orient="row")
    return table.with_columns(difference=pl.col("ours") - pl.col("paper"))


def _beside_each_other(view: View, made: Statistics) -> Iterator[dict[str, object]]:
    summary = view.read(made)
    if summary is None:
        return
    if view.table == VERDICT_COUNTS:  # the paper prints the sources only
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
                    "model": made.model,
                    "published_in": view.published_in,
                    "of": " ".join(str(row[word]) for word in words),
                    "figure": figure,
                    "ours": row[figure],
                    "paper": row[paper],
                }
