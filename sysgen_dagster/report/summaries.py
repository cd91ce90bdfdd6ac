"""Short tables that a view needs more for than one function of another room.

Which view has which is declared in `views`.
"""

from collections.abc import Sequence

import polars as pl

from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.sysgen import paper
from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.obedience.alignment_judgement import summarize_alignment
from sysgen_dagster.obedience.preference_judgement import summarize_preferences
from sysgen_dagster.report import charts
from sysgen_dagster.report.drawing import Chart
from sysgen_dagster.report.view import Statistics
from sysgen_dagster.tables.table import Table


def draw_source_lengths(summary: pl.DataFrame, _: Sequence[str], *, narrow: bool = False) -> Chart:
    """A bar for the questions and one for the answers of each source."""
    has_paper = "question_chars_paper" in summary.columns
    lengths = pl.concat(
        summary.select(
            "source",
            text=pl.lit(text),
            chars=f"{text}_chars",
            **({"paper": f"{text}_chars_paper"} if has_paper else {}),
        )
        for text in ("question", "answer")
    )
    return charts.draw_bars(
        lengths,
        [],
        y="source",
        x="chars",
        title="mean characters",
        form=",.0f",
        hue="text",
        narrow=narrow,
    )


def summarize_drops(outcomes: pl.DataFrame) -> pl.DataFrame:
    """``phase``, ``reason`` in words and ``rows``, of all sources of `tables.RETENTION`.

    Phases are in their order, the most frequent reason of each first. Rows that a pilot left out
    are not dropped ones.
    """
    dropped = outcomes.filter(~pl.col("outcome").is_in(["kept", NoAnswer.BEYOND_LIMIT.value]))
    counted = dropped.group_by("table", "outcome", maintain_order=True).agg(
        rows=pl.col("conversations").sum()
    )
    order = pl.col("table").cast(pl.Enum([table.name for table in STEPS]))
    return counted.sort(order, "rows", descending=[False, True]).select(
        phase="table", reason=pl.col("outcome").str.replace_all("_", " "), rows="rows"
    )


def summarize_judged_preferences(judged: pl.DataFrame, stats: Statistics) -> pl.DataFrame:
    """`summarize_preferences` with the paper's Figure 3 in ``paper``."""
    figures = pl.col("source").replace_strict(
        paper.PREFERENCES.get(stats.model, {}), default=None, return_dtype=pl.Float64
    )
    return summarize_preferences(judged).with_columns(paper=figures)


def summarize_judged_alignment(judged: pl.DataFrame, stats: Statistics) -> pl.DataFrame:
    """`summarize_alignment` with the paper's Figure 5 in ``..._paper``, over all sources only."""
    aligned, not_aligned = paper.ALIGNMENT.get(stats.model, (None, None))
    figures = {"aligned_share_paper": aligned, "not_aligned_share_paper": not_aligned}
    return summarize_alignment(judged).with_columns(
        pl.when(pl.col("source") == ALL).then(pl.lit(figure, dtype=pl.Float64)).alias(name)
        for name, figure in figures.items()
    )


def count_texts(stats: Statistics, counted: Table, **which: str) -> pl.DataFrame | None:
    """``source`` and ``texts``, how many were compared with each other; None where not known."""
    stored = stats.read(counted)
    if stored is None:
        return None
    return stored.filter(**which).select("source", texts="conversations")
