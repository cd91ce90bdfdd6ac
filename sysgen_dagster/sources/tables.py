"""The tables of upstream rows, one per source, and the table of conversations built from them."""

import polars as pl

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.tables.columns import COUNT, DROP_REASON, IDENTITY, MESSAGES, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Columns, Table

# The columns that every table of upstream rows has: where a row comes from.
SOURCE_ROW: Columns = {
    "source_row": Column(COUNT, "position of the row in the upstream file, from 0"),
    "occurrence": Column(COUNT, "number of earlier rows of the file with the same exchanges"),
    "source_revision": Column(TEXT, "commit on the Hub, or local:<sha256 of the file>"),
    "unusable": Column(
        TEXT, "why none of the row can be used, where its texts do not show it", is_new=True
    ),
    "excluded_ids": Column(
        pl.List(TEXT),
        "of a row whose texts were removed, as its owner asked: the ids of its conversations",
        is_new=True,
    ),
}

# Stands for the tables of all sources, where a check reads the common columns of any shard.
SOURCE_ROWS = Table("source/{source}", SOURCE_ROW, By.SHARD, Group.SOURCES)

# One row per conversation: a question, its answer and the earlier turns.
CONVERSATIONS = Table(
    "conversations",
    {
        **IDENTITY,
        "source_row": SOURCE_ROW["source_row"],
        "source_revision": SOURCE_ROW["source_revision"],
        "turn": Column(COUNT, "position of the exchange in its upstream row, from 0"),
        "history": Column(MESSAGES, "the turns before the question"),
        "original_system_message": Column(TEXT, "system message of the upstream row, kept as data"),
        "question": Column(TEXT, "the user's turn (the paper's Q)"),
        "answer": Column(TEXT, "the original answer (the paper's A)"),
        "answer_reasoning": Column(
            TEXT, "what was thought before the original answer; null if nothing", is_new=True
        ),
        "history_reasoning": Column(
            pl.List(TEXT),
            "what was thought before each turn of the history; null if nothing",
            is_new=True,
        ),
        "turns_joined": Column(
            COUNT,
            "turns of the upstream row that are joined with one of the same role before them, in "
            "history, question and answer; null: none",
            is_new=True,
        ),
        "turns_left_out": Column(
            COUNT,
            "turns of the upstream row that are in no conversation: an assistant's before anybody "
            "has asked, those of tools, and what depends on these; null: none",
            is_new=True,
        ),
        "duplicate_of": Column(
            TEXT, "conversation_id of the first upstream row with the same text"
        ),
        **DROP_REASON,
    },
    by=By.SHARD,
    group=Group.CONVERSATIONS,
)


def source_table(source: Source) -> Table:
    """The table of one source, one row per upstream row: upstream columns, then `SOURCE_ROW`."""
    columns = {**upstream_columns(source), **SOURCE_ROW}
    return Table(f"source/{source.name}", columns, By.SHARD, Group.SOURCES, of_source=source.name)


def upstream_columns(source: Source) -> Columns:
    """The columns of a source that its file has, in the order of the catalogue."""
    return {
        name: Column(_upstream_dtype(fields), "as in the upstream file; null: none, or no text")
        for name, fields in source.columns.items()
    }


def _upstream_dtype(fields: str | list[str]) -> pl.DataType:
    if isinstance(fields, str):
        return TEXT
    return pl.List(pl.Struct(dict.fromkeys(fields, pl.String())))
