"""How the rows of an export hold their texts, other than as chats and pairs of turns.

``reward``: ``chosen`` and ``rejected`` are whole chats, which end with the answers; there is no
column ``prompt``. ``published``: the columns of the Multifaceted Collection and its sets of pairs:
``system``, ``prompt``, and ``output`` or ``chosen`` and ``rejected`` are text. They stand first,
and what says where a row comes from stands after them.
"""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from sysgen_dagster.catalog.recipes import Layout, Recipe
from sysgen_dagster.tables.columns import TEXT
from sysgen_dagster.tables.table import Column, Table
from sysgen_dagster.training_sets.tables import PUBLISHED

_ASKED = {
    "system": Column(TEXT, "the system message"),
    "prompt": Column(TEXT, "the instruction"),
}
_OUTPUT = {"output": Column(TEXT, "the answer under the system message")}
_ANSWERS = {
    "chosen": Column(TEXT, "the answer that is preferred"),
    "rejected": Column(TEXT, "the answer that is not"),
}
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
        columns = {
            **PUBLISHED,
            **_ASKED,
            **(_ANSWERS if recipe.rejected else _OUTPUT),
            **{n: of for n, of in columns.items() if n not in (*PUBLISHED, *_TURNS)},
        }
    return replace(table, columns=columns)


def lay_out(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Rows with chats or pairs, with the columns of the recipe's layout in their place."""
    if recipe.layout is Layout.REWARD:
        return rows.with_columns(
            pl.concat_list("prompt", name).alias(name) for name in ("chosen", "rejected")
        )
    if recipe.layout is Layout.PUBLISHED:
        return rows.with_columns(**_as_text(recipe))
    return rows


def _as_text(recipe: Recipe) -> Mapping[str, pl.Expr]:
    """The columns of text; each chat of the second lane is a system, a user, an assistant turn."""
    chat = pl.col("prompt" if recipe.rejected else "messages")
    asked = {"system": _content(chat, 0), "prompt": _content(chat, 1)}
    if recipe.rejected:
        return {**asked, **{name: _content(pl.col(name), 0) for name in _ANSWERS}}
    return {**asked, "output": _content(chat, 2)}


def _content(chat: pl.Expr, turn: int) -> pl.Expr:
    return chat.list.get(turn).struct.field("content")
