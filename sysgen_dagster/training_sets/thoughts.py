"""Thoughts in an exported chat: left out, in a field of the last message, or before its content.

Trainers do not agree. Chat templates of today read the field ``reasoning_content`` of a message,
which TRL and Axolotl hand to them; LLaMA-Factory, torchtune and open-instruct know a content alone.
"""

from dataclasses import replace

import polars as pl

from sysgen_dagster.catalog.recipes import Recipe, Thoughts
from sysgen_dagster.tables.table import Column, Table
from sysgen_dagster.training_sets.reviewed import with_review
from sysgen_dagster.training_sets.rows import with_last_turn
from sysgen_dagster.training_sets.tables import TRAINING_ROWS, table_of

_FIELD = "reasoning_content"
_WITH_FIELD = pl.List(pl.Struct({"role": pl.String(), "content": pl.String(), _FIELD: pl.String()}))


def exported_table(recipe: Recipe) -> Table:
    """The table of the rows of an export: as they are stored, with the thoughts where they go."""
    table = table_of(recipe)
    if table != TRAINING_ROWS:
        return with_review(table)
    columns = {name: column for name, column in table.columns.items() if name != "reasoning"}
    if recipe.thoughts is Thoughts.FIELD:
        columns["messages"] = Column(_WITH_FIELD, table.columns["messages"].description)
    return with_review(replace(table, columns=columns))


def place_thoughts(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """`exported_table(recipe)`, given rows of the recipe's table as `write_edits` gives them."""
    chat, last = pl.col("messages"), pl.col("messages").list.last().struct
    content = last.field("content")
    if recipe.thoughts is Thoughts.FIELD:
        without = pl.element().struct.with_fields(pl.lit(None, pl.String).alias(_FIELD))
        answer = pl.struct(
            last.field("role"), last.field("content"), pl.col("reasoning").alias(_FIELD)
        )
        before = chat.list.head(chat.list.len() - 1).list.eval(without).cast(_WITH_FIELD)
        rows = rows.with_columns(messages=pl.concat_list(before, answer))
    elif recipe.thoughts is Thoughts.IN_CONTENT:
        thought = pl.format("<think>\n{}\n</think>\n\n{}", "reasoning", content)
        said = pl.when(pl.col("reasoning").is_null()).then(content).otherwise(thought)
        answer = pl.struct(last.field("role"), said.alias("content"))
        rows = rows.with_columns(messages=with_last_turn(chat, answer))
    return rows.select(exported_table(recipe).names)
