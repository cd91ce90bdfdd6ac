"""Training rows: for each conversation one chat per variant of the paper's sets and ablations.

A chat is the system message (S), the turns before the question, the question and an answer. The
turns before the question are the upstream ones, which were not written under S, or, with the new
answer, those that Phase 4 wrote anew under S (`exchanges: whole`). The column ``trained`` says
which messages a model is to learn. An upstream system turn is left out, as in Phase 4, because S
takes its place.

In the variant for models without a system role, S and a blank line stand at the start of the first
user turn, as S holds for the whole conversation (the paper's Table 7: at the start of the user
turn).
"""

import polars as pl

from sysgen_dagster.catalog.recipes import Training, Variant
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.tables.columns import MESSAGES
from sysgen_dagster.tables.table import Frame
from sysgen_dagster.training_sets.tables import TRAINING_ROWS

_S = pl.col("system_message")
# An answer, and what was thought before it.
_ORIGINAL = pl.col("answer"), pl.col("answer_reasoning")
_NEW = pl.col("new_answer"), pl.col("reasoning")
# The turns before the question, as they stand before an answer.
_UPSTREAM = pl.col("history")
UNDER_S = pl.coalesce("new_history", "history")
# The chats of these variants hold no text that the model wrote, so they can be made of
# conversations too that the model did not finish.
WITHOUT_MODEL_TEXT = (
    Variant.COMMON_SYSTEM_MESSAGE,
    Variant.NO_SYSTEM_MESSAGE,
    Variant.EMPTY_SYSTEM_MESSAGE,  # an export makes it of the one before
)


def build_training_rows(aligned: Frame, unfinished: Frame, settings: Training) -> Frame:
    """`tables.TRAINING_ROWS` of one model: one row per conversation and `catalog.Variant`.

    Args:
        aligned: One row per conversation that the model brought through all phases: ``question``,
            ``answer``, ``answer_reasoning``, ``history``, ``system_message``, ``new_answer``,
            ``new_history`` (null: the upstream one), ``reasoning`` (before the new answer) and the
            columns of the result without ``variant``, ``messages`` and ``trained``.
        unfinished: The other usable conversations, with the same columns, of which
            ``system_message`` and ``new_answer`` are not read. They go into the variants without
            text of the model, unless ``settings.same_conversations``.
        settings: Also hold the common system message.

    Returns:
        Variant after variant, each in the order of `aligned`, then of `unfinished`. No chat has an
        empty system turn: an empty system message leaves the turn out.
    """
    common = pl.lit(settings.common_system_message)
    chats = {
        Variant.SYSGEN: (build_prompt(_S, UNDER_S), *_NEW),
        Variant.ORIGINAL_ANSWER: (build_prompt(_S), *_ORIGINAL),
        Variant.COMMON_SYSTEM_MESSAGE: (build_prompt(common), *_ORIGINAL),
        Variant.NO_SYSTEM_MESSAGE: (_with_question(_UPSTREAM), *_ORIGINAL),
        Variant.USER_ROLE: (_prepend_to_first_user_turn(_S, UNDER_S), *_NEW),
    }
    variants = []
    for variant, (prompt, answer, thought) in chats.items():
        messages = pl.concat_list(prompt, build_turn(Role.ASSISTANT, answer))
        takes_all = variant in WITHOUT_MODEL_TEXT and not settings.same_conversations
        variants += [
            rows.with_columns(
                messages=messages,
                trained=_mark_trained(messages),
                variant=pl.lit(variant.value),
                reasoning=thought,
            ).select(TRAINING_ROWS.names)
            for rows in ([aligned, unfinished] if takes_all else [aligned])
        ]
    return pl.concat(variants)


def build_turn(role: Role, content: pl.Expr) -> pl.Expr:
    """One chat message."""
    return pl.struct(role=pl.lit(role.value), content=content)


def _mark_trained(chat: pl.Expr) -> pl.Expr:
    """For each message of a chat whether a model is to learn it.

    In the variants that others are compared with as many answers are learned as in the paper's.
    """
    role = pl.element().struct.field("role")
    is_last = pl.int_range(pl.len()) == pl.len() - 1
    # A greeting before the first question is no answer, and nobody writes it anew.
    is_answer = (role == Role.ASSISTANT.value) & (role == Role.USER.value).cum_max()
    is_anew = pl.col("new_history").is_not_null()
    return pl.when(is_anew).then(chat.list.eval(is_answer)).otherwise(chat.list.eval(is_last))


def build_prompt(system_message: pl.Expr, history: pl.Expr = _UPSTREAM) -> pl.Expr:
    """The chat up to the question: system (none where it is empty), history, user."""
    system = pl.concat_list(build_turn(Role.SYSTEM, system_message))
    no_turn = pl.lit([], dtype=MESSAGES)
    return pl.concat_list(
        pl.when(_is_written(system_message)).then(system).otherwise(no_turn),
        _with_question(history),
    )


def _is_written(text: pl.Expr) -> pl.Expr:
    # The separators U+001C to U+001F are blanks for Python, and so for chat templates.
    return text.str.contains(r"[^\s\x1c-\x1f]")


def _with_question(history: pl.Expr) -> pl.Expr:
    """The history without its system turns, and the question."""
    spoken = pl.element().struct.field("role") != Role.SYSTEM.value
    return pl.concat_list(history.list.filter(spoken), build_turn(Role.USER, pl.col("question")))


def _prepend_to_first_user_turn(text: pl.Expr, history: pl.Expr) -> pl.Expr:
    """The history and the question, with `text` at the start of the first user turn."""
    chat = _with_question(history)
    content = first_user_turn(chat)
    both = pl.when(_is_written(text)).then(text + "\n\n" + content).otherwise(content)
    return with_first_user_turn(chat, both)


def first_user_turn(chat: pl.Expr) -> pl.Expr:
    """What the first turn of the user says."""
    return chat.list.get(_at_first_user(chat), null_on_oob=True).struct.field("content")


def with_first_user_turn(chat: pl.Expr, content: pl.Expr) -> pl.Expr:
    """The chat with another text as the first turn of the user."""
    at = _at_first_user(chat)
    return pl.concat_list(
        chat.list.head(at), build_turn(Role.USER, content), chat.list.slice(at + 1)
    ).cast(MESSAGES)


def with_last_turn(chat: pl.Expr, turn: pl.Expr) -> pl.Expr:
    """The chat with another turn as its last."""
    return pl.concat_list(chat.list.head(chat.list.len() - 1), turn).cast(MESSAGES)


def _at_first_user(chat: pl.Expr) -> pl.Expr:
    is_user = pl.element().struct.field("role") == Role.USER.value
    return chat.list.eval(is_user).list.arg_max()
