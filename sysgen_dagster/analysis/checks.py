"""What is expected of the statistics: warnings, each over everything a model has made.

The bounds are ours, since the paper looks at none of this but the judgements. Where a statistic is
of a sample or of few rows, only what chance cannot explain is told (99 % Wilson interval).
"""

from collections.abc import Mapping

import polars as pl

from sysgen_dagster.analysis.findings import FINDINGS
from sysgen_dagster.analysis.forecast import FIGURES, compute_ratios
from sysgen_dagster.analysis.statistics import ALL, MOSTLY_HELD
from sysgen_dagster.lanes.sysgen.checks import Check, Evidence, Finding, none_of, within
from sysgen_dagster.lanes.sysgen.counts import Rate

# Largest share of the rows in which a finding can arise. What speaks against an original row only,
# and personal data, which many sources hold on purpose, are counted without a bound.
MOST_FOUND: Mapping[str, float] = {
    "final_answer_differs": 0.10,
    "final_answer_missing": 0.25,
    "final_answer_leaked": 0.02,
    "content_copied": 0.20,
    "python_does_not_parse": 0.05,
    "languages_differ": 0.05,
    "repetitive": 0.02,
}
LEAST_ALIGNED = 0.75  # the paper's Figure 5 has 0.81 to 0.91
LEAST_PREFERRED = 0.50  # the paper's Figure 3 has 0.45 to 0.80
FIRST_PREFERRED = (0.35, 0.65)  # how often the answer that is shown first may be preferred
MOST_UNJUDGED = 0.05
FORECAST_HELD = (0.8, 1.25)  # actual by forecast
MOST_SURPLUS = 0.10  # messages that an earlier one nearly equals


def _found(finding: str, most: float) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        counts = evidence.read("quality_counts", "source", "finding", "rows", "of_rows")
        rows = counts.filter(pl.col("finding") == finding)
        rate = Rate(int(rows["rows"].sum()), int(rows["of_rows"].sum()))
        return within(rate, (0.0, most), None, rows.filter(pl.col("rows") > 0))

    statement = f"Seldom: {FINDINGS[finding].statement[0].lower()}{FINDINGS[finding].statement[1:]}"
    return Check(f"few_{finding}", "quality_counts", statement, False, evaluate)


def _judged(table: str) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(table, "conversation_id", "verdict", "drop_reason", "failure")
        unjudged = rows.filter(pl.col("verdict").is_null() | (pl.col("verdict") == "Unreadable"))
        return within(Rate(unjudged.height, rows.height), (0.0, MOST_UNJUDGED), None, unjudged)

    return Check("nearly_all_are_judged", table, "Nearly every row got a verdict.", False, evaluate)


def _another_model(table: str) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        own = evidence.read(table, "judge", "judge_is_generator")
        return none_of(own.filter(pl.col("judge_is_generator")).unique())

    statement = "The judge is not the model that wrote what it judges."
    return Check("judge_is_another_model", table, statement, False, evaluate)


def _aligned(evidence: Evidence) -> Finding:
    rows = evidence.read("judged_alignment", "conversation_id", "source", "verdict")
    rows = rows.filter(pl.col("verdict").is_in(["Aligned", "Not aligned", "Unknown"]))
    others = rows.filter(pl.col("verdict") != "Aligned")
    rate = Rate(rows.height - others.height, rows.height)
    return within(rate, (LEAST_ALIGNED, 1.0), None, others)


def _preferred(evidence: Evidence) -> Finding:
    rows = evidence.read("judged_preferences", "source", "verdict")
    decided = rows.filter(pl.col("verdict").is_in(["new", "original"]))
    by_source = decided.group_by("source", "verdict").len().sort("source", "verdict")
    new = decided.filter(pl.col("verdict") == "new")
    # Each conversation is judged twice: half as many independent judgements.
    rate = Rate(new.height // 2, decided.height // 2)
    return within(rate, (LEAST_PREFERRED, 1.0), None, by_source)


def _no_favourite_place(evidence: Evidence) -> Finding:
    rows = evidence.read("judged_preferences", "source", "shown_first", "verdict")
    decided = rows.filter(pl.col("verdict").is_in(["new", "original"]))
    first = decided.filter(pl.col("verdict") == pl.col("shown_first"))
    # Each conversation is judged twice: half as many independent judgements.
    rate = Rate(first.height // 2, decided.height // 2)
    by_place = decided.group_by("shown_first", "verdict").len().sort("shown_first", "verdict")
    return within(rate, FIRST_PREFERRED, None, by_place)


def _messages_differ(evidence: Evidence) -> Finding:
    found = evidence.read("near_duplicate_messages", "conversation_id", "source", "cluster")
    surplus = found.filter(pl.col("conversation_id") != pl.col("cluster"))
    outcomes = evidence.read("retention", "table", "outcome", "conversations")
    kept = (pl.col("table") == "aligned_responses") & (pl.col("outcome") == "kept")
    messages = int(outcomes.filter(kept)["conversations"].sum())
    rate = Rate(surplus.height, max(messages, surplus.height))
    return within(rate, (0.0, MOST_SURPLUS), None, surplus)


def _forecast_held(evidence: Evidence) -> Finding:
    table = "forecast_against_actual"
    columns = ("source", "phase", "metric", "conversations", "forecast", "actual")
    found = compute_ratios(evidence.read(table, *columns))
    of_work = (pl.col("source") == ALL) & pl.col("metric").is_in(FIGURES)
    low, high = FORECAST_HELD
    outside = found.filter(of_work, ~pl.col("ratio").is_between(low, high))
    return Finding(outside.is_empty(), outside.height, f"none outside {low:g} to {high:g}", outside)


def _no_benchmark_item(evidence: Evidence) -> Finding:
    rows = evidence.read("contamination", "conversation_id", "benchmark", "item", "overlap")
    return none_of(rows.filter(pl.col("overlap") >= MOSTLY_HELD))


CHECKS: tuple[Check, ...] = (
    *(_found(finding, most) for finding, most in MOST_FOUND.items()),
    Check(
        "messages_differ",
        "near_duplicate_messages",
        "Few system messages nearly equal an earlier one.",
        False,
        _messages_differ,
    ),
    Check(
        "forecast_held",
        "forecast_against_actual",
        "Requests and tokens came to about what was forecast, in each phase and in all.",
        False,
        _forecast_held,
    ),
    Check(
        "no_benchmark_item",
        "contamination",
        "No conversation holds most of a benchmark's item.",
        False,
        _no_benchmark_item,
    ),
    _judged("judged_preferences"),
    _another_model("judged_preferences"),
    Check(
        "new_answers_are_preferred",
        "judged_preferences",
        "Where the judge decides, it prefers the new answer at least as often.",
        False,
        _preferred,
    ),
    Check(
        "judge_has_no_favourite_place",
        "judged_preferences",
        "The judge prefers the answer shown first about as often as the other.",
        False,
        _no_favourite_place,
    ),
    _judged("judged_alignment"),
    _another_model("judged_alignment"),
    Check(
        "most_are_aligned",
        "judged_alignment",
        "Most new answers keep to their system message.",
        False,
        _aligned,
    ),
)
