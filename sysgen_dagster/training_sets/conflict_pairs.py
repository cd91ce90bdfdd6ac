"""Preference pairs of conflict turns: a user asks for the opposite of what the message says.

Chosen is an answer that keeps to the message, rejected one that breaks it. Rules have found both,
and no judge was asked. The rejected answer was written without the message, so it does what the
user wants; where that one happens to keep to the message, it is the answer under the message, if
that gave in.
"""

import polars as pl

from sysgen_dagster.catalog.recipes import Rejected
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.obedience.conflicts import AGAINST, Side, Turn
from sysgen_dagster.training_sets.draws import draw_numbers
from sysgen_dagster.training_sets.flags import flag_answers_to_conflicts
from sysgen_dagster.training_sets.pairs import (
    CHOSEN_BREAKS,
    SAME_ANSWER,
    count_verdicts,
    differ,
)
from sysgen_dagster.training_sets.rows import build_turn

_KEEPS = (pl.col("side") == Side.MESSAGE.value) & ~pl.col("is_refusal")
_BREAKS = pl.col("side").is_in([Side.USER.value, Side.NEITHER.value]) & ~pl.col("is_refusal")
_WITH_MESSAGE = pl.col("has_system_message")
_ID = "conversation_id"


def compare_conflict_answers(aligned: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """`tables.PREFERENCE_PAIRS` with those that are left out, and why in the column ``left_out``.

    One row per conversation with a turn that asks for the opposite and has both answers, in the
    order of `aligned`. The chosen answer is the one to the same turn; where that did not keep to
    the message, or breaks another phrase of it, it is the one to the turn that asks for what the
    message says, which answers the same question. Where both turns give a pair, one is drawn. A row
    is left out where neither does: a phrase is known that the chosen answer does not obey, or the
    two differ in blanks around them at most.

    Args:
        aligned: One row per conversation, with the columns of `tables.PREFERENCE_PAIRS` that say
            where it comes from, and ``phrases`` of the system message.
        turns: `obedience.tables.CONFLICT_TURNS` of the same model.
    """
    possible = aligned.join(_find_answers(turns), on=_ID, maintain_order="left_right")
    counted = count_verdicts(possible, pl.concat_list("chosen_answer"), "phrases_")
    drawn = (
        counted.with_columns(
            left_out=pl.when(pl.col("phrases_not_obeyed") > 0)
            .then(pl.lit(CHOSEN_BREAKS))
            .when(~differ("chosen_answer", "rejected_answer"))
            .then(pl.lit(SAME_ANSWER)),
        )
        .sort(pl.col("left_out").is_not_null(), maintain_order=True)
        .unique(_ID, keep="first", maintain_order=True)
    )
    pairs = aligned.select(_ID).join(drawn, on=_ID, maintain_order="left", validate="1:1")
    return pairs.with_columns(
        flag_answers_to_conflicts(pairs),
        rejected_is=pl.lit(Rejected.FOLLOWED_USER.value),
        rejected_model=pl.col("model"),
        chosen=pl.concat_list(build_turn(Role.ASSISTANT, pl.col("chosen_answer"))),
        rejected=pl.concat_list(build_turn(Role.ASSISTANT, pl.col("rejected_answer"))),
        rejected_not_obeyed=pl.lit(1, dtype=pl.UInt32),  # the phrase that the turn is about
    )


def _find_answers(turns: pl.DataFrame) -> pl.DataFrame:
    """The answers to choose, each with one to reject and the ``prompt``, in the order of a draw."""
    against = turns.filter(pl.col("turn").is_in([turn.value for turn in AGAINST]))
    asked = against.filter(_WITH_MESSAGE).select(_ID, "turn", "prompt")
    held = _answers(turns.filter(_WITH_MESSAGE, turn=Turn.ALIGNED.value), _KEEPS, "held")
    found = (
        asked.join(_answers(against.filter(_WITH_MESSAGE), _KEEPS, "kept"), _KEY, "left")
        .join(held.drop("turn"), on=_ID, how="left")
        .join(_answers(against.filter(~_WITH_MESSAGE), _BREAKS, "followed"), _KEY, "left")
        .join(_answers(against.filter(_WITH_MESSAGE), _BREAKS, "gave_in"), _KEY, "left")
        .select(
            *(_ID, "turn", "prompt"),
            chosen_answer=pl.concat_list("kept", "held"),
            rejected_answer=pl.coalesce("followed", "gave_in"),
        )
        .explode("chosen_answer")
        .drop_nulls()
    )
    draws = draw_numbers(found["turn"] + "/" + found[_ID], Rejected.FOLLOWED_USER.value)
    return found.with_columns(draws).sort("draw", "turn", maintain_order=True).drop("draw", "turn")


_KEY = [_ID, "turn"]


def _answers(turns: pl.DataFrame, condition: pl.Expr, name: str) -> pl.DataFrame:
    """The answers of which the condition holds, by conversation and turn."""
    return turns.filter(condition).select(_ID, "turn", pl.col("answer").alias(name))
