"""How the rows of an export hold their texts, other than as chats and pairs of turns.

``reward``: ``chosen`` and ``rejected`` are whole chats, which end with the answers; there is no
column ``prompt``. ``published``: the columns of the Multifaceted Collection, or of its sets of
pairs, in their order and with their types. They stand first, and what those sets do not have stands
after them.

The columns are those that the cards of ``kaist-ai/Multifaceted-Collection`` and ``-ORPO`` declare.
The card of ``-RM`` declares others: ``input``, ``chosen`` and ``rejected``, all text.
"""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from sysgen_dagster.catalog.recipes import Layout, Recipe
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.tables.columns import TEXT
from sysgen_dagster.tables.table import Column, Table
from sysgen_dagster.training_sets.tables import PUBLISHED

_SOURCES = ("main_source", "original_source")
_ASKED = {
    "system": Column(TEXT, "the system message"),
    "prompt": Column(TEXT, "the instruction"),
}
_OUTPUT = {"output": Column(TEXT, "the answer under the system message")}
# The published lists name the content before the role.
_EXCHANGE = pl.List(pl.Struct({"content": pl.String(), "role": pl.String()}))
_ANSWERS = {
    "chosen": Column(_EXCHANGE, "the instruction, then the answer that is preferred"),
    "rejected": Column(_EXCHANGE, "the instruction, then the answer that is not"),
}
# In the order in which the published sets have them; the sets of pairs lack the preferences.
_PUBLISHED_ROWS = {**PUBLISHED, **_ASKED, **_OUTPUT}
_PUBLISHED_PAIRS = {**{name: PUBLISHED[name] for name in _SOURCES}, **_ASKED, **_ANSWERS}
_TURNS = ("messages", "prompt", "chosen", "rejected")  # columns of chats and pairs


def lay_out_table(table: Table, recipe: Recipe) -> Table:
    """The columns of an export in the layout of the recipe, given those of chats or pairs."""
    columns = dict(table.columns)
    if recipe.layout is Layout.REWARD:
        del columns["prompt"]
        for name in ("chosen", "rejected"):
            said = columns[name].description.replace("the assistant's turn", "the chat")
            columns[name] = replace(columns[name], description=f"{said}, from its first turn on")
    if recipe.layout is Layout.PUBLISHED:
        published = _PUBLISHED_PAIRS if recipe.rejected else _PUBLISHED_ROWS
        others = {n: of for n, of in columns.items() if n not in (*published, *_TURNS)}
        columns = {**published, **others}
    return replace(table, columns=columns)


def lay_out(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Rows with chats or pairs, with the columns of the recipe's layout in their place."""
    if recipe.layout is Layout.REWARD:
        return rows.with_columns(
            pl.concat_list("prompt", name).alias(name) for name in ("chosen", "rejected")
        )
    if recipe.layout is Layout.PUBLISHED:
        return rows.with_columns(**_as_published(recipe))
    return rows


def _as_published(recipe: Recipe) -> Mapping[str, pl.Expr]:
    """The published columns that are made of turns.

    Each chat of the second lane is a system, a user and an assistant turn.
    """
    chat = pl.col("prompt" if recipe.rejected else "messages")
    instruction = _content(chat, 1)
    asked = {"system": _content(chat, 0), "prompt": instruction}
    if not recipe.rejected:
        return {**asked, "output": _content(chat, 2)}
    return {
        **asked,
        **{
            name: pl.concat_list(
                _turn(Role.USER, instruction), _turn(Role.ASSISTANT, _content(pl.col(name), 0))
            )
            for name in _ANSWERS
        },
    }


def _content(chat: pl.Expr, turn: int) -> pl.Expr:
    return chat.list.get(turn).struct.field("content")


def _turn(role: Role, content: pl.Expr) -> pl.Expr:
    """A turn of `_EXCHANGE`."""
    return pl.struct(content=content, role=pl.lit(role.value))
