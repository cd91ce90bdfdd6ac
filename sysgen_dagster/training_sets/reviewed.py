"""What reviewers decided, in mixtures and exports: rejected rows are left out, edits are written.

A row keeps its id, and in an export says that it was accepted or edited. Its flags, tags and split
stay those of the texts that the model wrote.
"""

from dataclasses import replace

import polars as pl

from sysgen_dagster.catalog.recipes import Recipe, Rejected, Variant
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.columns import MESSAGES, TEXT
from sysgen_dagster.tables.table import Column, Table
from sysgen_dagster.training_sets.rows import (
    build_turn,
    first_user_turn,
    with_first_user_turn,
    with_last_turn,
)

_KEY = ["model", "conversation_id"]
_IS_OF_CONFLICT = pl.col("rejected_is") == Rejected.FOLLOWED_USER.value
ACCEPTED, EDITED, REJECTED = "accepted", "edited", "rejected"
# What of a row was decided, one row per conversation of a model: the texts that the reviewer saw,
# and those that he wrote (null: none).
DECIDED = pl.Schema(
    {
        "model": TEXT,
        "conversation_id": TEXT,
        "choice": TEXT,  # accepted or rejected
        "shown_message": TEXT,
        "shown_answer": TEXT,
        "system_message": TEXT,
        "new_answer": TEXT,
    }
)
_REVIEWED = Column(TEXT, "accepted or edited by a reviewer; null: no reviewer has decided")
_WITH_MESSAGE = (Variant.SYSGEN, Variant.ORIGINAL_ANSWER, Variant.USER_ROLE)
_WITH_NEW_ANSWER = (Variant.SYSGEN, Variant.USER_ROLE)


def with_review(table: Table) -> Table:
    """The table of exported rows, with what reviewers decided."""
    return replace(table, columns={**table.columns, "reviewed": _REVIEWED})


def without_rejected(rows: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """The rows that no reviewer has rejected."""
    return rows.join(decided.filter(choice=REJECTED), on=_KEY, how="anti", maintain_order="left")


def only_accepted(rows: pl.DataFrame, decided: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Those that a reviewer has accepted, where the recipe asks for it; else all of them.

    Of pairs those whose texts he saw: they need ``rejected_is``, ``prompt`` and ``chosen``.
    """
    if recipe.reviewed is None:
        return rows
    if not recipe.rejected:
        return of_accepted(rows, decided)
    accepted = rows.join(decided.filter(choice=ACCEPTED), on=_KEY, maintain_order="left")
    return accepted.filter(_was_shown(recipe)).select(rows.columns)


def of_accepted(rows: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """The rows of conversations that a reviewer has accepted, whichever texts they hold."""
    return rows.join(decided.filter(choice=ACCEPTED), on=_KEY, how="semi", maintain_order="left")


def write_edits(
    rows: pl.DataFrame, decided: pl.DataFrame, recipe: Recipe, where: str
) -> pl.DataFrame:
    """The rows of one model and shard as they are exported, with the column ``reviewed``.

    Args:
        rows: In the form of the recipe.
        decided: `DECIDED` of the same model and shard.
        recipe: Which texts a row holds follows from it: an edit of another text changes nothing.
        where: The stored rows, for the error message.

    Raises:
        StoreError: A row that was edited holds other texts than the reviewer saw.
    """
    takes_message, takes_answer = texts_of(recipe)
    edits = decided.with_columns(
        new_message=pl.col("system_message") if takes_message else pl.lit(None, TEXT),
        written_answer=pl.col("new_answer") if takes_answer else pl.lit(None, TEXT),
    ).drop("system_message", "new_answer")
    joined = rows.join(edits, on=_KEY, how="left", maintain_order="left")
    is_edited = pl.any_horizontal(pl.col("new_message", "written_answer").is_not_null())
    if recipe.rejected:  # answers to a conflict turn were held to the message as it was
        joined = joined.filter(~(is_edited & _IS_OF_CONFLICT))
    written = _write_pairs(joined) if recipe.rejected else _write_chats(joined, recipe)
    others = joined.filter(is_edited, ~_was_shown(recipe))
    if others.height:
        raise StoreError(
            f"{where} holds other texts of {others['conversation_id'][0]} than the reviewer saw: "
            "it is older than what it is made from. Materialize it again"
        )
    says = pl.when(is_edited).then(pl.lit(EDITED)).when(_was_shown(recipe)).then("choice")
    exported = written.with_columns(reviewed=says)
    if recipe.rejected:  # a pair must not reject what it chooses
        chosen, rejected = (_last_text(name).str.strip_chars() for name in ("chosen", "rejected"))
        exported = exported.filter(~is_edited | (chosen != rejected))
    return exported.select(*rows.columns, "reviewed")


def texts_of(recipe: Recipe) -> tuple[bool, bool]:
    """Whether the rows of a recipe hold the system message, and the new answer."""
    if recipe.rejected:
        return True, True
    return recipe.variant in _WITH_MESSAGE, recipe.variant in _WITH_NEW_ANSWER


def _was_shown(recipe: Recipe) -> pl.Expr:
    """Whether a row holds what the reviewer saw, who is shown no answers to conflict turns."""
    holds = _holds_what_was_shown(recipe)
    return ~_IS_OF_CONFLICT & holds if recipe.rejected else holds


def _last_text(turns: str) -> pl.Expr:
    return pl.col(turns).list.last().struct.field("content")


def _holds_what_was_shown(recipe: Recipe) -> pl.Expr:
    chat = pl.col("prompt" if recipe.rejected else "messages")
    first = chat.list.first().struct.field("content")
    message, answer = pl.col("shown_message"), pl.col("shown_answer")
    takes_message, takes_answer = texts_of(recipe)
    holds = pl.lit(value=True)
    if takes_answer:
        holds &= _last_text("chosen" if recipe.rejected else "messages") == answer
    if takes_message and not recipe.rejected and recipe.variant is Variant.USER_ROLE:
        holds &= first_user_turn(chat).str.starts_with(message + "\n\n")
    elif takes_message:
        holds &= first == message
    return holds.fill_null(value=False)


def _write_chats(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """The chats with the edited texts, and no thoughts before an answer that nobody thought."""
    chat, answer = pl.col("messages"), pl.col("written_answer")
    if recipe.variant is Variant.USER_ROLE:
        rows = rows.with_columns(messages=_with_message_in_user_turn(chat))
    else:
        rows = rows.with_columns(messages=_with_system_turn(chat))
    edited = with_last_turn(chat, build_turn(Role.ASSISTANT, answer))
    return rows.with_columns(
        messages=pl.when(answer.is_not_null()).then(edited).otherwise(chat),
        reasoning=pl.when(answer.is_null()).then("reasoning"),
    )


def _write_pairs(rows: pl.DataFrame) -> pl.DataFrame:
    answer = pl.col("written_answer")
    edited = pl.concat_list(build_turn(Role.ASSISTANT, answer)).cast(MESSAGES)
    return rows.with_columns(
        prompt=_with_system_turn(pl.col("prompt")),
        chosen=pl.when(answer.is_not_null()).then(edited).otherwise("chosen"),
    )


def _with_system_turn(chat: pl.Expr) -> pl.Expr:
    """The chat with the edited message as its system turn, which is its first."""
    message = pl.col("new_message")
    edited = pl.concat_list(build_turn(Role.SYSTEM, message), chat.list.slice(1)).cast(MESSAGES)
    return pl.when(message.is_not_null()).then(edited).otherwise(chat)


def _with_message_in_user_turn(chat: pl.Expr) -> pl.Expr:
    """The chat with the edited message at the start of its first user turn."""
    message = pl.col("new_message")
    rest = first_user_turn(chat).str.strip_prefix(pl.col("shown_message"))
    edited = with_first_user_turn(chat, message + rest)
    return pl.when(message.is_not_null()).then(edited).otherwise(chat)
