"""What is shown of each stored statistic, in Dagster's metadata and on the report's page alike.

A view turns a stored table into a short one to read, with the paper's figures beside ours, and may
draw it. The order of `VIEWS` is the order of the page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from sysgen_dagster.analysis.findings import summarize_findings
from sysgen_dagster.analysis.forecast import compute_ratios, summarize_forecast
from sysgen_dagster.analysis.statistics import (
    ALL,
    compare_learned,
    compare_lengths,
    compare_similarity,
    compare_verdicts,
    summarize_comparison,
    summarize_contamination,
    summarize_near_duplicates,
)
from sysgen_dagster.analysis.tables import (
    ANSWER_SIMILARITY,
    CONTAMINATION,
    FORECAST,
    FORECAST_AGAINST_ACTUAL,
    LEARNED_SIMILARITY,
    MESSAGE_DIVERSITY,
    NEAR_DUPLICATE_MESSAGES,
    NEAR_DUPLICATE_QUESTIONS,
    QUALITY_COUNTS,
    SIMILARITY,
    SOURCE_LENGTHS,
)
from sysgen_dagster.lanes.sysgen.counts import summarize_retention, summarize_tags
from sysgen_dagster.lanes.sysgen.paper import ALIGNMENT, PREFERENCES
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, RETENTION, TAG_COUNTS, VERDICT_COUNTS
from sysgen_dagster.obedience.alignment_judgement import summarize_alignment
from sysgen_dagster.obedience.preference_judgement import summarize_preferences
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT, JUDGED_PREFERENCES
from sysgen_dagster.report import charts
from sysgen_dagster.report.page import Format
from sysgen_dagster.report.tables import PAPER_COMPARISON
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import By, Table


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


Draw = Callable[[pl.DataFrame, Sequence[str]], "charts.Chart"]


@dataclass(frozen=True, slots=True)
class View:
    """How one stored table is shown.

    Attributes:
        table: Which one.
        title: Of the section.
        lead: What is to be seen, and how it was computed.
        summary: The short table of one model; null figures where the paper has none.
        draw: Charts of the summaries of several models, told apart by a column ``model``; the first
            one stands for the asset.
        formats: How the summary's columns are written.
        published_in: Where the paper has such figures.
        beside: The column that stands beside a column ``paper``; ``x`` stands beside ``x_paper``.
    """

    table: Table
    title: str
    lead: str
    summary: Callable[[pl.DataFrame, Statistics], pl.DataFrame]
    draw: tuple[Draw, ...] = ()
    formats: Mapping[str, Format] = field(default_factory=dict)
    published_in: str = ""
    beside: str = ""

    @property
    def of_a_model(self) -> bool:
        """Whether there is one for each model."""
        return self.table.by is By.MODEL

    def read(self, statistics: Statistics) -> pl.DataFrame | None:
        """The summary of what is stored; None where nothing is."""
        stored = statistics.read(self.table)
        return None if stored is None else self.summary(stored, statistics)


def _alone(
    summary: Callable[[pl.DataFrame], pl.DataFrame],
) -> Callable[[pl.DataFrame, Statistics], pl.DataFrame]:
    """A summary that follows from the stored table alone."""
    return lambda stored, _: summary(stored)


def _draw_comparison(summary: pl.DataFrame, _: Sequence[str]) -> "charts.Chart":
    return charts.distance_chart(summary, summary["model"].unique(maintain_order=True).to_list())


def _draw_source_lengths(summary: pl.DataFrame, _: Sequence[str]) -> "charts.Chart":
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


def _retention(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    published = statistics.entry.published if statistics.entry else None
    return summarize_retention(stored, published).rename({"table": "phase"})


def _draw_retention(summary: pl.DataFrame, models: Sequence[str]) -> "charts.Chart":
    phases = summary.filter(pl.col("phase") != CONVERSATIONS.name)
    return charts.retention_chart(phases, models)


def _tag_counts(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    return summarize_tags(stored, statistics.entry.published if statistics.entry else None)


def _verdict_counts(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    return compare_verdicts(stored, statistics.model)


def _draw_verdicts(summary: pl.DataFrame, models: Sequence[str]) -> "charts.Chart":
    shares = summary.filter(pl.col("source") != ALL).with_columns(
        not_good_share=pl.sum_horizontal("bad", "none", "unreadable", ignore_nulls=False)
    )
    return charts.verdict_chart(shares, models)


def _answer_similarity(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    return compare_similarity(stored, statistics.model)


def _draw_similarity(summary: pl.DataFrame, models: Sequence[str]) -> "charts.Chart":
    over_all = pl.col("source") == ALL
    return charts.similarity_chart(
        summary.filter(over_all & pl.col("metric").is_in(list(SIMILARITY))), models
    )


def _learned_similarity(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    return compare_learned(stored, statistics.model)


def _preferences(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    paper = PREFERENCES.get(statistics.model, {})
    summary = summarize_preferences(stored)
    return summary.with_columns(
        paper=pl.Series([paper.get(source) for source in summary["source"]], dtype=pl.Float64)
    )


def _alignment(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    aligned, not_aligned = ALIGNMENT.get(statistics.model, (None, None))
    over_all = pl.col("source") == ALL
    return summarize_alignment(stored).with_columns(
        aligned_share_paper=pl.when(over_all).then(pl.lit(aligned, dtype=pl.Float64)),
        not_aligned_share_paper=pl.when(over_all).then(pl.lit(not_aligned, dtype=pl.Float64)),
    )


def _near_duplicate_questions(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    lengths = statistics.read(SOURCE_LENGTHS)
    texts = None if lengths is None else lengths.select("source", texts="conversations")
    return summarize_near_duplicates(stored, texts)


def _near_duplicate_messages(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    retention = statistics.read(RETENTION)
    if retention is not None:
        kept = (pl.col("table") == ALIGNED.name) & (pl.col("outcome") == "kept")
        retention = retention.filter(kept).select("source", texts="conversations")
    return summarize_near_duplicates(stored, retention)


def _forecast(stored: pl.DataFrame, statistics: Statistics) -> pl.DataFrame:
    """Without the long texts that all rows share; how each was found stands last."""
    summary = summarize_forecast(stored, statistics.entry).drop("counted_with", "assumed")
    return summary.select(pl.exclude("basis"), "basis")


def _draw_lengths(summary: pl.DataFrame, models: Sequence[str]) -> "charts.Chart":
    compute_ratios = summary.filter(pl.col("metric") == "length_ratio")
    return charts.length_chart(compute_ratios.rename({"mean": "length_ratio"}), models)


def _draw_alignment(summary: pl.DataFrame, models: Sequence[str]) -> "charts.Chart":
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


def _draw_preferences(summary: pl.DataFrame, models: Sequence[str]) -> "charts.Chart":
    rates = summary.rename({"win_rate_low": "low", "win_rate_high": "high"})
    return charts.preference_chart(rates, models)


def _draw_findings(summary: pl.DataFrame, models: Sequence[str]) -> "charts.Chart":
    by_kind = pl.col("finding").str.contains(":")
    return charts.findings_chart(summary.filter(~by_kind).drop_nulls("share"), models)


VIEWS: tuple[View, ...] = (
    View(
        PAPER_COMPARISON,
        "Beside the paper, at a glance",
        "How far our shares lie from the paper's, on average over the figures of each of its "
        "tables; 1 % is one point. How each was computed stands in its section.",
        _alone(summarize_comparison),
        (_draw_comparison,),
        {
            "mean_distance": "percent",
            "largest_distance": "percent",
        },
    ),
    View(
        SOURCE_LENGTHS,
        "Sources",
        "Usable conversations of each source and the mean characters of question and answer, "
        "beside the paper's Table 9.",
        _alone(compare_lengths),
        (_draw_source_lengths,),
        published_in="Table 9",
    ),
    View(
        RETENTION,
        "Conversations through the phases",
        "What each phase kept of the conversations that Phase 1 began with, and why the others "
        "went; beside the paper's Table 2.",
        _retention,
        (_draw_retention,),
        {"kept_share": "percent", "paper": "percent"},
        published_in="Table 2",
        beside="kept_share",
    ),
    View(
        TAG_COUNTS,
        "Key functionalities",
        "Messages that hold each tag after Phase 2 and after Phase 3, of those that went on there. "
        "The paper's Table 8 gives one count, whose values fit the messages before verification; "
        "here it is divided by the conversations kept in the end.",
        _tag_counts,
        (charts.tag_chart,),
        {"filtered_share": "percent", "verified_share": "percent", "paper": "percent"},
        published_in="Table 8",
        beside="filtered_share",
    ),
    View(
        VERDICT_COUNTS,
        "What verification removed",
        "Of the messages that hold a tag, the share whose phrases were judged Bad or None, or "
        "whose verdict could not be read. The paper's (Table 9 of version 2) does not say of what "
        "its percentages are.",
        _verdict_counts,
        (_draw_verdicts,),
        dict.fromkeys(["bad", "bad_paper", "none", "none_paper", "unreadable"], "percent"),
        published_in="Table 9 (v2)",
    ),
    View(
        ANSWER_SIMILARITY,
        "New answers and original ones",
        "ROUGE F1 (tokens a-z0-9, no stemming, a text as one sequence) and sentence GLEU (words "
        "between blanks, n-grams 1 to 4) of every new answer against its original; the _unicode "
        "metrics count letters and signs of any script, which ROUGE's own tokens drop. "
        "length_ratio is mean length by mean length, in characters. Beside Table 1, whose "
        "implementations the paper does not name.",
        _answer_similarity,
        (_draw_similarity, _draw_lengths),
        dict.fromkeys(["mean", "deviation", "paper"], "ratio"),
        published_in="Table 1",
        beside="mean",
    ),
    View(
        LEARNED_SIMILARITY,
        "BERTScore and BLEURT",
        "The metrics of Table 1 that need a model of their own, on a stratified sample.",
        _learned_similarity,
        formats=dict.fromkeys(["mean", "paper"], "ratio"),
        published_in="Table 1",
        beside="mean",
    ),
    View(
        JUDGED_PREFERENCES,
        "Which answer a judge prefers",
        "A judge that is not shown the system message compares new and original answer in both "
        "orders; contradicting verdicts are a tie. Bars are 95 % intervals. The paper (Figure 3, "
        "GPT-4o) shows the original first and has no ties: paper_order_rate is ours in that order.",
        _preferences,
        (_draw_preferences,),
        dict.fromkeys(
            [
                "win_rate",
                "win_rate_low",
                "win_rate_high",
                "first_shown_share",
                "paper_order_rate",
                "paper",
            ],
            "percent",
        ),
        published_in="Figure 3",
        beside="paper_order_rate",
    ),
    View(
        JUDGED_ALIGNMENT,
        "Whether the answer keeps to its system message",
        "Aligned, Not aligned or Unknown, as a judge says of a sample of rows; beside the paper's "
        "Figure 5 (GPT-4o, 100 rows a model).",
        _alignment,
        (_draw_alignment,),
        dict.fromkeys(
            [
                f"{verdict}_{figure}"
                for verdict in ("aligned", "not_aligned", "unknown")
                for figure in ("share", "share_low", "share_high")
            ]
            + ["aligned_share_paper", "not_aligned_share_paper"],
            "percent",
        ),
        published_in="Figure 5",
    ),
    View(
        QUALITY_COUNTS,
        "Findings in rows",
        "What speaks against a row, found without a model; the share is of the rows in which it "
        "can arise. Nothing is dropped because of it. The paper looks at none of these.",
        _alone(summarize_findings),
        (_draw_findings,),
        {"share": "percent"},
    ),
    View(
        MESSAGE_DIVERSITY,
        "How varied the system messages are",
        "On the same number of messages of each source, because these figures fall as the number "
        "grows: different words, pairs and runs of three, openings, and how well the texts "
        "compress (higher: more alike).",
        _alone(lambda stored: stored),
        formats={
            "distinct": "ratio",
            "distinct_1": "ratio",
            "distinct_2": "ratio",
            "distinct_3": "ratio",
            "openings": "ratio",
            "top_opening_share": "percent",
            "compression": "ratio",
        },
    ),
    View(
        NEAR_DUPLICATE_QUESTIONS,
        "Questions that repeat each other",
        "Near-duplicates by MinHash (Jaccard similarity of runs of three words from 0.7), within a "
        "source and across; surplus are those that an earlier one stands for. Signs do not count, "
        "and twins of one template are near-duplicates.",
        _near_duplicate_questions,
        formats={"surplus_share": "percent"},
    ),
    View(
        NEAR_DUPLICATE_MESSAGES,
        "System messages that repeat each other",
        "The same for the final system messages.",
        _near_duplicate_messages,
        formats={"surplus_share": "percent"},
    ),
    View(
        CONTAMINATION,
        "Items of benchmarks",
        "Conversations that share a run of 13 words with an item of a benchmark (a short item: the "
        "whole of it). Single runs are often common phrases: look at mostly_held, which counts "
        "those with at least half of an item. They are tagged, not dropped.",
        _alone(summarize_contamination),
        formats={"median_overlap": "percent"},
    ),
    View(
        FORECAST,
        "What it was going to cost",
        "Requests and tokens of the conversations that had not been through a phase when this was "
        "made, counted with the model's own tokenizer on a sample of rows. A margin is half of the "
        "95 % interval of the sampling; what is assumed has none. prompt_tokens_shared are those "
        "that a prefix cache should give. What was assumed is printed by make forecast.",
        _forecast,
    ),
    View(
        FORECAST_AGAINST_ACTUAL,
        "What it did cost",
        "The finished partitions beside that forecast, taken for as many conversations. Seconds "
        "are those in which the engine was asked; runs at the same time share a GPU and each "
        "counts its own.",
        _alone(compute_ratios),
        formats={"ratio": "ratio"},
    ),
)


# The columns that say what a line of a summary is of; other words are values.
NAMED_BY = (
    "model",
    "published_in",
    "phase",
    "tag",
    "source",
    "metric",
    "finding",
    "benchmark",
)


def over_all_and_by_source(summary: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines over all sources, and the others; a summary without both is not divided."""
    if "source" not in summary.columns or ALL not in summary["source"]:
        return summary, summary.clear()
    over_all = pl.col("source") == ALL
    return summary.filter(over_all).drop("source"), summary.filter(~over_all)


def view_of(table: Table) -> View | None:
    """The view of one stored table; None for a table of rows."""
    return next((view for view in VIEWS if view.table == table), None)
