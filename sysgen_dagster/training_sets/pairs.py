"""Preference pairs: the new answer is chosen, another answer to the same prompt is rejected.

The rejected answer is the original one, which was not written under the system message (S), or what
another model answered to the same question under its own S. The Multifaceted Collection (arXiv
2405.17977) rejects answers to other system messages too: such an answer may be good in itself, but
it follows other instructions. It is the other model's text, under that model's licence.
"""

import polars as pl

from sysgen_dagster.catalog.recipes import Rejected
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.training_sets.draws import draw_numbers
from sysgen_dagster.training_sets.rows import build_prompt, build_turn
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS


def build_preference_pairs(aligned: pl.DataFrame, foreign: pl.DataFrame) -> pl.DataFrame:
    """`tables.PREFERENCE_PAIRS` of one model: one row per conversation and kind of rejected answer.

    Args:
        aligned: One row per conversation that the model brought through all phases, with the
            columns that `build_training_rows` takes.
        foreign: The same of the other models: ``conversation_id``, ``model``, ``system_message``,
            ``new_answer``. Where several models could give the rejected answer, one is drawn for
            each conversation, so that the models alternate.

    Returns:
        The pairs that reject original answers, then those that reject other models' answers, each
        in the order of `aligned`. The two answers of a pair differ in more than blanks around them,
        and no answer is rejected that was written under the same system message.
    """
    original = aligned.with_columns(
        rejected_is=pl.lit(Rejected.ORIGINAL_ANSWER.value),
        rejected_model=pl.lit(None, dtype=pl.String),
        rejected_answer="answer",
    )
    other = aligned.join(
        _other_answers(aligned, foreign),
        on="conversation_id",
        maintain_order="left",
        validate="1:1",
    ).with_columns(rejected_is=pl.lit(Rejected.OTHER_SYSTEM_MESSAGE.value))
    pairs = pl.concat([original, other.select(original.columns)])
    return (
        pairs.filter(_differ("new_answer", "rejected_answer"))
        .with_columns(
            prompt=build_prompt(pl.col("system_message")),
            chosen=pl.concat_list(build_turn(Role.ASSISTANT, pl.col("new_answer"))),
            rejected=pl.concat_list(build_turn(Role.ASSISTANT, pl.col("rejected_answer"))),
        )
        .select(PREFERENCE_PAIRS.names)
    )


def _other_answers(aligned: pl.DataFrame, foreign: pl.DataFrame) -> pl.DataFrame:
    """``conversation_id``, ``rejected_model`` and ``rejected_answer``; at most one each."""
    theirs = foreign.select(
        "conversation_id",
        rejected_model="model",
        rejected_answer="new_answer",
        rejected_message="system_message",
    )
    own = aligned.select("conversation_id", "model", "system_message", "new_answer")
    possible = theirs.join(own, on="conversation_id").filter(
        pl.col("rejected_model") != pl.col("model"),
        _differ("system_message", "rejected_message"),
        _differ("new_answer", "rejected_answer"),
    )
    # Adding a model changes only the pairs for which that model is drawn.
    drawn = draw_numbers(possible["rejected_model"] + "/" + possible["conversation_id"], "rejected")
    return (
        possible.with_columns(drawn)
        .sort("draw", "rejected_model")
        .unique("conversation_id", keep="first", maintain_order=True)
        .select("conversation_id", "rejected_model", "rejected_answer")
    )


def _differ(one: str, other: str) -> pl.Expr:
    return pl.col(one).str.strip_chars() != pl.col(other).str.strip_chars()
