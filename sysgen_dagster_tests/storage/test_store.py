"""The files of our own tables: whole or not there, and never read as what they are not."""

import random
import time
from dataclasses import replace
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.tables import ALIGNED, RETENTION
from sysgen_dagster.sources.tables import CONVERSATIONS, SOURCE_ROWS
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import By, Column, Partition, Table, TableError
from sysgen_dagster_tests.storage.tables import TABLES

NOTES = Table(
    "notes",
    {
        "conversation_id": Column(pl.String(), "which"),
        "length": Column(pl.UInt32(), "how long"),
        "drop_reason": Column(pl.String(), "why not"),
    },
    By.SHARD,
    "trial",
)
NOTES_OF_MODELS = replace(NOTES, by=By.MODEL_SHARD)
FIRST, FIRST_OF_PHI = Partition(shard="chats-000"), Partition("phi-4", "chats-000")
TWO_ROWS = pl.DataFrame(
    {"conversation_id": ["a", "b"], "length": [1, 2], "drop_reason": [None, "timeout"]},
    schema=NOTES.schema,
)
MANY_ROWS = 300_000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


def something(dtype: pl.DataType) -> Any:
    """A value of a type that a table has."""
    if isinstance(dtype, pl.List):
        inner = dtype.inner
        if not isinstance(inner, pl.Struct):
            return [something(dtype.inner), None, something(dtype.inner)]
        return [{field.name: f"{field.name} 語\r\n\0" for field in inner.fields}] * 2
    values = {pl.String: "A<<b>> 😀", pl.Boolean: True, pl.Float64: 0.1, pl.Int64: -(2**62)}
    return values.get(type(dtype), 2**32 - 1)


def fill(store: Store, content: bytes) -> Path:
    """The path of a partition whose file holds `content`."""
    path = store.path(NOTES_OF_MODELS, FIRST_OF_PHI)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("lazy", [False, True], ids=["whole", "in pieces"])
@pytest.mark.parametrize("table", [SOURCE_ROWS, *TABLES.values()], ids=lambda table: table.name)
def test_what_is_written_is_read(store: Store, table: Table, lazy: bool) -> None:
    full = {name: something(dtype) for name, dtype in table.schema.items()}
    rows = pl.DataFrame([full, dict.fromkeys(full), full], schema=table.schema)
    at = Partition("phi-4", "chats-000", "sysgen")
    store.write(table, at, rows.lazy() if lazy else rows)
    read = store.read(table, at)
    assert (read.schema, read.rows()) == (rows.schema, rows.rows())


def test_a_file_without_a_column_that_is_new_is_read_with_nulls_there(store: Store) -> None:
    store.write(NOTES, FIRST, TWO_ROWS)
    younger = Column(pl.String(), "in which language", is_new=True)
    grown = replace(NOTES, columns={**NOTES.columns, "language": younger})
    read = store.read(grown, FIRST)
    assert (read.columns, read["language"].to_list()) == (grown.names, [None, None])
    alone = store.read(grown, FIRST, "language")
    assert (alone.schema, alone.height) == ({"language": pl.String}, 2)
    with pytest.raises(TableError, match="'language'"):
        store.write(grown, FIRST, TWO_ROWS)


def test_pieces_keep_the_order_of_the_rows(store: Store) -> None:
    many = TWO_ROWS.select(
        pl.col("conversation_id", "drop_reason").repeat_by(MANY_ROWS // 2).explode(),
        length=pl.int_range(MANY_ROWS, dtype=pl.UInt32),
    )
    store.write(NOTES, FIRST, many.lazy())
    assert store.read(NOTES, FIRST).equals(many.select(NOTES.names))


def test_pieces_without_a_column_are_refused_before_anything_is_written(store: Store) -> None:
    with pytest.raises(TableError, match="the new notes has no column 'length'"):
        store.write(NOTES, FIRST, TWO_ROWS.drop("length").lazy())
    assert not store.path(NOTES, FIRST).exists()


def test_a_table_without_rows_keeps_its_columns(store: Store) -> None:
    store.write(NOTES, FIRST, TWO_ROWS.clear())
    assert store.read(NOTES, FIRST).schema == TWO_ROWS.schema


@pytest.mark.parametrize(
    ("table", "at", "path"),
    [
        (CONVERSATIONS, Partition(shard="capybara-000"), "conversations/capybara-000.parquet"),
        (
            SOURCE_ROWS,
            Partition(shard="capybara-005"),
            "source/capybara/capybara-005.parquet",
        ),
        (ALIGNED, Partition("phi-4", "a-1"), "aligned_responses/model=phi-4/a-1.parquet"),
        (RETENTION, Partition("llama-3.1-8b"), "retention/llama-3.1-8b.parquet"),
    ],
)
def test_a_partition_is_one_file_by_table_model_and_shard(
    store: Store, table: Table, at: Partition, path: str
) -> None:
    written = store.write(replace(table, columns=NOTES.columns), at, TWO_ROWS)
    assert written == store.path(table, at) == store.root / path
    assert [each for each in store.root.rglob("*") if each.is_file()] == [written]


def test_columns_are_read_as_asked_and_in_that_order(store: Store) -> None:
    store.write(NOTES, FIRST, TWO_ROWS)
    assert store.read(NOTES, FIRST, "length", "conversation_id").to_dict(as_series=False) == {
        "length": [1, 2],
        "conversation_id": ["a", "b"],
    }


def test_columns_that_a_table_does_not_declare_are_not_written(store: Store) -> None:
    path = store.write(NOTES, FIRST, TWO_ROWS.with_columns(more=pl.lit(1)))
    assert pl.read_parquet_schema(path).keys() == NOTES.columns.keys()


def test_a_column_is_read_from_the_file_and_not_from_the_name_of_its_folder(store: Store) -> None:
    table = replace(NOTES_OF_MODELS, columns={"model": Column(pl.String(), "the model")})
    frame = pl.DataFrame({"model": ["as it was written"]})
    store.write(table, FIRST_OF_PHI, frame)
    assert store.read(table, FIRST_OF_PHI).equals(frame)


def test_writing_again_replaces(store: Store) -> None:
    store.write(NOTES, FIRST, TWO_ROWS)
    store.write(NOTES, FIRST, TWO_ROWS.head(1))
    assert store.read(NOTES, FIRST).equals(TWO_ROWS.head(1))


def test_the_partitions_of_models_and_shards_are_apart(store: Store) -> None:
    for length, (shard, model) in enumerate([("a-000", "x"), ("a-000", "y"), ("a-001", "x")]):
        rows = TWO_ROWS.with_columns(length=pl.lit(length, pl.UInt32))
        store.write(NOTES_OF_MODELS, Partition(model, shard), rows)
    for model, length in (("x", 0), ("y", 1)):
        read = store.read(NOTES_OF_MODELS, Partition(model, "a-000"))
        assert read["length"].to_list() == [length, length]


def test_the_shards_of_a_table_are_listed_sorted_by_model(store: Store) -> None:
    for shard, model in [("b-001", "x"), ("b-000", "x"), ("a-000", "x"), ("c-000", "y")]:
        store.write(NOTES_OF_MODELS, Partition(model, shard), TWO_ROWS)
    path = store.path(NOTES_OF_MODELS, Partition("x", "d-000"))
    path.with_name(".d-000.parquet.123.tmp").touch()
    assert store.shards(NOTES_OF_MODELS, "x") == ["a-000", "b-000", "b-001"]
    assert store.shards(NOTES_OF_MODELS, "nobody") == store.shards(NOTES) == []
    assert store.shards(replace(NOTES, name="nothing")) == []


def test_a_partition_that_was_never_written_is_named_and_to_be_materialized(store: Store) -> None:
    with pytest.raises(StoreError) as error:
        store.read(ALIGNED, FIRST_OF_PHI)
    assert str(error.value) == (
        "aligned_responses for phi-4|chats-000 is not materialized "
        f"({store.path(ALIGNED, FIRST_OF_PHI)} is missing). "
        "Materialize it first"
    )


DAMAGES = {
    "empty": lambda whole: b"",
    "only its head": lambda whole: whole[:4],
    "first half": lambda whole: whole[: len(whole) // 2],
    "all but the end": lambda whole: whole[:-1],
    "second half": lambda whole: whole[len(whole) // 2 :],
    "zeros": lambda whole: bytes(len(whole)),
    "zeros in the middle": lambda whole: whole[:4] + bytes(len(whole) - 12) + whole[-8:],
    "text": lambda whole: b'{"conversation_id": "a"}\n',
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_to_be_materialized_again(store: Store, damage: str) -> None:
    whole = store.write(replace(NOTES, name="other"), FIRST, TWO_ROWS).read_bytes()
    path = fill(store, DAMAGES[damage](whole))
    with pytest.raises(StoreError) as error:
        store.read(NOTES_OF_MODELS, FIRST_OF_PHI)
    message = str(error.value)
    assert message.startswith(f"notes for phi-4|chats-000 cannot be read, {path} is damaged (")
    assert message.endswith("). Materialize it again")


@pytest.mark.parametrize(
    ("stored", "fault"),
    [
        (TWO_ROWS.drop("length"), "has no column 'length', only conversation_id, drop_reason"),
        (TWO_ROWS.cast({"length": pl.Int64}), "has 'length' as Int64, not as UInt32"),
    ],
    ids=["missing", "wrong type"],
)
def test_a_file_with_other_columns_is_named_and_to_be_materialized_again(
    store: Store, stored: pl.DataFrame, fault: str
) -> None:
    path = store.path(NOTES, FIRST)
    path.parent.mkdir(parents=True)
    stored.write_parquet(path)
    with pytest.raises(TableError) as error:
        store.read(NOTES, FIRST)
    assert str(error.value) == f"notes for chats-000 ({path}) {fault}. Materialize it again"


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        (TWO_ROWS.drop("drop_reason"), "has no column 'drop_reason', only conversation_id, length"),
        (TWO_ROWS.cast({"length": pl.String}), "has 'length' as String, not as UInt32"),
    ],
    ids=["missing", "wrong type"],
)
def test_a_frame_with_other_columns_is_not_written_and_the_old_one_stays(
    store: Store, new: pl.DataFrame, fault: str
) -> None:
    path = store.write(NOTES, FIRST, TWO_ROWS)
    with pytest.raises(TableError) as error:
        store.write(NOTES, FIRST, new)
    assert str(error.value) == f"the new notes {fault}. Correct the code that made it"
    assert store.read(NOTES, FIRST).equals(TWO_ROWS)
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_nothing(store: Store) -> None:
    path = store.path(NOTES, FIRST)
    path.mkdir(parents=True)  # a folder cannot be replaced by a file
    with pytest.raises(StoreError, match=r"chats-000.*something else is in its place"):
        store.write(NOTES, FIRST, TWO_ROWS)
    assert list(path.parent.iterdir()) == [path]


def write_without_end(root: Path, told: Connection) -> None:
    """Write generation after generation, each a frame that holds its number throughout."""
    numbers = pl.Series("length", range(MANY_ROWS), dtype=pl.UInt32)
    ids = numbers.cast(pl.String).alias("conversation_id")
    for generation in count():
        frame = pl.DataFrame([ids, numbers]).with_columns(drop_reason=pl.lit(str(generation)))
        Store(root).write(NOTES, FIRST, frame)
        told.send(generation)


def killed_while_writing(root: Path, seconds: float) -> int:
    """The last generation that was said to be written before SIGKILL."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=write_without_end, args=(root, theirs))
    process.start()
    theirs.close()
    last = ours.recv()
    time.sleep(seconds)
    process.kill()
    process.join()
    try:
        while True:
            last = ours.recv()
    except EOFError:
        ours.close()
        process.close()
        return last


def test_a_process_killed_while_writing_leaves_the_old_partition_or_the_new_one(
    store: Store,
) -> None:
    moments = random.Random(11)
    for _ in range(5):
        last = killed_while_writing(store.root, moments.uniform(0, 0.2))
        read = store.read(NOTES, FIRST)
        (generation,) = read["drop_reason"].unique()
        assert int(generation) in (last, last + 1)
        assert read["length"].equals(pl.Series("length", range(MANY_ROWS), dtype=pl.UInt32))
    path = store.path(NOTES, FIRST)
    left = [each.name for each in path.parent.iterdir() if each != path]
    assert left, "no kill came while a file was written: this test has shown nothing"
    assert all(name.startswith(".") for name in left)
    assert store.shards(NOTES) == ["chats-000"]


def test_the_temporary_file_of_a_killed_process_does_not_disturb(store: Store) -> None:
    path = store.path(NOTES, FIRST)
    path.parent.mkdir(parents=True)
    path.with_name(f".{path.name}.1.tmp").write_bytes(b"half a file")
    store.write(NOTES, FIRST, TWO_ROWS)
    assert store.read(NOTES, FIRST).equals(TWO_ROWS)


@pytest.mark.parametrize("folder", ["run[1]", "run*"])
def test_a_folder_may_have_any_name(tmp_path: Path, folder: str) -> None:
    for name in ("run2", folder):
        Store(tmp_path / name).write(NOTES, FIRST, TWO_ROWS)
    assert Store(tmp_path / folder).read(NOTES, FIRST).equals(TWO_ROWS)


def test_the_exclusions_are_the_ids_of_a_file_or_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.excluded() == frozenset()
    store.exclusions.write_text("a-0\nb-1\n\n")
    assert store.excluded() == {"a-0", "b-1"}
