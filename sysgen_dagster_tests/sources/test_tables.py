"""The tables of the sources."""

import polars as pl

from sysgen_dagster.sources.tables import SOURCE_ROW, SOURCE_ROWS, source_table
from sysgen_dagster.tables.table import By, Partition
from sysgen_dagster_tests.lanes.sysgen.frames import input_output_source, source


def test_a_source_table_has_the_upstream_columns_and_where_each_row_comes_from() -> None:
    assert source_table(input_output_source()).schema == {
        "source": pl.String(),
        "conversation": pl.List(pl.Struct({"input": pl.String(), "output": pl.String()})),
        "source_row": pl.UInt32(),
        "occurrence": pl.UInt32(),
        "source_revision": pl.String(),
        "unusable": pl.String(),
        "excluded_ids": pl.List(pl.String()),
    }


def test_the_columns_of_a_source_are_those_of_its_entry() -> None:
    entry = source(columns={"question": "string", "answer": "string", "type": "string"})

    assert source_table(entry).names == ["question", "answer", "type", *SOURCE_ROW]


def test_a_source_table_is_named_after_its_source_and_has_its_shards() -> None:
    table = source_table(source(name="chats"))

    assert (table.name, table.by, table.of_source) == ("source/chats", By.SHARD, "chats")


def test_where_a_row_comes_from_can_be_read_without_knowing_of_which_source_the_shard_is() -> None:
    at = Partition(shard="chats-003")

    assert SOURCE_ROWS.columns == SOURCE_ROW
    assert SOURCE_ROWS.file(at) == source_table(source(name="chats")).file(at)
    assert SOURCE_ROWS.file(at) == "source/chats/chats-003.parquet"
