"""What is expected of judgements: warnings over the samples that a judge looked at.

Only what chance cannot explain is told (99 % Wilson interval), since the samples are small.
"""

import polars as pl

from sysgen_dagster.obedience.alignment_judgement import Alignment
from sysgen_dagster.obedience.judge_verdicts import UNREADABLE
from sysgen_dagster.obedience.preference_judgement import NEW, ORIGINAL
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT, JUDGED_PREFERENCES
from sysgen_dagster.tables.checks import Check, Evidence, Finding, none_of, within
from sysgen_dagster.tables.rates import Rate
from sysgen_dagster.tables.table import Table

LEAST_ALIGNED = 0.75  # the paper's Figure 5 has 0.81 to 0.91
LEAST_PREFERRED = 0.50  # the paper's Figure 3 has 0.45 to 0.80
FIRST_PREFERRED = (0.35, 0.65)  # how often the answer that is shown first may be preferred
MOST_UNJUDGED = 0.05


def _nearly_all_are_judged(table: Table) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(table, "conversation_id", "verdict", "drop_reason", "failure")
        unjudged = rows.filter(pl.col("verdict").is_null() | (pl.col("verdict") == UNREADABLE))
        return within(Rate(unjudged.height, rows.height), (0.0, MOST_UNJUDGED), None, unjudged)

    return Check("nearly_all_are_judged", table, "Nearly every row got a verdict.", False, evaluate)


def _judge_is_another_model(table: Table) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        own = evidence.read(table, "judge", "judge_is_generator")
        return none_of(own.filter(pl.col("judge_is_generator")).unique())

    statement = "The judge is not the model that wrote what it judges."
    return Check("judge_is_another_model", table, statement, False, evaluate)


def _most_are_aligned(evidence: Evidence) -> Finding:
    rows = evidence.read(JUDGED_ALIGNMENT, "conversation_id", "source", "verdict")
    rows = rows.filter(pl.col("verdict").is_in([verdict.value for verdict in Alignment]))
    others = rows.filter(pl.col("verdict") != Alignment.ALIGNED.value)
    rate = Rate(rows.height - others.height, rows.height)
    return within(rate, (LEAST_ALIGNED, 1.0), None, others)


def _new_answers_are_preferred(evidence: Evidence) -> Finding:
    rows = evidence.read(JUDGED_PREFERENCES, "source", "verdict")
    decided = rows.filter(pl.col("verdict").is_in([NEW, ORIGINAL]))
    by_source = decided.group_by("source", "verdict").len().sort("source", "verdict")
    new = decided.filter(pl.col("verdict") == NEW)
    # Each conversation is judged twice: half as many independent judgements.
    rate = Rate(new.height // 2, decided.height // 2)
    return within(rate, (LEAST_PREFERRED, 1.0), None, by_source)


def _judge_has_no_favourite_place(evidence: Evidence) -> Finding:
    rows = evidence.read(JUDGED_PREFERENCES, "source", "shown_first", "verdict")
    decided = rows.filter(pl.col("verdict").is_in([NEW, ORIGINAL]))
    first = decided.filter(pl.col("verdict") == pl.col("shown_first"))
    # Each conversation is judged twice: half as many independent judgements.
    rate = Rate(first.height // 2, decided.height // 2)
    by_place = decided.group_by("shown_first", "verdict").len().sort("shown_first", "verdict")
    return within(rate, FIRST_PREFERRED, None, by_place)


CHECKS = (
    _nearly_all_are_judged(JUDGED_PREFERENCES),
    _judge_is_another_model(JUDGED_PREFERENCES),
    Check(
        "new_answers_are_preferred",
        JUDGED_PREFERENCES,
        "Where the judge decides, it prefers the new answer at least as often.",
        False,
        _new_answers_are_preferred,
    ),
    Check(
        "judge_has_no_favourite_place",
        JUDGED_PREFERENCES,
        "The judge prefers the answer shown first about as often as the other.",
        False,
        _judge_has_no_favourite_place,
    ),
    _nearly_all_are_judged(JUDGED_ALIGNMENT),
    _judge_is_another_model(JUDGED_ALIGNMENT),
    Check(
        "most_are_aligned",
        JUDGED_ALIGNMENT,
        "Most new answers keep to their system message.",
        False,
        _most_are_aligned,
    ),
)
