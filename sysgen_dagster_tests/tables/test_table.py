"""The columns of every table, and what a frame must be to be stored."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.tables.table import (OF_NO_MODEL, TABLES, Column, TableError, kept, polars_schema, require_columns, source_columns)
from sysgen_dagster.sources.tables import SOURCE_ROW
from sysgen_dagster.defs.measures import STATISTICS
from sysgen_dagster_tests.lanes.sysgen.frames import input_output_source, source

COLUMNS = {"name": Column(pl.String(), "a name"), "count": Column(pl.UInt32(), "how many")}
FIX = "Make the table anew."


def checked(data: dict[str, Any], schema: dict[str, Any] | None = None) -> pl.DataFrame:
    return require_columns(pl.DataFrame(data, schema=schema), COLUMNS, "shard x-001", FIX)


def test_the_columns_come_in_stored_order_and_extra_ones_are_left_out() -> None:
    schema = {"extra": pl.Boolean, "count": pl.UInt32, "name": pl.String}
    frame = checked({"extra": [True], "count": [1], "name": ["a"]}, schema)

    assert frame.rows(named=True) == [{"name": "a", "count": 1}]
    assert list(frame.schema) == ["name", "count"]


def test_a_missing_column_is_named_with_the_table_the_columns_there_are_and_the_fix() -> None:
    with pytest.raises(TableError) as caught:
        checked({"name": ["a"], "counts": [1]})

    assert str(caught.value) == (
        "shard x-001 has no column 'count', only name, counts. Make the table anew."
    )


def test_a_column_of_another_type_is_named_with_both_types_and_the_fix() -> None:
    with pytest.raises(TableError) as caught:
        checked({"name": ["a"], "count": [1]})

    assert str(caught.value) == (
        "shard x-001 has 'count' as Int64, not as UInt32. Make the table anew."
    )


def test_a_column_of_nulls_without_a_type_is_refused() -> None:
    with pytest.raises(TableError, match="'name' as Null, not as String"):
        checked({"name": [None], "count": [1]})


def test_the_fields_of_a_list_of_records_are_part_of_its_type() -> None:
    columns = {"turns": Column(pl.List(pl.Struct({"input": pl.String()})), "exchanges")}
    frame = pl.DataFrame({"turns": [[{"output": "Hello"}]]})

    with pytest.raises(TableError, match=r"has 'turns' as List\(Struct\({'output': String}\)\)"):
        require_columns(frame, columns, "mine", FIX)


def test_kept_rows_are_those_without_a_drop_reason() -> None:
    frame = pl.DataFrame({"row": [1, 2, 3], "drop_reason": [None, "refused", None]})

    assert kept(frame)["row"].to_list() == [1, 3]


def test_a_source_table_has_the_upstream_columns_and_where_each_row_comes_from() -> None:
    columns = polars_schema(source_columns(input_output_source()))

    assert columns == {
        "source": pl.String(),
        "conversation": pl.List(pl.Struct({"input": pl.String(), "output": pl.String()})),
        "source_row": pl.UInt32(),
        "occurrence": pl.UInt32(),
        "source_revision": pl.String(),
    }


def test_the_columns_of_a_source_are_those_of_its_entry() -> None:
    entry = source(columns={"question": "string", "answer": "string", "type": "string"})

    assert list(source_columns(entry)) == ["question", "answer", "type", *SOURCE_ROW]


def test_the_tables_begin_with_the_conversations_and_the_four_phases() -> None:
    assert list(TABLES)[:5] == [
        "conversations",
        "annotated_system_messages",
        "filtered_system_messages",
        "verified_system_messages",
        "aligned_responses",
    ]


def test_statistics_are_tables_and_some_are_of_no_model() -> None:
    assert STATISTICS.keys() <= TABLES.keys()
    assert STATISTICS.keys() > OF_NO_MODEL


@pytest.mark.parametrize("table", list(TABLES)[:5])
def test_a_row_of_every_phase_says_which_conversation_it_is_and_why_it_does_not_go_on(
    table: str,
) -> None:
    assert list(TABLES[table])[:2] == ["conversation_id", "source"]
    assert TABLES[table]["drop_reason"].dtype == pl.String()


@pytest.mark.parametrize("table", TABLES)
def test_every_column_says_what_it_holds(table: str) -> None:
    assert [name for name, column in TABLES[table].items() if not column.description] == []


@pytest.mark.parametrize(
    "table", ["annotated_system_messages", "verified_system_messages", "aligned_responses"]
)
def test_what_a_model_wrote_can_be_traced_to_the_model_the_prompt_and_the_sampling(
    table: str,
) -> None:
    assert list(TABLES[table])[-15:] == [
        "finish_reason",
        "prompt_tokens",
        "completion_tokens",
        "attempts",
        "failure",
        "seed",
        "temperature",
        "max_tokens",
        "prompt_fingerprint",
        "model",
        "served_name",
        "model_revision",
        "engine",
        "system_message_folded",
        "characters_left_out",
    ]
