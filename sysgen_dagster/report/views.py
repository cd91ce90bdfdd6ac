"""What is shown of each stored statistic: title, text, short table, and charts.

The order of `VIEWS` is that of the page. The paper's figures stand apart, with `on_paper`.
"""

from functools import partial

import polars as pl

from sysgen_dagster.analysis import findings, forecast, statistics, tables
from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.lanes.sysgen import counts, planted_faults
from sysgen_dagster.lanes.sysgen.tables import (
    ALIGNED,
    PLANTED_FAULTS,
    RESULT_COUNTS,
    RETENTION,
    TAG_COUNTS,
    VERDICT_COUNTS,
)
from sysgen_dagster.obedience import calibration
from sysgen_dagster.obedience import tables as judged
from sysgen_dagster.obedience.conflict_counts import summarize_conflicts
from sysgen_dagster.report import charts, summaries
from sysgen_dagster.report.score_views import SCORE_VIEWS
from sysgen_dagster.report.tables import PAPER_COMPARISON
from sysgen_dagster.report.view import Part, View
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import Table

RATIO, MEAN = ".2f", ",.1f"  # formats of numbers that are not shares

VIEWS: tuple[View, ...] = (
    View(
        RETENTION,
        "Conversations through the phases",
        Part.DROPPED,
        "What each phase kept of the conversations that Phase 1 began with, and why the others "
        "went.",
        lambda stored, stats: counts.summarize_retention(stored, stats.published).rename(
            {"table": "phase"}
        ),
        [
            partial(
                charts.draw_bars,
                y="phase",
                x="kept_share",
                title="share of conversations kept",
                where=pl.col("phase") != CONVERSATIONS.name,
            )
        ],
        published_in="Table 2",
        beside="kept_share",
    ),
    View(
        VERDICT_COUNTS,
        "What verification removed",
        Part.DROPPED,
        "Of the messages that hold a tag, the share whose phrases were judged Bad or None, or "
        "whose verdict could not be read.",
        lambda stored, stats: statistics.compare_verdicts(stored, stats.model),
        [charts.draw_verdicts],
        published_in="Table 9 (v2)",
        on_paper="Table 9 of version 2 does not say of what its percentages are.",
    ),
    View(
        PLANTED_FAULTS,
        "Whether the judge finds planted faults",
        Part.QUALITY,
        "The model as Phase 3's judge of a fixed set of messages, in some of which phrases stand "
        "under a tag that is not theirs: planted faults that it called Bad or None, right tags "
        "that it called Good, with 95 % intervals. A judge no better than chance removes nothing "
        "that it should.",
        lambda stored, _: planted_faults.summarize_planted_faults(stored),
    ),
    View(
        judged.JUDGE_CALIBRATION,
        "Whether the judge agrees with people",
        Part.QUALITY,
        "What the judge says of items that people have labelled: kappa with its 95 % interval by "
        "item, the share labelled yes, and how often the judge says yes and no where they do. "
        "Uncalibrated: below 0.6, or known of fewer than 200 items of the kind.",
        lambda stored, _: calibration.calibrate(stored).drop("table"),
        number_format=RATIO,
    ),
    View(
        tables.OBEDIENCE_COUNTS,
        "Whether each phrase is obeyed",
        Part.QUALITY,
        "Of the phrases of each tag, the shares that rules and a judge could decide, and of the "
        "decided ones the share that the answer obeys, with 95 % intervals.",
        summaries.summarize_phrases,
        [
            partial(
                charts.draw_bars,
                y="tag",
                x="obeyed",
                title="share of the decided phrases that are obeyed",
                where=(pl.col("source") == ALL) & pl.col("obeyed").is_not_null(),
            )
        ],
    ),
    View(
        RESULT_COUNTS,
        "Whether the new answer keeps the result",
        Part.QUALITY,
        "Of the conversations whose original answer states a final answer or Python that parses, "
        "those whose new answer has another one: at first, and in the end. Not found in the new "
        "answer is no contradiction, and is counted apart.",
        lambda stored, _: counts.summarize_results(stored),
    ),
    View(
        judged.JUDGED_ALIGNMENT,
        "Whether the answer keeps to its system message",
        Part.QUALITY,
        "Aligned, Not aligned or Unknown, as a judge says of a sample of rows.",
        summaries.summarize_judged_alignment,
        [charts.draw_alignment],
        published_in="Figure 5",
        on_paper="Its judge is GPT-4o, on 100 rows a model.",
    ),
    View(
        judged.JUDGED_PREFERENCES,
        "Which answer a judge prefers",
        Part.QUALITY,
        "A judge that is not shown the system message compares new and original answer in both "
        "orders; contradicting verdicts are a tie. Bars are 95 % intervals.",
        summaries.summarize_judged_preferences,
        [charts.draw_preferences],
        published_in="Figure 3",
        beside="paper_order_rate",
        on_paper="Its judge is GPT-4o, which sees the original first and has no ties: "
        "paper_order_rate is ours in that order.",
    ),
    View(
        judged.CONFLICT_COUNTS,
        "Whether the message holds when a user asks for the opposite",
        Part.QUALITY,
        "Rules say whose wish an answer follows. kept_under_conflict is of the answers to users "
        "who ask for the opposite of what the message says, helped_when_aligned of those to users "
        "who ask for the same: a model that refuses whatever it is asked keeps to all messages and "
        "helps nobody. broken_without_message says how often the same requests are done where no "
        "message forbids them. 95 % intervals.",
        lambda stored, _: summarize_conflicts(stored),
    ),
    View(
        tables.QUALITY_COUNTS,
        "Findings in rows",
        Part.QUALITY,
        "What speaks against a row, found without a model; the share is of the rows in which it "
        "can arise. Nothing is dropped because of it.",
        lambda stored, _: findings.summarize_findings(stored),
        [
            # Kinds of a finding, such as `personal_data: e-mail`, are in the table only.
            partial(
                charts.draw_bars,
                y="finding",
                x="share",
                title="share of rows",
                where=~pl.col("finding").str.contains(":") & pl.col("share").is_not_null(),
            )
        ],
    ),
    View(
        tables.ANSWER_SIMILARITY,
        "New answers and original ones",
        Part.QUALITY,
        "ROUGE F1 (tokens a-z0-9, no stemming, a text as one sequence) and sentence GLEU (words "
        "between blanks, n-grams 1 to 4) of every new answer against its original; the _unicode "
        "metrics count letters, marks and signs of any script, which ROUGE's own tokens drop. "
        "length_ratio is mean length by mean length, in characters.",
        lambda stored, stats: statistics.compare_similarity(stored, stats.model),
        [
            partial(
                charts.draw_bars,
                y="metric",
                x="mean",
                title="mean over the answers",
                where=(pl.col("source") == ALL) & pl.col("metric").is_in(tables.SIMILARITY),
            ),
            partial(
                charts.draw_bars,
                y="source",
                x="mean",
                title="length, new by original",
                where=pl.col("metric") == "length_ratio",
                form=RATIO,
                line_at=1,
            ),
        ],
        RATIO,
        published_in="Table 1",
        beside="mean",
        on_paper="It does not name the implementations of its metrics.",
    ),
    View(
        tables.LEARNED_SIMILARITY,
        "BERTScore and BLEURT",
        Part.QUALITY,
        "New answers against original ones by metrics that need a model of their own, on a "
        "stratified sample.",
        lambda stored, stats: statistics.compare_learned(stored, stats.model),
        number_format=RATIO,
        published_in="Table 1",
        beside="mean",
    ),
    View(
        TAG_COUNTS,
        "Key functionalities",
        Part.QUALITY,
        "Messages that hold each tag after Phase 2 and after Phase 3, of those that went on there.",
        lambda stored, stats: counts.summarize_tags(stored, stats.published),
        [charts.draw_tags],
        published_in="Table 8",
        beside="filtered_share",
        on_paper="It gives one count, whose values fit the messages before verification; here it "
        "is divided by the conversations kept before it, after Phase 2.",
    ),
    View(
        tables.MESSAGE_DIVERSITY,
        "How varied the system messages are",
        Part.QUALITY,
        "On the same number of messages of each source, as many as the smallest has, because these "
        "figures fall as the number grows: different words, pairs and runs of three, openings, and "
        "how well the texts compress (higher: more alike).",
        lambda stored, _: stored,
        number_format=".3f",
    ),
    View(
        tables.NEAR_DUPLICATE_MESSAGES,
        "System messages that repeat each other",
        Part.QUALITY,
        "Near-duplicates by MinHash (Jaccard similarity of runs of three words from 0.7) among "
        "the final system messages; surplus are those that an earlier one stands for.",
        lambda stored, stats: statistics.summarize_near_duplicates(
            stored, summaries.count_texts(stats, RETENTION, table=ALIGNED.name, outcome="kept")
        ),
    ),
    View(
        tables.NEAR_DUPLICATE_QUESTIONS,
        "Questions that repeat each other",
        Part.QUALITY,
        "The same for the questions, within a source and across. Punctuation does not count, so "
        "two questions made from one template are near-duplicates.",
        lambda stored, stats: statistics.summarize_near_duplicates(
            stored, summaries.count_texts(stats, tables.SOURCE_LENGTHS)
        ),
    ),
    View(
        tables.CONTAMINATION,
        "Items of benchmarks",
        Part.QUALITY,
        "Conversations that share a run of 13 words with an item of a benchmark (a short item: the "
        "whole of it). Single runs are often common phrases: look at mostly_held, which counts "
        "those with at least half of an item. They are tagged, not dropped.",
        lambda stored, _: statistics.summarize_contamination(stored),
    ),
    View(
        tables.SOURCE_LENGTHS,
        "Sources",
        Part.QUALITY,
        "Usable conversations of each source and the mean characters of question and answer.",
        lambda stored, _: statistics.compare_lengths(stored),
        [summaries.draw_source_lengths],
        MEAN,
        published_in="Table 9",
    ),
    *SCORE_VIEWS,
    View(
        tables.FORECAST,
        "What is left to do",
        Part.COST,
        "Conversations that are not through a phase, and the requests and tokens that they will "
        "take: as many as those took that are through it (done). Where there are none the figure "
        "is rough, by characters, and off by up to a factor of two. Repeats are left out.",
        lambda stored, _: forecast.summarize_forecast(stored),
        number_format=MEAN,
    ),
    View(
        PAPER_COMPARISON,
        "At a glance",
        Part.PAPER,
        "How far our shares lie from the paper's, on average over the figures of each of its "
        "tables; 1 % is one percentage point.",
        lambda stored, _: statistics.summarize_comparison(stored),
        [
            partial(
                charts.draw_bars,
                y="published_in",
                x="mean_distance",
                title="mean distance from the paper's figures",
            )
        ],
    ),
)


def view_of(table: Table) -> View | None:
    """The view of a stored table; None for a table of rows."""
    return next((view for view in VIEWS if view.table == table), None)
