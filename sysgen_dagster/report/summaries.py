"""The short table and the chart of each stored statistic, the paper's figures beside ours."""

from collections.abc import Callable, Sequence
from typing import Protocol

import polars as pl

from sysgen_dagster.analysis.statistics import (
    ALL,
    compare_learned,
    compare_similarity,
    compare_verdicts,
    summarize_near_duplicates,
)
from sysgen_dagster.analysis.tables import (
    SIMILARITY,
    SOURCE_LENGTHS,
)
from sysgen_dagster.lanes.sysgen.counts import summarize_retention, summarize_tags
from sysgen_dagster.lanes.sysgen.paper import ALIGNMENT, PREFERENCES
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, RETENTION
from sysgen_dagster.obedience.alignment_judgement import summarize_alignment
from sysgen_dagster.obedience.preference_judgement import summarize_preferences
from sysgen_dagster.report import charts
from sysgen_dagster.report.drawing import Chart
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import Table


class Statistics(Protocol):
    """The stored statistics of one model, or those of no model."""

    @property
    def model(self) -> str:
        """The model's name; empty for the statistics of no model."""

    @property
    def entry(self) -> Generator | None:
        """The model's catalogue entry."""

    def read(self, table: Table) -> pl.DataFrame | None:
        """A whole stored table; None where it is not made."""


def show_by(
    summary: Callable[[pl.DataFrame], pl.DataFrame],
) -> Callable[[pl.DataFrame, Statistics], pl.DataFrame]:
    """A summary that follows from the stored table alone."""
    return lambda stored, _: summary(stored)


def draw_comparison(summary: pl.DataFrame, _: Sequence[str]) -> Chart:
    """Every figure's relative distance from the paper's, a line per model and figure."""
    return charts.distance_chart(summary, summary["model"].unique(maintain_order=True).to_list())


def draw_source_lengths(summary: pl.DataFrame, _: Sequence[str]) -> Chart:
    """Mean characters of questions and answers by source."""
    texts = [
        summary.select(
            "source",
            text=pl.lit(text),
            chars=pl.col(f"{text}_chars"),
            paper=pl.col(f"{text}_chars_paper"),
        )
        for text in ("question", "answer")
    ]
    return charts.source_length_chart(pl.concat(texts))


def show_retention(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    """Conversations and the share kept, one row per source and phase."""
    published = statistics.entry.published if statistics.entry else None
    return summarize_retention(stored, published).rename({"table": "phase"})


def draw_retention(summary: pl.DataFrame, models: Sequence[str]) -> Chart:
    """Share kept after each phase."""
    phases = summary.filter(pl.col("phase") != CONVERSATIONS.name)
    return charts.retention_chart(phases, models)


def show_tag_counts(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    """Tags written and kept, one row per source and tag."""
    return summarize_tags(stored, statistics.entry.published if statistics.entry else None)


def show_verdict_counts(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    """Shares of the verdicts of Phase 3, one row per source and tag."""
    return compare_verdicts(stored, statistics.model)


def draw_verdicts(summary: pl.DataFrame, models: Sequence[str]) -> Chart:
    """Share of tags that were not judged Good, by source."""
    shares = summary.filter(pl.col("source") != ALL).with_columns(
        not_good_share=pl.sum_horizontal("bad", "none", "unreadable", ignore_nulls=False)
    )
    return charts.verdict_chart(shares, models)


def show_answer_similarity(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    """Means of the similarity metrics, one row per source and metric."""
    return compare_similarity(stored, statistics.model)


def draw_similarity(summary: pl.DataFrame, models: Sequence[str]) -> Chart:
    """Means of the similarity metrics over all sources."""
    over_all = pl.col("source") == ALL
    return charts.similarity_chart(
        summary.filter(over_all & pl.col("metric").is_in(list(SIMILARITY))), models
    )


def show_learned_similarity(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    """Means of the scores of learned models, one row per source and metric."""
    return compare_learned(stored, statistics.model)


def show_preferences(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    """Win rates of the new answers, one row per source."""
    paper = PREFERENCES.get(statistics.model, {})
    summary = summarize_preferences(stored)
    return summary.with_columns(
        paper=pl.Series([paper.get(source) for source in summary["source"]], dtype=pl.Float64)
    )


def show_alignment(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    """Shares of system messages that answers follow, one row per source."""
    aligned, not_aligned = ALIGNMENT.get(statistics.model, (None, None))
    over_all = pl.col("source") == ALL
    return summarize_alignment(stored).with_columns(
        aligned_share_paper=pl.when(over_all).then(pl.lit(aligned, dtype=pl.Float64)),
        not_aligned_share_paper=pl.when(over_all).then(pl.lit(not_aligned, dtype=pl.Float64)),
    )


def show_near_duplicate_questions(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    """Groups of near-duplicate questions and their share of all, by source."""
    lengths = statistics.read(SOURCE_LENGTHS)
    texts = None if lengths is None else lengths.select("source", texts="conversations")
    return summarize_near_duplicates(stored, texts)


def show_near_duplicate_messages(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    """Groups of near-duplicate system messages and their share, by source."""
    retention = statistics.read(RETENTION)
    if retention is not None:
        kept = (pl.col("table") == ALIGNED.name) & (pl.col("outcome") == "kept")
        retention = retention.filter(kept).select("source", texts="conversations")
    return summarize_near_duplicates(stored, retention)


def draw_lengths(summary: pl.DataFrame, models: Sequence[str]) -> Chart:
    """Length of the new answers by that of the original ones, by source."""
    ratios = summary.filter(pl.col("metric") == "length_ratio")
    return charts.length_chart(ratios.rename({"mean": "length_ratio"}), models)


def draw_alignment(summary: pl.DataFrame, models: Sequence[str]) -> Chart:
    """Shares of followed system messages over all sources, ours above the paper's."""
    over_all = summary.filter(pl.col("source") == ALL)
    names = {"aligned": "Aligned", "not_aligned": "Not aligned", "unknown": "Unknown"}
    ours = [
        over_all.select(
            "model",
            whose=pl.lit("ours"),
            verdict=pl.lit(verdict),
            share=pl.col(f"{name}_share"),
        )
        for name, verdict in names.items()
    ]
    told = {
        "Aligned": pl.col("aligned_share_paper"),
        "Not aligned": pl.col("not_aligned_share_paper"),
        "Unknown": 1 - pl.col("aligned_share_paper") - pl.col("not_aligned_share_paper"),
    }
    paper = [
        over_all.select("model", whose=pl.lit("paper"), verdict=pl.lit(verdict), share=share)
        for verdict, share in told.items()
    ]
    return charts.alignment_chart(pl.concat([*ours, *paper]).drop_nulls("share"), models)


def draw_preferences(summary: pl.DataFrame, models: Sequence[str]) -> Chart:
    """Win rates of the new answers by source, with their confidence intervals."""
    rates = summary.rename({"win_rate_low": "low", "win_rate_high": "high"})
    return charts.preference_chart(rates, models)


def draw_findings(summary: pl.DataFrame, models: Sequence[str]) -> Chart:
    """Share of rows with each quality finding."""
    by_kind = pl.col("finding").str.contains(":")
    return charts.findings_chart(summary.filter(~by_kind).drop_nulls("share"), models)
