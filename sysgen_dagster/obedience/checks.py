"""Checks of the judged tables: warnings about the judges and about what they found.

The judged samples are small, so a check fails only if the 99 % Wilson interval of its rate lies
outside the expected bounds.
"""

import polars as pl

from sysgen_dagster.obedience.alignment_judgement import Alignment
from sysgen_dagster.obedience.calibration import JUDGE_AGREES_WITH_LABELS, Kind
from sysgen_dagster.obedience.judge_verdicts import UNREADABLE
from sysgen_dagster.obedience.phrase_verdicts import parse_phrase_verdicts
from sysgen_dagster.obedience.preference_judgement import NEW, ORIGINAL
from sysgen_dagster.obedience.rules import BY_RULES
from sysgen_dagster.obedience.several_judges import UNREAD
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT, JUDGED_PREFERENCES, OBEDIENCE
from sysgen_dagster.obedience.worth import with_worth
from sysgen_dagster.tables.checks import (
    Check,
    Evidence,
    Finding,
    none_of,
    of_something,
    unless_made_up,
    within,
)
from sysgen_dagster.tables.rates import Rate
from sysgen_dagster.tables.table import Table

LEAST_ALIGNED = 0.75  # the paper's Figure 5 has 0.81 to 0.91
LEAST_PREFERRED = 0.50  # the paper's Figure 3 has 0.45 to 0.80
FIRST_PREFERRED = (0.35, 0.65)  # share of judgements that prefer the answer shown first
MOST_UNJUDGED = 0.05


def _nearly_all_are_judged(table: Table) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(table, "conversation_id", "verdict", "drop_reason", "failure")
        unjudged = rows.filter(pl.col("verdict").is_null() | (pl.col("verdict") == UNREADABLE))
        rate = Rate(unjudged.height, rows.height)
        return of_something(within(rate, (0.0, MOST_UNJUDGED), None, unjudged), rate.whole)

    return Check("nearly_all_are_judged", table, "Nearly every row got a verdict.", False, evaluate)


def _nearly_every_phrase_is_judged() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        said = ("phrases", "verdict_text", "finish_reason", "judged")
        rows = evidence.read(OBEDIENCE, "conversation_id", *said, "attempts", "failure")
        asked = rows.filter(pl.col("attempts").is_not_null())
        read = [_is_read(*row) for row in asked.select(said).iter_rows()]
        unread = asked.drop("attempts").filter(~pl.Series(read, dtype=pl.Boolean))
        finding = within(Rate(unread.height, asked.height), (0.0, MOST_UNJUDGED), None, unread)
        return of_something(finding, rows.height)  # where rules decide all, nobody need be asked

    statement = "Nearly every row that the judge was asked about got a verdict on each phrase."
    return Check("nearly_all_are_judged", OBEDIENCE, statement, False, evaluate)


def _is_read(
    phrases: list[dict[str, str]],
    text: str | None,
    finish_reason: str | None,
    judged: list[str | None] | None,
) -> bool:
    """Whether each judge states a verdict on each phrase that rules left open."""
    if judged is not None:
        return not any(said and UNREAD in said for said in judged)
    asked = sum(phrase["by"] != BY_RULES for phrase in phrases)
    return text is not None and None not in parse_phrase_verdicts(text, asked, finish_reason)


def _judge_is_another_model(table: Table) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        judges = evidence.read(table, "judge", "judge_is_generator")
        return none_of(judges.filter(pl.col("judge_is_generator")).unique())

    statement = "The judge is not the model that wrote what it judges."
    check = Check("judge_is_another_model", table, statement, False, evaluate)
    return unless_made_up(check, table)


def _most_are_aligned() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(JUDGED_ALIGNMENT, "conversation_id", "source", "verdict")
        rows = rows.filter(pl.col("verdict").is_in([verdict.value for verdict in Alignment]))
        not_aligned = rows.filter(pl.col("verdict") != Alignment.ALIGNED.value)
        rate = Rate(rows.height - not_aligned.height, rows.height)
        return of_something(within(rate, (LEAST_ALIGNED, 1.0), None, not_aligned), rate.whole)

    statement = "Most new answers keep to their system message."
    return Check("most_are_aligned", JUDGED_ALIGNMENT, statement, False, evaluate)


def _new_answers_are_preferred() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        is_new = pl.col("verdict") == NEW
        return _compare_preferences(evidence, is_new, (LEAST_PREFERRED, 1.0), "source")

    statement = "Where the judge decides, it prefers the new answer at least as often."
    return Check("new_answers_are_preferred", JUDGED_PREFERENCES, statement, False, evaluate)


def _judge_has_no_favourite_place() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        is_first = pl.col("verdict") == pl.col("shown_first")
        return _compare_preferences(evidence, is_first, FIRST_PREFERRED, "shown_first")

    statement = "The judge prefers the answer shown first about as often as the other."
    return Check("judge_has_no_favourite_place", JUDGED_PREFERENCES, statement, False, evaluate)


def _compare_preferences(
    evidence: Evidence, condition: pl.Expr, bounds: tuple[float, float], by: str
) -> Finding:
    """Whether the share of preferences with `condition` is in `bounds`; shows counts by `by`."""
    rows = evidence.read(JUDGED_PREFERENCES, "source", "shown_first", "verdict")
    decided = rows.filter(pl.col("verdict").is_in([NEW, ORIGINAL]))
    # Halved: the two judgements of a conversation, one per order, are not independent.
    rate = Rate(decided.filter(condition).height // 2, decided.height // 2)
    counts = decided.group_by(by, "verdict").len().sort(by, "verdict")
    return of_something(within(rate, bounds, None, counts), rate.whole)


CHECKS = (
    _nearly_all_are_judged(JUDGED_PREFERENCES),
    _judge_is_another_model(JUDGED_PREFERENCES),
    with_worth(_new_answers_are_preferred(), Kind.PREFERENCE),
    _judge_has_no_favourite_place(),
    _nearly_every_phrase_is_judged(),
    _judge_is_another_model(OBEDIENCE),
    _nearly_all_are_judged(JUDGED_ALIGNMENT),
    _judge_is_another_model(JUDGED_ALIGNMENT),
    JUDGE_AGREES_WITH_LABELS,
    with_worth(_most_are_aligned(), Kind.ALIGNMENT),
)
