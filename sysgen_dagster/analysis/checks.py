"""Checks of the tables of measures: contracts, and warnings where a share is above a bound.

The bounds are ours: the paper reports none of these shares. A warning about a share is given only
where the 99 % Wilson interval excludes the bound, so that few rows alone do not cause it.
"""

import polars as pl

from sysgen_dagster.analysis import tables
from sysgen_dagster.analysis.findings import FINDINGS
from sysgen_dagster.analysis.statistics import MOSTLY_HELD
from sysgen_dagster.catalog.recipes import Flag
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, RETENTION
from sysgen_dagster.obedience.calibration import Kind
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster.obedience.worth import with_worth
from sysgen_dagster.tables.checks import (
    Check,
    Evidence,
    Finding,
    ids_are_unique,
    none_of,
    nothing_is_lost,
    unless_made_up,
    within,
)
from sysgen_dagster.tables.rates import Rate

# Findings about the result of a task, which nobody but a model works out.
_OF_RESULTS = {"final_answer_differs", "final_answer_missing", "final_answer_leaked"}
LEAST_OBEYED = 0.75  # share of decided phrases, as low as what judges find of whole messages
MOST_SURPLUS = 0.10  # share of messages that nearly equal an earlier one


def _few(finding: Flag, most: float) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        counts = evidence.read(tables.QUALITY_COUNTS, "source", "finding", "rows", "of_rows")
        rows = counts.filter(pl.col("finding") == finding)
        rate = Rate(int(rows["rows"].sum()), int(rows["of_rows"].sum()))
        return within(rate, (0.0, most), None, rows.filter(pl.col("rows") > 0))

    statement = f"Seldom: {FINDINGS[finding].statement[0].lower()}{FINDINGS[finding].statement[1:]}"
    check = Check(f"few_{finding}", tables.QUALITY_COUNTS, statement, False, evaluate)
    return unless_made_up(check, ALIGNED) if finding in _OF_RESULTS else check


def _messages_differ() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        found = evidence.read(
            tables.NEAR_DUPLICATE_MESSAGES, "conversation_id", "source", "cluster"
        )
        surplus = found.filter(pl.col("conversation_id") != pl.col("cluster"))
        outcomes = evidence.read(RETENTION, "table", "outcome", "conversations")
        kept = (pl.col("table") == ALIGNED.name) & (pl.col("outcome") == "kept")
        messages = int(outcomes.filter(kept)["conversations"].sum())
        rate = Rate(surplus.height, max(messages, surplus.height))
        return within(rate, (0.0, MOST_SURPLUS), None, surplus)

    statement = "Few system messages nearly equal an earlier one."
    return Check("messages_differ", tables.NEAR_DUPLICATE_MESSAGES, statement, False, evaluate)


def _most_phrases_are_obeyed() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        columns = ("source", "tag", "verdict", "by", "phrases")
        counts = evidence.read(tables.OBEDIENCE_COUNTS, *columns)
        decided = counts.filter(pl.col("verdict") != Verdict.UNKNOWN.value)
        broken = decided.filter(pl.col("verdict") == Verdict.NOT_OBEYED.value)
        of_phrases = int(decided["phrases"].sum())
        rate = Rate(of_phrases - int(broken["phrases"].sum()), of_phrases)
        return within(rate, (LEAST_OBEYED, 1.0), None, broken.sort("phrases", descending=True))

    statement = "Answers obey most phrases of their messages, of those that could be decided."
    check = Check("most_are_obeyed", tables.OBEDIENCE_COUNTS, statement, False, evaluate)
    return unless_made_up(with_worth(check, Kind.PHRASE, named_in="by"), ALIGNED)


def _no_benchmark_item() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(
            tables.CONTAMINATION, "conversation_id", "benchmark", "item", "overlap"
        )
        return none_of(rows.filter(pl.col("overlap") >= MOSTLY_HELD))

    statement = "No conversation contains half of a benchmark item or more."
    return Check("no_benchmark_item", tables.CONTAMINATION, statement, False, evaluate)


CHECKS: tuple[Check, ...] = (
    *(_few(name, each.most) for name, each in FINDINGS.items() if each.most is not None),
    _messages_differ(),
    _no_benchmark_item(),
    ids_are_unique(tables.ROW_QUALITY),
    nothing_is_lost(tables.ROW_QUALITY, ALIGNED),
    ids_are_unique(OBEDIENCE),
    nothing_is_lost(OBEDIENCE, ALIGNED),
    _most_phrases_are_obeyed(),
)
