"""What is stored is read as it was written, or named: damage and refusals are told apart."""

import errno
import os
import random
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage import parquet
from sysgen_dagster.storage.store import Store, StoreError, StoreUnavailableError
from sysgen_dagster.tables.digests import DamagedFileError
from sysgen_dagster.tables.table import Partition, Table, TableError
from sysgen_dagster_tests.storage.tables import TABLES

FLIPS = 300
AT = Partition("phi-4", "chats-000", "sysgen")
DOES: dict[str, Callable[[Store, Path], object]] = {
    "read": lambda store, _: store.read(CONVERSATIONS, AT),
    "scan": lambda _, path: parquet.scan(path),
    "write": lambda store, _: store.write(CONVERSATIONS, AT, rows_of(CONVERSATIONS)),
}


def rows_of(table: Table, count: int = 200) -> pl.DataFrame:
    """Rows in which every text is another one."""
    ids = pl.DataFrame({name: [f"{name} {n}" for n in range(count)] for name in table.schema})
    texts = [name for name, dtype in table.schema.items() if dtype == pl.String]
    return ids.select(
        pl.col(name) if name in texts else pl.lit(None, dtype).alias(name)
        for name, dtype in table.schema.items()
    )


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("name", ["conversations", "splits", "mixtures", "forecast"])
def test_no_flipped_bit_of_a_table_is_read_as_something_else(tmp_path: Path, name: str) -> None:
    store, table = Store(tmp_path), TABLES[name]
    path = store.write(table, AT, written := rows_of(table))
    content = path.read_bytes()
    damaged = 0
    for bit in random.Random(3).sample(range(len(content) * 8), FLIPS):
        path.write_bytes(flipped(content, bit))
        try:
            assert store.read(table, AT).equals(written)
        except StoreError as error:
            damaged += "is damaged" in str(error)
    assert damaged > FLIPS * 0.95


def test_no_flipped_bit_in_a_file_without_digests_makes_polars_panic(tmp_path: Path) -> None:
    """Files of older versions have none; they are read, or named, and the process goes on."""
    store = Store(tmp_path)
    path = store.path(CONVERSATIONS, AT)
    assert isinstance(path, Path)
    path.parent.mkdir()
    rows_of(CONVERSATIONS).write_parquet(path)
    content = path.read_bytes()
    for bit in random.Random(4).sample(range(len(content) * 8), FLIPS):
        path.write_bytes(flipped(content, bit))
        try:
            store.read(CONVERSATIONS, AT)
        except (StoreError, TableError):
            continue


def test_rows_that_are_read_later_are_compared_first(tmp_path: Path) -> None:
    path = Store(tmp_path).write(CONVERSATIONS, AT, rows_of(CONVERSATIONS).lazy())
    assert isinstance(path, Path)
    content = path.read_bytes()
    path.write_bytes(flipped(content, 100 * 8))
    with pytest.raises(DamagedFileError):
        parquet.scan(path)


def test_a_footer_is_read_although_rows_are_damaged(tmp_path: Path) -> None:
    path = Store(tmp_path).write(CONVERSATIONS, AT, rows_of(CONVERSATIONS))
    assert isinstance(path, Path)
    path.write_bytes(flipped(path.read_bytes(), 100 * 8))
    assert parquet.read_footer(path) == (CONVERSATIONS.schema, 200)


def test_too_many_open_files_are_no_damage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(CONVERSATIONS, AT, rows_of(CONVERSATIONS))
    used, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    following = os.open(tmp_path, os.O_RDONLY)
    os.close(following)
    resource.setrlimit(resource.RLIMIT_NOFILE, (following, hard))
    try:
        with pytest.raises(StoreUnavailableError, match=r"ulimit -n") as reading:
            store.read(CONVERSATIONS, AT)
        with pytest.raises(StoreUnavailableError, match=r"ulimit -n"):
            store.write(CONVERSATIONS, AT, rows_of(CONVERSATIONS))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
    assert "damaged" not in str(reading.value)
    assert store.read(CONVERSATIONS, AT).height == 200


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENOSPC, errno.ESTALE])
@pytest.mark.parametrize("does", DOES)
def test_what_the_system_refuses_is_no_damage_and_leaves_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, number: int
) -> None:
    store = Store(tmp_path)
    path = store.write(CONVERSATIONS, AT, rows_of(CONVERSATIONS))
    assert isinstance(path, Path)
    with monkeypatch.context() as patched:

        def refuse(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        patched.setattr(os, "pread", refuse)
        patched.setattr(pl.LazyFrame, "sink_parquet", refuse)
        with pytest.raises((StoreError, OSError)) as refused:
            DOES[does](store, path)
    assert "damaged" not in str(refused.value)
    assert store.read(CONVERSATIONS, AT).height == 200
    assert [each.name for each in tmp_path.rglob("*.tmp")] == []


def test_a_disk_that_is_full_in_mid_file_is_said_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Polars raises it as an error of its own."""

    def fill(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError("parquet: underlying IO error: No space (os error 28)")

    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", fill)
    with pytest.raises(StoreUnavailableError, match="its disk is full"):
        Store(tmp_path).write(CONVERSATIONS, AT, rows_of(CONVERSATIONS))


def test_columns_that_are_new_are_null_in_files_without_them(tmp_path: Path) -> None:
    new = {name for name, column in ALIGNED.columns.items() if column.is_new}
    before = replace(ALIGNED, columns={n: c for n, c in ALIGNED.columns.items() if n not in new})
    path = Store(tmp_path).write(before, AT, rows_of(before))
    read, _ = parquet.read(path, ALIGNED.columns)
    assert (read.columns, read[sorted(new)[0]].null_count()) == (ALIGNED.names, 200)


def test_notes_are_read_from_the_footer(tmp_path: Path) -> None:
    path = tmp_path / "notes.parquet"
    parquet.write(rows_of(CONVERSATIONS, 0), path, {"of": "three"})
    assert parquet.read_notes(path)["of"] == "three"
