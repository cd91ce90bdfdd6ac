"""Training rows: for each conversation one chat per variant of the paper's sets and ablations.

A chat is the system message, the turns before the question, the question and an answer. The turns
before it are the upstream ones, in every variant: they were not written under S, and whether a
trainer learns from the assistant's among them is for its loss mask to say. An upstream system turn
is left out, as in Phase 4: S stands in its place.

The variant for models without a system role has S and a blank line at the start of the first user
turn (the paper's Table 7: at the start of the user turn), as S holds for the whole conversation.
"""

from collections.abc import Mapping

import polars as pl

from sysgen_dagster.catalog.recipes import Training, Variant
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.tables.columns import MESSAGES
from sysgen_dagster.tables.table import Frame
from sysgen_dagster.training_sets.tables import TRAINING_ROWS

_S, _OLD, _NEW = pl.col("system_message"), pl.col("answer"), pl.col("new_answer")
_NO_TURN = pl.lit([], dtype=MESSAGES)
# What makes these is not the model's, so they can be had of conversations that it did not finish.
_WITHOUT_S = (Variant.COMMON_SYSTEM_MESSAGE, Variant.NO_SYSTEM_MESSAGE)


def build_training_rows(aligned: Frame, others: Frame, settings: Training) -> Frame:
    """`tables.TRAINING_ROWS` of one model: one row per conversation and `catalog.Variant`.

    Args:
        aligned: One row per conversation that the model brought to the end: ``question``,
            ``answer``, ``history``, ``system_message``, ``new_answer`` and the columns of the
            result without ``variant`` and ``messages``.
        others: The usable conversations that it did not, with the same columns, of which
            ``system_message`` and ``new_answer`` are not read. Only used for the variants without
            S, and only where `settings` do not ask for the same conversations in all variants.
        settings: Says so, and holds the common system message.

    Returns:
        Variant after variant, each in the order of `aligned`, then of `others`. No chat has an
        empty system turn: an empty system message leaves the turn out.
    """
    beyond = others.clear() if settings.same_conversations else others
    variants = []
    for variant, messages in _variants(settings.common_system_message).items():
        of = [aligned, beyond] if variant in _WITHOUT_S else [aligned]
        made = [
            rows.with_columns(messages=messages, variant=pl.lit(variant.value)).select(
                TRAINING_ROWS.names
            )
            for rows in of
        ]
        variants += made
    return pl.concat(variants)


def _variants(common_system_message: str) -> Mapping[Variant, pl.Expr]:
    common = pl.lit(common_system_message, dtype=pl.String)
    return {
        Variant.SYSGEN: pl.concat_list(build_prompt(_S), build_turn(Role.ASSISTANT, _NEW)),
        Variant.ORIGINAL_ANSWER: pl.concat_list(build_prompt(_S), build_turn(Role.ASSISTANT, _OLD)),
        Variant.COMMON_SYSTEM_MESSAGE: pl.concat_list(
            build_prompt(common), build_turn(Role.ASSISTANT, _OLD)
        ),
        Variant.NO_SYSTEM_MESSAGE: pl.concat_list(_asked(), build_turn(Role.ASSISTANT, _OLD)),
        Variant.USER_ROLE: pl.concat_list(_folded(_S), build_turn(Role.ASSISTANT, _NEW)),
    }


def build_turn(role: Role, content: pl.Expr) -> pl.Expr:
    """One chat message."""
    return pl.struct(role=pl.lit(role.value), content=content)


def build_prompt(system_message: pl.Expr) -> pl.Expr:
    """The chat up to the question: system (none where it is empty), history, user."""
    system = pl.concat_list(build_turn(Role.SYSTEM, system_message))
    given = pl.when(_is_written(system_message)).then(system).otherwise(_NO_TURN)
    return pl.concat_list(given, _asked())


def _is_written(text: pl.Expr) -> pl.Expr:
    return text.str.strip_chars() != ""


def _asked() -> pl.Expr:
    """The history and the question."""
    spoken = pl.element().struct.field("role") != Role.SYSTEM.value
    return pl.concat_list(
        pl.col("history").list.filter(spoken), build_turn(Role.USER, pl.col("question"))
    )


def _folded(system_message: pl.Expr) -> pl.Expr:
    """The history and the question, with the system message in the first user turn."""
    chat = _asked()
    is_user = pl.element().struct.field("role") == Role.USER.value
    first = chat.list.eval(is_user).list.arg_max()
    content = chat.list.get(first).struct.field("content")
    written = _is_written(system_message)
    both = pl.when(written).then(system_message + "\n\n" + content).otherwise(content)
    return pl.concat_list(
        chat.list.head(first), build_turn(Role.USER, both), chat.list.slice(first + 1)
    )
