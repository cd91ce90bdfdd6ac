"""Rows as an export holds them: a chat that says of each message whether a trainer learns it.

``train`` stands in every message, as trainers that mask by message read it; the snippets of an
export set the others so that they learn the same. What was thought before the last answer is left
out, in a field of its message, or before its content: chat templates of today read the field
``reasoning_content``, which TRL and Axolotl hand to them; LLaMA-Factory, torchtune and
open-instruct know a content alone.
"""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from sysgen_dagster.catalog.recipes import Recipe, Thoughts, Variant
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.tables.columns import FLAG, MESSAGES, TEXT
from sysgen_dagster.tables.table import Column, Table
from sysgen_dagster.training_sets.layouts import lay_out, lay_out_table
from sysgen_dagster.training_sets.reviewed import with_review
from sysgen_dagster.training_sets.rows import build_turn
from sysgen_dagster.training_sets.tables import table_of

TRAIN = "train"
_THOUGHT = "reasoning_content"
# Variants that an export writes of the stored rows of another one.
_STORED_AS: Mapping[Variant, Variant] = {Variant.EMPTY_SYSTEM_MESSAGE: Variant.NO_SYSTEM_MESSAGE}


def stored_variant(variant: Variant) -> Variant:
    """The variant under which the rows of a recipe are stored."""
    return _STORED_AS.get(variant, variant)


def exported_table(recipe: Recipe) -> Table:
    """The table of the rows of an export: as they are stored, but for what messages say."""
    table = table_of(recipe)
    if recipe.rejected:
        columns = {name: of for name, of in table.columns.items() if name != "drop_reason"}
        return lay_out_table(with_review(replace(table, columns=columns)), recipe)
    left_out = ("reasoning", "trained")
    columns = {name: column for name, column in table.columns.items() if name not in left_out}
    message = {"role": TEXT, "content": TEXT, TRAIN: FLAG}
    if recipe.thoughts is Thoughts.FIELD:
        message[_THOUGHT] = TEXT
    said = f"{table.columns['messages'].description}; {TRAIN}: whether a model is to learn it"
    columns["messages"] = Column(pl.List(pl.Struct(message)), said)
    return lay_out_table(with_review(replace(table, columns=columns)), recipe)


def to_exported(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """`exported_table(recipe)`, given rows of the recipe's table as `write_edits` gives them.

    Rows that were stored before there was the column ``trained`` teach their last message.
    """
    table = exported_table(recipe)
    if recipe.rejected:
        return lay_out(rows, recipe).select(table.names)
    if recipe.variant is Variant.EMPTY_SYSTEM_MESSAGE:
        rows = _with_empty_system_turn(rows)
    said = rows.select(
        pl.int_range(pl.len()).alias("row"),
        "reasoning",
        "messages",
        pl.coalesce("trained", _only_last(pl.col("messages"))).alias(TRAIN),
        _only_last(pl.col("messages")).alias("is_last"),
    ).explode("messages", TRAIN, "is_last")
    thought = pl.when("is_last").then("reasoning")
    content = pl.col("messages").struct.field("content")
    if recipe.thoughts is Thoughts.IN_CONTENT:
        both = pl.format("<think>\n{}\n</think>\n\n{}", thought, content)
        content = pl.when(thought.is_null()).then(content).otherwise(both)
    fields = [pl.col("messages").struct.field("role"), content.alias("content"), pl.col(TRAIN)]
    if recipe.thoughts is Thoughts.FIELD:
        fields.append(thought.alias(_THOUGHT))
    chats = said.group_by("row", maintain_order=True).agg(pl.struct(fields).alias("messages"))
    return lay_out(rows.with_columns(chats["messages"]), recipe).select(table.names)


def _only_last(chat: pl.Expr) -> pl.Expr:
    """For each message of a chat whether it is the last."""
    return chat.list.eval(pl.int_range(pl.len()) == pl.len() - 1)


def _with_empty_system_turn(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with a system turn that says nothing, which nobody is to learn."""
    turn = pl.concat_list(build_turn(Role.SYSTEM, pl.lit("")))
    return rows.with_columns(
        messages=pl.concat_list(turn, "messages").cast(MESSAGES),
        trained=pl.concat_list(pl.lit([False], pl.List(pl.Boolean())), "trained"),
    )
