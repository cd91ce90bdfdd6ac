"""What a table is: its columns, its partitions, and what a frame must be to be stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.tables.table import (
    By,
    Column,
    Partition,
    Table,
    TableError,
    by_name,
    kept,
    polars_schema,
    require_columns,
)

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


# Tables


def table(by: By, name: str = "things", of_source: str | None = None) -> Table:
    return Table(name, COLUMNS, by, "a group", of_source)


def test_a_table_knows_its_columns_by_name_and_type() -> None:
    things = table(By.NOTHING)

    assert things.names == ["name", "count"]
    assert things.schema == polars_schema(COLUMNS)
    assert things.schema == {"name": pl.String(), "count": pl.UInt32()}


def test_the_empty_table_has_the_columns_and_no_rows() -> None:
    empty = table(By.NOTHING).empty()

    assert empty.schema == table(By.NOTHING).schema
    assert empty.is_empty()


def test_tables_are_the_same_if_they_have_the_same_name() -> None:
    other = Table("things", {}, By.MODEL, "another group")

    assert other == table(By.NOTHING)
    assert hash(other) == hash(table(By.NOTHING))
    assert table(By.NOTHING, "others") != table(By.NOTHING)


def test_tables_are_found_by_name_in_their_order() -> None:
    b, a = table(By.NOTHING, "b"), table(By.NOTHING, "a")

    assert list(by_name([b, a]).items()) == [("b", b), ("a", a)]


# Partitions

MODEL, SHARD, RECIPE, TRAINING = "phi-4", "open-chats-003", "small", "student-small"
SUBJECT = "phi-4-in-user-turn"
EVERYTHING = Partition(MODEL, SHARD, RECIPE, TRAINING, SUBJECT)


@pytest.mark.parametrize(
    ("at", "key"),
    [
        pytest.param(Partition(), None, id="nothing"),
        pytest.param(Partition(MODEL), "phi-4", id="model"),
        pytest.param(Partition(shard=SHARD), "open-chats-003", id="shard"),
        pytest.param(Partition(recipe=RECIPE), "small", id="recipe"),
        pytest.param(Partition(training=TRAINING), "student-small", id="training"),
        pytest.param(Partition(subject=SUBJECT), "phi-4-in-user-turn", id="subject"),
        pytest.param(Partition(MODEL, SHARD), "phi-4|open-chats-003", id="model-and-shard"),
        pytest.param(
            EVERYTHING,
            "phi-4|small|open-chats-003|phi-4-in-user-turn|student-small",
            id="by-the-dimensions-names",
        ),
    ],
)
def test_a_key_is_what_dagster_makes_of_the_dimensions(at: Partition, key: str | None) -> None:
    assert at.key == key


# What a table is partitioned by: its partition in `EVERYTHING`, where that is stored, its label.
PLACES = {
    By.NOTHING: (Partition(), "things/all.parquet", "things"),
    By.MODEL: (Partition(MODEL), "things/phi-4.parquet", "things for phi-4"),
    By.SHARD: (
        Partition(shard=SHARD),
        "things/open-chats-003.parquet",
        "things for open-chats-003",
    ),
    By.MODEL_SHARD: (
        Partition(MODEL, SHARD),
        "things/model=phi-4/open-chats-003.parquet",
        "things for phi-4|open-chats-003",
    ),
    By.RECIPE: (Partition(recipe=RECIPE), "things/small.parquet", "things for small"),
    By.TRAINING: (
        Partition(training=TRAINING),
        "things/student-small.parquet",
        "things for student-small",
    ),
    By.SUBJECT: (
        Partition(subject=SUBJECT),
        "things/phi-4-in-user-turn.parquet",
        "things for phi-4-in-user-turn",
    ),
}


def every_kind() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("by", By, ids=lambda by: by.name)


@every_kind()
def test_a_partition_is_found_in_one_that_names_more_dimensions(by: By) -> None:
    at, _, _ = PLACES[by]

    assert table(by).partition(EVERYTHING) == at
    assert table(by).partition(at) == at


@every_kind()
def test_a_partition_has_a_file_and_a_label(by: By) -> None:
    at, file, label = PLACES[by]

    for place in (at, EVERYTHING):
        assert table(by).file(place) == file
        assert table(by).label(place) == label


@every_kind()
def test_a_partition_is_found_by_its_key(by: By) -> None:
    at, _, _ = PLACES[by]

    assert table(by).partition_of(at.key) == at


@pytest.mark.parametrize(
    ("by", "key"),
    [
        pytest.param(By.NOTHING, "phi-4", id="a-key-of-a-table-without-partitions"),
        pytest.param(By.MODEL, None, id="no-key"),
        pytest.param(By.MODEL, "phi-4|open-chats-003", id="one-dimension-too-many"),
        pytest.param(By.MODEL_SHARD, "phi-4", id="one-dimension-too-few"),
    ],
)
def test_a_key_of_another_kind_of_table_is_no_partition(by: By, key: str | None) -> None:
    with pytest.raises(ValueError, match="zip"):
        table(by).partition_of(key)


@pytest.mark.parametrize(
    ("by", "at", "missing"),
    [
        pytest.param(By.MODEL, Partition(shard=SHARD), "model", id="model"),
        pytest.param(By.SHARD, Partition(MODEL), "shard", id="shard"),
        pytest.param(By.RECIPE, Partition(MODEL, SHARD), "recipe", id="recipe"),
        pytest.param(By.MODEL_SHARD, Partition(MODEL), "shard", id="one-of-two"),
        pytest.param(By.MODEL_SHARD, Partition(), "model and shard", id="both"),
    ],
)
def test_the_error_for_an_incomplete_partition_names_the_table_and_the_dimension(
    by: By, at: Partition, missing: str
) -> None:
    for ask in (table(by).partition, table(by).file, table(by).label):
        with pytest.raises(TableError) as caught:
            ask(at)

        assert str(caught.value) == f"things has a partition for each {missing}: name it"


def test_the_table_of_the_source_that_a_shard_is_of_is_found_by_the_shard() -> None:
    assert table(By.SHARD, "source/{source}").file(EVERYTHING) == (
        "source/open-chats/open-chats-003.parquet"
    )


@dataclass(frozen=True)
class Deployment:
    """Two models, two sources and a recipe."""

    partition_values: Mapping[str, list[str]] = field(
        default_factory=lambda: {
            "model": ["phi-4", "llama"],
            "recipe": ["small"],
            "shard": ["b-000", "b-001", "a-000"],
        }
    )

    def shards(self, source: str) -> list[str]:
        return [shard for shard in self.partition_values["shard"] if shard.startswith(f"{source}-")]


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        pytest.param(By.NOTHING, [None], id="nothing"),
        pytest.param(By.MODEL, ["phi-4", "llama"], id="model"),
        pytest.param(By.SHARD, ["b-000", "b-001", "a-000"], id="shard"),
        pytest.param(
            By.MODEL_SHARD,
            [
                f"{model}|{shard}"
                for model in ("phi-4", "llama")
                for shard in ("b-000", "b-001", "a-000")
            ],
            id="model-and-shard",
        ),
        pytest.param(By.RECIPE, ["small"], id="recipe"),
    ],
)
def test_the_partitions_of_a_deployment_come_in_the_order_of_its_values(
    by: By, keys: list[str | None]
) -> None:
    assert [at.key for at in table(by).partitions(Deployment())] == keys


def test_a_table_of_one_source_has_the_shards_of_that_source() -> None:
    own = table(By.SHARD, "source/b", of_source="b").partitions(Deployment())

    assert [at.key for at in own] == ["b-000", "b-001"]
