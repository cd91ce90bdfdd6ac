"""What is shown of each stored statistic, in Dagster's metadata and on the report's page alike.

A view turns a stored table into a short one to read, with the paper's figures beside ours, and may
draw it. The order of `VIEWS` is the order of the page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from sysgen_dagster.analysis.findings import summarize_findings
from sysgen_dagster.analysis.forecast import summarize_forecast
from sysgen_dagster.analysis.statistics import (
    ALL,
    compare_lengths,
    summarize_comparison,
    summarize_contamination,
)
from sysgen_dagster.analysis.tables import (
    ANSWER_SIMILARITY,
    CONTAMINATION,
    FORECAST,
    LEARNED_SIMILARITY,
    MESSAGE_DIVERSITY,
    NEAR_DUPLICATE_MESSAGES,
    NEAR_DUPLICATE_QUESTIONS,
    QUALITY_COUNTS,
    SOURCE_LENGTHS,
)
from sysgen_dagster.lanes.sysgen.tables import RETENTION, TAG_COUNTS, VERDICT_COUNTS
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT, JUDGED_PREFERENCES
from sysgen_dagster.report import charts, summaries
from sysgen_dagster.report.drawing import Chart
from sysgen_dagster.report.page import Format
from sysgen_dagster.report.summaries import Statistics
from sysgen_dagster.report.tables import PAPER_COMPARISON
from sysgen_dagster.tables.table import By, Table, TableError

Draw = Callable[[pl.DataFrame, Sequence[str]], Chart]


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
        """The summary of what is stored; None where nothing is, or its columns are outdated."""
        try:
            stored = statistics.read(self.table)
        except TableError:
            return None
        return None if stored is None else self.summary(stored, statistics)


VIEWS: tuple[View, ...] = (
    View(
        PAPER_COMPARISON,
        "Beside the paper, at a glance",
        "How far our shares lie from the paper's, on average over the figures of each of its "
        "tables; 1 % is one point. How each was computed stands in its section.",
        summaries.show_by(summarize_comparison),
        (summaries.draw_comparison,),
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
        summaries.show_by(compare_lengths),
        (summaries.draw_source_lengths,),
        published_in="Table 9",
    ),
    View(
        RETENTION,
        "Conversations through the phases",
        "What each phase kept of the conversations that Phase 1 began with, and why the others "
        "went; beside the paper's Table 2.",
        summaries.show_retention,
        (summaries.draw_retention,),
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
        summaries.show_tag_counts,
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
        summaries.show_verdict_counts,
        (summaries.draw_verdicts,),
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
        summaries.show_answer_similarity,
        (summaries.draw_similarity, summaries.draw_lengths),
        dict.fromkeys(["mean", "deviation", "paper"], "ratio"),
        published_in="Table 1",
        beside="mean",
    ),
    View(
        LEARNED_SIMILARITY,
        "BERTScore and BLEURT",
        "The metrics of Table 1 that need a model of their own, on a stratified sample.",
        summaries.show_learned_similarity,
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
        summaries.show_preferences,
        (summaries.draw_preferences,),
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
        summaries.show_alignment,
        (summaries.draw_alignment,),
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
        summaries.show_by(summarize_findings),
        (summaries.draw_findings,),
        {"share": "percent"},
    ),
    View(
        MESSAGE_DIVERSITY,
        "How varied the system messages are",
        "On the same number of messages of each source, because these figures fall as the number "
        "grows: different words, pairs and runs of three, openings, and how well the texts "
        "compress (higher: more alike).",
        summaries.show_by(lambda stored: stored),
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
        summaries.show_near_duplicate_questions,
        formats={"surplus_share": "percent"},
    ),
    View(
        NEAR_DUPLICATE_MESSAGES,
        "System messages that repeat each other",
        "The same for the final system messages.",
        summaries.show_near_duplicate_messages,
        formats={"surplus_share": "percent"},
    ),
    View(
        CONTAMINATION,
        "Items of benchmarks",
        "Conversations that share a run of 13 words with an item of a benchmark (a short item: the "
        "whole of it). Single runs are often common phrases: look at mostly_held, which counts "
        "those with at least half of an item. They are tagged, not dropped.",
        summaries.show_by(summarize_contamination),
        formats={"median_overlap": "percent"},
    ),
    View(
        FORECAST,
        "What is left to do",
        "Conversations that are not through a phase, and the requests and tokens that they will "
        "take: as many as those took that are through it (done). Where there are none the figure "
        "is rough, by characters, and can be off by a factor of two. What is sent again is not in "
        "it.",
        summaries.show_by(summarize_forecast),
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
