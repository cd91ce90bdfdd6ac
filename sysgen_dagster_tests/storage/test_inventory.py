"""What is stored, file by file: what it is, and what is wrong with it."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.analysis.tables import CONTAMINATION, ROW_QUALITY
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, RETENTION
from sysgen_dagster.sources.tables import CONVERSATIONS, source_table
from sysgen_dagster.storage.inventory import INVENTORY, inventory
from sysgen_dagster.storage.store import Store, StoreUnavailableError, open_store
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster.training_sets.tables import MIXTURES, SPLITS
from sysgen_dagster_tests.storage import tables
from sysgen_dagster_tests.storage.s3_server import new_bucket, running_s3

CATALOG = load_catalog(FULL_CATALOG)
CAPYBARA = source_table(CATALOG.sources["capybara"])
TABLES = [*map(source_table, CATALOG.sources.values()), *tables.TABLES.values()]
MODEL, SHARD = "phi-4", "capybara-000"
AT = Partition(MODEL, SHARD)


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with running_s3() as address:
        yield address


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, folder: Store, s3: str) -> Store:
    """The same in a folder and in object storage."""
    return folder if request.param == "folder" else open_store(f"{new_bucket(s3)}/here")


def put(store: Store, table: Table, at: Partition, rows: int = 2) -> None:
    store.write(table, at, table.empty().clear(rows))


def only_row(store: Store) -> dict[str, object]:
    [row] = inventory(store, CATALOG, TABLES).to_dicts()
    return row


def test_a_file_from_before_a_younger_column_is_whole(folder: Store) -> None:
    younger = [name for name, column in ROW_QUALITY.columns.items() if column.is_new]
    before = {name: each for name, each in ROW_QUALITY.columns.items() if name not in younger}
    put(folder, replace(ROW_QUALITY, columns=before), AT)
    assert younger
    assert only_row(folder)["state"] == "whole"


def test_a_stored_file_is_listed_with_its_table_model_shard_and_footer(store: Store) -> None:
    put(store, ALIGNED, AT, rows=3)
    row = only_row(store)
    path = store.path(ALIGNED, AT)
    age = datetime.now(UTC) - row.pop("modified")  # type: ignore[operator]
    assert abs(age.total_seconds()) < 3_600
    assert row == {
        "table": ALIGNED.name,
        "model": MODEL,
        "shard": SHARD,
        "partition": f"{MODEL}|{SHARD}",
        "state": "whole",
        "detail": "",
        "rows": 3,
        "bytes": path.stat().st_size,
        "path": str(path),
    }


@pytest.mark.parametrize(
    ("table", "at", "told"),
    [
        (CONVERSATIONS, Partition(shard=SHARD), (None, SHARD, SHARD)),
        (RETENTION, Partition(MODEL), (MODEL, None, MODEL)),
        (SPLITS, Partition(), (None, None, None)),
        (CONTAMINATION, Partition(), (None, None, None)),
        (MIXTURES, Partition(recipe="sysgen"), (None, None, "sysgen")),
    ],
)
def test_a_table_without_model_or_shard_says_so(
    store: Store, table: Table, at: Partition, told: tuple[str | None, ...]
) -> None:
    put(store, table, at)
    row = only_row(store)
    assert (row["model"], row["shard"], row["partition"]) == told
    assert row["state"] == "whole"


def test_a_source_is_a_table_of_its_upstream_columns(store: Store) -> None:
    store.write(CAPYBARA, Partition(shard=SHARD), CAPYBARA.empty())
    row = only_row(store)
    assert (row["table"], row["partition"], row["state"]) == ("source/capybara", SHARD, "whole")


def test_where_nothing_is_stored_the_inventory_is_empty(store: Store) -> None:
    assert inventory(store, CATALOG, TABLES).schema == INVENTORY
    assert inventory(store, CATALOG, TABLES).is_empty()


def test_a_file_that_is_no_parquet_is_damaged(store: Store) -> None:
    put(store, ALIGNED, AT)
    path = store.path(ALIGNED, AT)
    path.write_bytes(path.read_bytes()[:200])
    row = only_row(store)
    assert (row["state"], row["rows"], row["bytes"]) == ("damaged", None, 200)
    assert "out of specification" in str(row["detail"])


def test_columns_of_another_release_are_named(store: Store) -> None:
    put(store, ALIGNED, AT)
    path = store.path(ALIGNED, AT)
    older = ALIGNED.empty().drop("engine")
    other = older.with_columns(pl.col("attempts").cast(pl.Int64), more=pl.lit(1))
    path.write_bytes(b"")
    other.write_parquet(str(path), credential_provider=None)
    row = only_row(store)
    assert row["state"] == "other_columns"
    assert row["detail"] == "attempts is Int64, not UInt32; no engine"


def test_a_column_more_does_no_harm(folder: Store) -> None:
    path = folder.path(ALIGNED, AT)
    path.parent.mkdir(parents=True)
    newer = ALIGNED.empty().with_columns(more=pl.lit(1))
    newer.write_parquet(path)
    assert only_row(folder)["state"] == "whole"


@pytest.mark.parametrize(
    ("table", "at", "gone"),
    [
        (ALIGNED, Partition("phi-3", SHARD), "aligned_responses for phi-3|capybara-000"),
        (ALIGNED, Partition(MODEL, "capybara-999"), "aligned_responses for phi-4|capybara-999"),
        (CONVERSATIONS, Partition(shard="alpaca-000"), "conversations for alpaca-000"),
        (RETENTION, Partition("phi-3"), "retention for phi-3"),
        (MIXTURES, Partition(recipe="other"), "mixtures for other"),
    ],
)
def test_a_partition_that_the_catalogue_no_longer_has_is_listed_as_such(
    folder: Store, table: Table, at: Partition, gone: str
) -> None:
    put(folder, table, at)
    row = only_row(folder)
    assert (row["state"], row["detail"]) == ("not_in_catalog", f"the catalogue has no {gone}")


def test_a_file_of_a_removed_source_is_listed_as_not_in_the_catalogue(folder: Store) -> None:
    path = folder.root / "source" / "alpaca" / "alpaca-000.parquet"
    path.parent.mkdir(parents=True)
    pl.DataFrame({"text": ["a"], "source_row": [0]}).write_parquet(path)
    assert only_row(folder)["state"] == "not_in_catalog"


def test_foreign_files_and_symbolic_links_are_not_listed(folder: Store) -> None:
    theirs = folder.root / "source" / "mine" / "upstream.parquet"
    theirs.parent.mkdir(parents=True)
    pl.DataFrame({"question": ["a"], "answer": ["b"]}).write_parquet(theirs)
    assert inventory(folder, CATALOG, TABLES).is_empty()
    ours = folder.root / "aligned_responses" / "model=phi-4"
    folder.write(ALIGNED, AT, ALIGNED.empty())
    ours.with_name("model=old").symlink_to(ours)
    assert only_row(folder)["model"] == "phi-4"


def test_the_temporary_file_of_a_killed_writer_is_listed_as_left_over(folder: Store) -> None:
    put(folder, ALIGNED, AT)
    path = folder.path(ALIGNED, AT)
    path.rename(path.with_name(f".{path.name}.{os.getpid()}.tmp"))
    row = only_row(folder)
    assert (row["state"], row["partition"]) == ("left_over", f"{MODEL}|{SHARD}")


def test_files_that_are_not_ours_are_not_listed(folder: Store) -> None:
    put(folder, ALIGNED, AT)
    mine = folder.root / "my_rows" / "capybara.parquet"
    mine.parent.mkdir()
    beside = folder.root / ALIGNED.name
    for path in (mine, beside / "notes.txt", beside / ".notes.tmp"):
        path.write_bytes(b"")
    assert only_row(folder)["table"] == ALIGNED.name


def test_each_partition_has_a_file_of_its_own(folder: Store) -> None:
    paths = [str(folder.path(table, at)) for table in TABLES for at in table.partitions(CATALOG)]
    assert len(set(paths)) == len(paths)


def test_object_storage_that_does_not_answer_is_no_empty_inventory(
    s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(f"{new_bucket(s3)}/here")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreUnavailableError):
        inventory(store, CATALOG, TABLES)
