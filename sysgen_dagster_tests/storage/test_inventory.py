"""What is stored, file by file: what it is, and what is wrong with it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.storage.inventory import INVENTORY, inventory, partitions
from sysgen_dagster.storage.store import Store, StoreUnavailableError, open_store
from sysgen_dagster.tables.table import TABLES, polars_schema, source_columns
from sysgen_dagster_tests.storage.s3_server import new_bucket, running_s3

CATALOG = load_catalog(FULL_CATALOG)
MODEL, SHARD = "phi-4", "capybara-000"
PHASE = "aligned_responses"


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


def put(store: Store, table: str, shard: str, model: str | None = None, rows: int = 2) -> None:
    frame = pl.DataFrame(schema=polars_schema(TABLES[table])).clear(rows)
    store.write(table, TABLES[table], shard, frame, model)


def only_row(store: Store) -> dict[str, object]:
    [row] = inventory(store, CATALOG).to_dicts()
    return row


def test_a_stored_file_is_told_by_its_table_model_shard_and_footer(store: Store) -> None:
    put(store, PHASE, SHARD, MODEL, rows=3)
    row = only_row(store)
    path = store.path(PHASE, SHARD, MODEL)
    age = datetime.now(UTC) - row.pop("modified")  # type: ignore[operator]
    assert abs(age.total_seconds()) < 3_600
    assert row == {
        "table": PHASE,
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
    ("table", "stored_as", "told"),
    [
        ("conversations", SHARD, (None, SHARD, SHARD)),
        ("retention", MODEL, (MODEL, None, MODEL)),
        ("splits", "all", (None, None, None)),
        ("contamination", "all", (None, None, None)),
        ("mixtures", "sysgen", (None, None, "sysgen")),
    ],
)
def test_a_table_without_model_or_shard_says_so(
    store: Store, table: str, stored_as: str, told: tuple[str | None, ...]
) -> None:
    put(store, table, stored_as)
    row = only_row(store)
    assert (row["model"], row["shard"], row["partition"]) == told
    assert row["state"] == "whole"


def test_a_source_is_a_table_of_its_upstream_columns(store: Store) -> None:
    columns = source_columns(CATALOG.sources["capybara"])
    frame = pl.DataFrame(schema=polars_schema(columns))
    store.write("source/capybara", columns, SHARD, frame)
    row = only_row(store)
    assert (row["table"], row["partition"], row["state"]) == ("source/capybara", SHARD, "whole")


def test_where_nothing_is_stored_the_inventory_is_empty(store: Store) -> None:
    assert inventory(store, CATALOG).schema == INVENTORY
    assert inventory(store, CATALOG).is_empty()


def test_a_file_that_is_no_parquet_is_damaged(store: Store) -> None:
    put(store, PHASE, SHARD, MODEL)
    path = store.path(PHASE, SHARD, MODEL)
    path.write_bytes(path.read_bytes()[:200])
    row = only_row(store)
    assert (row["state"], row["rows"], row["bytes"]) == ("damaged", None, 200)
    assert "out of specification" in str(row["detail"])


def test_columns_of_another_release_are_named(store: Store) -> None:
    put(store, PHASE, SHARD, MODEL)
    path = store.path(PHASE, SHARD, MODEL)
    older = pl.DataFrame(schema=polars_schema(TABLES[PHASE])).drop("engine")
    other = older.with_columns(pl.col("attempts").cast(pl.Int64), more=pl.lit(1))
    path.write_bytes(b"")
    other.write_parquet(str(path), credential_provider=None)
    row = only_row(store)
    assert row["state"] == "other_columns"
    assert row["detail"] == "no engine; attempts is Int64, not UInt32"


def test_a_column_more_does_no_harm(folder: Store) -> None:
    path = folder.path(PHASE, SHARD, MODEL)
    path.parent.mkdir(parents=True)
    newer = pl.DataFrame(schema=polars_schema(TABLES[PHASE])).with_columns(more=pl.lit(1))
    newer.write_parquet(path)
    assert only_row(folder)["state"] == "whole"


@pytest.mark.parametrize(
    ("table", "stored_as", "model", "gone"),
    [
        (PHASE, SHARD, "phi-3", "aligned_responses for phi-3|capybara-000"),
        (PHASE, "capybara-999", MODEL, "aligned_responses for phi-4|capybara-999"),
        ("conversations", "alpaca-000", None, "conversations for alpaca-000"),
        ("retention", "phi-3", None, "retention for phi-3"),
        ("mixtures", "other", None, "mixtures for other"),
    ],
)
def test_what_the_catalogue_does_not_name_any_more_is_told(
    folder: Store, table: str, stored_as: str, model: str | None, gone: str
) -> None:
    put(folder, table, stored_as, model)
    row = only_row(folder)
    assert (row["state"], row["detail"]) == ("not_in_catalog", f"the catalogue has no {gone}")


def test_a_source_that_is_gone_is_told(folder: Store) -> None:
    path = folder.root / "source" / "alpaca" / "alpaca-000.parquet"
    path.parent.mkdir(parents=True)
    pl.DataFrame({"text": ["a"], "source_row": [0]}).write_parquet(path)
    assert only_row(folder)["state"] == "not_in_catalog"


def test_what_is_somebody_else_s_or_only_a_link_is_not_listed(folder: Store) -> None:
    theirs = folder.root / "source" / "mine" / "upstream.parquet"
    theirs.parent.mkdir(parents=True)
    pl.DataFrame({"question": ["a"], "answer": ["b"]}).write_parquet(theirs)
    assert inventory(folder, CATALOG).is_empty()
    ours = folder.root / "aligned_responses" / "model=phi-4"
    frame = pl.DataFrame(schema=polars_schema(TABLES["aligned_responses"]))
    folder.write("aligned_responses", TABLES["aligned_responses"], SHARD, frame, "phi-4")
    ours.with_name("model=old").symlink_to(ours)
    assert only_row(folder)["model"] == "phi-4"


def test_what_a_killed_writer_left_is_told(folder: Store) -> None:
    put(folder, PHASE, SHARD, MODEL)
    path = folder.path(PHASE, SHARD, MODEL)
    path.rename(path.with_name(f".{path.name}.{os.getpid()}.tmp"))
    row = only_row(folder)
    assert (row["state"], row["partition"]) == ("left_over", f"{MODEL}|{SHARD}")


def test_files_that_are_not_ours_are_not_listed(folder: Store) -> None:
    put(folder, PHASE, SHARD, MODEL)
    mine = folder.root / "my_rows" / "capybara.parquet"
    mine.parent.mkdir()
    for path in (mine, folder.root / PHASE / "notes.txt", folder.root / PHASE / ".notes.tmp"):
        path.write_bytes(b"")
    assert only_row(folder)["table"] == PHASE


def test_each_partition_has_a_file_of_its_own(folder: Store) -> None:
    paths = [str(each.path(folder)) for each in partitions(CATALOG)]
    assert len(set(paths)) == len(paths)


def test_object_storage_that_does_not_answer_is_no_empty_inventory(
    s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(f"{new_bucket(s3)}/here")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreUnavailableError):
        inventory(store, CATALOG)
