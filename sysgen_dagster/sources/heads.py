"""Reads the first rows of a file, to see what is in it and about how much, without reading all."""

import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sysgen_dagster.catalog.sources import shards_for
from sysgen_dagster.sources.csv_rows import read_csv
from sysgen_dagster.sources.files import naming, rows_of, scan_parquet
from sysgen_dagster.sources.folders import Format, files_of, format_of
from sysgen_dagster.sources.json_rows import read_json
from sysgen_dagster.sources.recognition import UnreadableError
from sysgen_dagster.sources.text_files import PACKED
from sysgen_dagster.sources.upstream_rows import readable_columns

MOST_ROWS = 1_000
_MOST_CHARACTERS = 1 << 23  # of all rows together; the row that reaches it is the last
_MOST_FILES = 20  # of a folder
_AT_ONCE = 50  # rows of a Parquet file
_HEAD = 1 << 18  # bytes of text from which the length of a row is estimated
_USUAL_ROW = 2_000  # bytes of a row, where the head shows no whole one


class Head(NamedTuple):
    """The first rows of a file.

    Attributes:
        rows: As they are in the file; those that are mappings have columns.
        is_all: Whether there are no others.
    """

    rows: list[Any]
    is_all: bool


def read_head(name: str, path: Path, most_rows: int = MOST_ROWS) -> Head:
    """The first rows of a file, or of files from all over a folder.

    Args:
        name: That of the source, for messages.
        path: As for `files.read_rows`.
        most_rows: That are read.

    Raises:
        SourceError: A file cannot be read, or has no rows.
    """
    files = files_of(name, path)
    chosen = files.paths[:: -(-len(files.paths) // _MOST_FILES)]
    share = len(chosen)
    rows: list[Any] = []
    is_all = share == len(files.paths)
    for file in chosen:
        of_file = rows_of(name, files._replace(paths=(file,)), _parquet_rows)
        head = _cut(of_file, -(-most_rows // share), _MOST_CHARACTERS // share)
        rows += head.rows
        is_all = is_all and head.is_all
    with naming(name, path, files.format):
        if not rows:
            raise UnreadableError("it has no rows")
    return Head(rows, is_all)


def _cut(rows: Iterator[Any], most_rows: int, most_characters: int) -> Head:
    """As many rows as may be looked at."""
    head: list[Any] = []
    characters = 0
    for row in islice(rows, most_rows):
        head.append(row)
        characters += _size(row)
        if characters >= most_characters:
            break
    return Head(head, len(head) < most_rows and characters < most_characters)


def _parquet_rows(file: Path) -> Iterator[Mapping[str, Any]]:
    """The rows, a few at once: Polars may read all of a file for its first rows."""
    # Imported here, because it is slow and loading the definitions seldom needs it.
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    rows = scan_parquet(file)
    columns = readable_columns(rows.collect_schema())
    try:
        parquet = pq.ParquetFile(file, memory_map=True)
    except NotImplementedError:  # a type that only Polars has, such as an integer of 128 bits
        yield from rows.select(columns).head(MOST_ROWS).collect().iter_rows(named=True)
        return
    with parquet:
        for batch in parquet.iter_batches(_AT_ONCE):
            yield from pl.DataFrame(pl.from_arrow(batch)).select(columns).iter_rows(named=True)


def _size(row: Any) -> int:
    """About how many characters a row has."""
    size, parts = 0, [row]
    while parts:
        part = parts.pop()
        if isinstance(part, Mapping):
            parts.extend(part.values())
        elif isinstance(part, Sequence) and not isinstance(part, (str, bytes)):
            parts.extend(part)
        size += len(part) if isinstance(part, (str, bytes)) else 2
    return size


def shards_of(name: str, path: Path) -> int:
    """Into how many shards the file of a source, or the folder of its files, is cut.

    Raises:
        SourceError: As `files_of`.
    """
    return shards_for(rows_of_source(name, path))


def rows_of_source(name: str, path: Path) -> int:
    """About how many rows the file of a source, or the folder of its files, has.

    Raises:
        SourceError: As `files_of`.
    """
    return sum(map(estimate_rows, files_of(name, path).paths))


def estimate_rows(file: Path) -> int:
    """About how many rows a file has: always the same of the same bytes, and soon known.

    A Parquet file says it; of others the first rows are measured. It is 0 of a file that cannot be
    read, which the asset of its source says.
    """
    found = format_of(file)
    try:
        if found is Format.PARQUET:
            return int(pl.scan_parquet(file, glob=False).select(pl.len()).collect().item())
        return _estimate_rows(file, found)
    except (pl.exceptions.PolarsError, OSError, zlib.error):
        return 0


def _estimate_rows(file: Path, found: Format | None) -> int:
    size = file.stat().st_size
    with file.open("rb") as opened:
        head, taken = opened.read(_HEAD), min(size, _HEAD)
    if file.suffix.lower() == PACKED:
        head, taken = _unpacked(head)
    if not head:
        return 0
    text = head.decode("utf-8", "replace").lstrip("\ufeff")
    rows = _count(text, is_whole := taken == size, found)
    per_row = len(head) / rows if rows > 0 else _USUAL_ROW
    return rows if is_whole and rows else round(size * (len(head) / taken) / per_row)


def _unpacked(head: bytes) -> tuple[bytes, int]:
    """What the head of a packed file holds, at most `_HEAD`, and how many of its bytes that is."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # of gzip
    unpacked = unpacker.decompress(head, _HEAD)
    return unpacked, len(head) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)


def _count(text: str, is_whole: bool, found: Format | None) -> int:
    """The whole rows at the beginning of a text, whose last one may be cut."""
    is_table = found in (Format.CSV, Format.TSV)
    stream = io.StringIO(text, newline="" if is_table else None)
    delimiter = "\t" if found is Format.TSV else None
    rows = read_csv(stream, delimiter) if is_table else read_json(stream)
    count = 0
    try:
        for _ in rows:
            count += 1
    except UnreadableError:  # such as at the cut
        return count
    return count if is_whole else count - 1
