"""Checks of the tables of measures: contracts, and warnings where a share is above a bound.

The bounds are ours: the paper reports none of these shares. A warning about a share is given only
where the 99 % Wilson interval excludes the bound, so that few rows alone do not cause it.
"""

from collections.abc import Mapping

import polars as pl

from sysgen_dagster.analysis import tables
from sysgen_dagster.analysis.findings import COPIED_FROM_PROMPT, FINDINGS
from sysgen_dagster.analysis.statistics import MOSTLY_HELD
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, RETENTION
from sysgen_dagster.tables.checks import (
    Check,
    Evidence,
    Finding,
    ids_are_unique,
    none_of,
    nothing_is_lost,
    within,
)
from sysgen_dagster.tables.rates import Rate

# The largest expected share of each finding, of the rows that can have it. There is no bound for
# `original_python_does_not_parse`, which is about the source, nor for `personal_data`, which many
# sources contain on purpose, nor for `repaired`, which the catalogue asks for.
MOST_FOUND: Mapping[str, float] = {
    "final_answer_differs": 0.10,
    "final_answer_missing": 0.25,
    "final_answer_leaked": 0.02,
    "content_copied": 0.20,
    COPIED_FROM_PROMPT: 0.02,
    "python_does_not_parse": 0.05,
    "languages_differ": 0.05,
    "repetitive": 0.02,
}
MOST_SURPLUS = 0.10  # share of messages that nearly equal an earlier one


def _few(finding: str, most: float) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        counts = evidence.read(tables.QUALITY_COUNTS, "source", "finding", "rows", "of_rows")
        rows = counts.filter(pl.col("finding") == finding)
        rate = Rate(int(rows["rows"].sum()), int(rows["of_rows"].sum()))
        return within(rate, (0.0, most), None, rows.filter(pl.col("rows") > 0))

    statement = f"Seldom: {FINDINGS[finding].statement[0].lower()}{FINDINGS[finding].statement[1:]}"
    return Check(f"few_{finding}", tables.QUALITY_COUNTS, statement, False, evaluate)


def _messages_differ(evidence: Evidence) -> Finding:
    found = evidence.read(tables.NEAR_DUPLICATE_MESSAGES, "conversation_id", "source", "cluster")
    surplus = found.filter(pl.col("conversation_id") != pl.col("cluster"))
    outcomes = evidence.read(RETENTION, "table", "outcome", "conversations")
    kept = (pl.col("table") == ALIGNED.name) & (pl.col("outcome") == "kept")
    messages = int(outcomes.filter(kept)["conversations"].sum())
    rate = Rate(surplus.height, max(messages, surplus.height))
    return within(rate, (0.0, MOST_SURPLUS), None, surplus)


def _no_benchmark_item(evidence: Evidence) -> Finding:
    rows = evidence.read(tables.CONTAMINATION, "conversation_id", "benchmark", "item", "overlap")
    return none_of(rows.filter(pl.col("overlap") >= MOSTLY_HELD))


CHECKS: tuple[Check, ...] = (
    *(_few(finding, most) for finding, most in MOST_FOUND.items()),
    Check(
        "messages_differ",
        tables.NEAR_DUPLICATE_MESSAGES,
        "Few system messages nearly equal an earlier one.",
        False,
        _messages_differ,
    ),
    Check(
        "no_benchmark_item",
        tables.CONTAMINATION,
        "No conversation contains half of a benchmark item or more.",
        False,
        _no_benchmark_item,
    ),
    ids_are_unique(tables.ROW_QUALITY),
    nothing_is_lost(tables.ROW_QUALITY, ALIGNED),
)
