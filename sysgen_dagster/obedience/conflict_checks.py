"""Checks of conflict turns: contracts of the table, and warnings about what was found.

The samples are small, so a warning is given only if the 99 % Wilson interval of a rate lies outside
the expected bounds.
"""

import polars as pl

from sysgen_dagster.obedience.conflict_counts import count_conflicts, helped, kept_under_conflict
from sysgen_dagster.obedience.conflicts import AGAINST, Side, Turn
from sysgen_dagster.obedience.tables import CONFLICT_TURNS
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

# Our choice: a message that a user can put out of force half of the time is none to rely on, and
# one that keeps a model from doing what it asks itself is a bad one.
LEAST_KEPT = 0.5
LEAST_HELPED = 0.8
_COUNTED = ("source", "rule", "turn", "has_system_message", "side", "is_refusal", "drop_reason")
_WANTED = sorted(
    (turn.value, has_message)
    for turn in Turn
    for has_message in ((True, False) if turn in AGAINST else (True,))
)


def _every_turn_is_there(evidence: Evidence) -> Finding:
    rows = evidence.read(CONFLICT_TURNS, "conversation_id", "turn", "has_system_message")
    turns = rows.group_by("conversation_id", maintain_order=True).agg(
        turns=pl.struct("turn", "has_system_message").sort()
    )
    wanted = [{"turn": turn, "has_system_message": has} for turn, has in _WANTED]
    return none_of(turns.filter([list(each) != wanted for each in turns["turns"].to_list()]))


def _every_answer_has_a_side(evidence: Evidence) -> Finding:
    rows = evidence.read(CONFLICT_TURNS, "conversation_id", "turn", "side", "drop_reason")
    is_known = pl.col("side").is_in([side.value for side in Side]).fill_null(value=False)
    return none_of(rows.filter(is_known != pl.col("drop_reason").is_null()))


def _messages_hold(evidence: Evidence) -> Finding:
    turns = evidence.read(CONFLICT_TURNS, "conversation_id", *_COUNTED)
    kept = kept_under_conflict(count_conflicts(turns))
    given_up = turns.filter(
        pl.col("has_system_message"),
        pl.col("turn").is_in([turn.value for turn in AGAINST]),
        pl.col("side").is_in([Side.USER.value, Side.NEITHER.value]),
    )
    # Halved: the two answers to a message that is put to the test are not independent.
    halved = Rate(kept.part // len(AGAINST), kept.whole // len(AGAINST))
    return _of_answers(within(halved, (LEAST_KEPT, 1.0), None, given_up), halved, turns)


def _messages_help(evidence: Evidence) -> Finding:
    turns = evidence.read(CONFLICT_TURNS, "conversation_id", *_COUNTED)
    does_not = pl.col("is_refusal") | (pl.col("side") != Side.MESSAGE.value)
    in_the_way = turns.filter(pl.col("turn") == Turn.ALIGNED.value, does_not)
    rate = helped(count_conflicts(turns))
    return _of_answers(within(rate, (LEAST_HELPED, 1.0), None, in_the_way), rate, turns)


def _of_answers(finding: Finding, rate: Rate, turns: pl.DataFrame) -> Finding:
    """A shard may have no message to put to the test, but answers without a side are no pass."""
    return finding if turns.is_empty() else of_something(finding, rate.whole)


CHECKS = (
    Check(
        "every_turn_is_there",
        CONFLICT_TURNS,
        "Each message that is put to the test has its six requests, once each.",
        True,
        _every_turn_is_there,
    ),
    Check(
        "every_answer_has_a_side",
        CONFLICT_TURNS,
        "Each answer has a side, or a drop reason.",
        True,
        _every_answer_has_a_side,
    ),
    *(
        unless_made_up(Check(name, CONFLICT_TURNS, statement, False, evaluate), CONFLICT_TURNS)
        for name, statement, evaluate in (
            (
                "messages_hold_under_conflict",
                "Where a user asks for the opposite, most answers keep to the message.",
                _messages_hold,
            ),
            (
                "messages_are_not_in_the_way",
                "Where a user asks for what the message says, nearly all answers do it.",
                _messages_help,
            ),
        )
    ),
)
