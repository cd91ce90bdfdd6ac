"""What is read from a Parquet file is what was written to it, and any reader can still read it."""

import random
from collections.abc import Collection
from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pyarrow.parquet as pq
import pytest

from sysgen_dagster.tables import digests
from sysgen_dagster.tables.digests import DamagedFileError, read_checked, write_digests

FLIPS = 300
ROWS = pl.DataFrame(
    {
        "id": [f"chats-{index:04}" for index in range(500)],
        "text": [f"{index}: " + "some words of it " * (index % 7) for index in range(500)],
        "turns": [[{"role": "user", "content": str(index)}] * (index % 3) for index in range(500)],
        "a.b": [index / 7 for index in range(500)],
        "a": [{"b": index, "c": [index]} for index in range(500)],
        "reason": [None] * 500,
    },
    schema_overrides={"reason": pl.String()},
)
FRAMES = {
    "rows of every kind": (ROWS, None),
    "many row groups": (ROWS, 150),
    "no rows": (ROWS.clear(), None),
    "one column": (ROWS.select("id"), None),
    "no columns": (pl.DataFrame(), None),
}


def compare_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files be compared where they are, as long ones are, and not in memory."""
    monkeypatch.setattr(digests, "_READ_WHOLE", 0)
    monkeypatch.setattr(digests, "_READ_WHOLE_FOR_SOME", 0)


def write(path: Path, rows: pl.DataFrame, per_group: int | None = None) -> Path:
    rows.write_parquet(path, compression="zstd", row_group_size=per_group)
    write_digests(path)
    return path


def read(path: Path, columns: Collection[str] | None = None) -> pl.DataFrame:
    rows = pl.scan_parquet(read_checked(path, columns).source)
    return (rows if columns is None else rows.select(columns)).collect()


def flip(content: bytes, bit: int) -> bytes:
    flipped = bytearray(content)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


@pytest.mark.parametrize(("rows", "per_group"), FRAMES.values(), ids=FRAMES)
def test_every_reader_of_parquet_reads_a_file_with_digests(
    tmp_path: Path, rows: pl.DataFrame, per_group: int | None
) -> None:
    path = write(tmp_path / "rows.parquet", rows, per_group)
    assert read(path).equals(rows)
    assert pl.scan_parquet(path).collect(engine="streaming").equals(rows)
    assert pq.read_table(path).num_rows == rows.height
    assert pl.DataFrame(pq.read_table(path)).equals(rows)
    assert pq.ParquetFile(path, page_checksum_verification=True).metadata.num_rows == rows.height


def test_the_hub_loads_a_file_with_digests(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.parquet", ROWS, 150)
    streamed = datasets.load_dataset(
        "parquet", data_files=str(path), split="train", streaming=True, cache_dir=str(tmp_path)
    )
    loaded: list[dict[str, Any]] = list(streamed)
    assert loaded == ROWS.to_dicts()


@pytest.mark.parametrize("columns", [None, ("turns", "a.b")], ids=str)
@pytest.mark.parametrize("is_long", [True, False], ids=["long", "short"])
def test_no_flipped_bit_is_read_as_something_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_long: bool,
    columns: tuple[str, ...] | None,
) -> None:
    if is_long:
        compare_in_place(monkeypatch)
    path = write(tmp_path / "rows.parquet", ROWS, 150 if is_long else None)
    content, written = path.read_bytes(), read(path, columns)
    end = len(content) * 8 - 1
    bits = [*range(end - 40 * 8, end), *random.Random(1).choices(range(end), k=FLIPS)]
    found = 0
    for bit in bits:
        path.write_bytes(flip(content, bit))
        try:
            assert read(path, columns).equals(written)
        except (DamagedFileError, pl.exceptions.PolarsError):
            found += 1
    assert found > (FLIPS if columns is None else 0)


def test_a_flipped_bit_of_a_column_is_named_when_that_column_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare_in_place(monkeypatch)
    path = write(tmp_path / "rows.parquet", ROWS, 150)
    content = path.read_bytes()
    of_ids = pq.read_metadata(path).row_group(1).column(0)
    path.write_bytes(flip(content, (of_ids.data_page_offset + 30) * 8))
    assert read(path, ["reason", "a.b"]).equals(ROWS.select("reason", "a.b"))
    for columns in (None, ["id"]):
        with pytest.raises(DamagedFileError, match="'id' does not have the digest it was written"):
            read_checked(path, columns)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_not_read(tmp_path: Path, share: float) -> None:
    path = write(tmp_path / "rows.parquet", ROWS)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises((DamagedFileError, pl.exceptions.PolarsError)):
        read(path)


def test_a_file_of_an_older_version_is_read_as_before(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    ROWS.write_parquet(path)
    assert read(path).equals(ROWS)
    assert read_checked(path).columns is None


@pytest.mark.parametrize(("rows", "per_group"), FRAMES.values(), ids=FRAMES)
def test_the_digests_name_the_columns(
    tmp_path: Path, rows: pl.DataFrame, per_group: int | None
) -> None:
    path = write(tmp_path / "rows.parquet", rows, per_group)
    assert read_checked(path, ["id"]).columns == frozenset(rows.columns)


def test_no_digests_are_written_to_what_is_no_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"id,text\n1,a\n")
    with pytest.raises(Exception, match="arquet"):
        write_digests(path)
    assert path.read_bytes() == b"id,text\n1,a\n"
