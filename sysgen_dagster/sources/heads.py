"""Reads the first rows of a file, to see what is in it without reading all of it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.sources.files import naming, read_rows, scan_parquet
from sysgen_dagster.sources.folders import Format, files_of
from sysgen_dagster.sources.recognition import UnreadableError
from sysgen_dagster.sources.upstream_rows import readable_columns

MOST_ROWS = 1_000
_MOST_CHARACTERS = 1 << 23  # of all rows together; the row that reaches it is the last
_AT_ONCE = 50  # rows of a Parquet file


def read_head(name: str, path: Path, most_rows: int = MOST_ROWS) -> list[Any]:
    """The first rows of a file or a folder; those that are objects have columns.

    Args:
        name: That of the source, for messages.
        path: As for `files.read_rows`.
        most_rows: That are read.

    Raises:
        SourceError: A file cannot be read, or has no rows.
    """
    files = files_of(name, path)
    with naming(name, path, files.format):
        if files.format is Format.PARQUET:
            head = _cut(chain.from_iterable(map(_parquet_rows, files.paths)), most_rows)
        else:
            head = _cut(read_rows(name, path), most_rows)
        if not head:
            raise UnreadableError("it has no rows")
    return head


def _cut(rows: Iterator[Any], most_rows: int) -> list[Any]:
    """As many rows as may be looked at."""
    head: list[Any] = []
    characters = 0
    for row in islice(rows, most_rows):
        head.append(row)
        characters += _size(row)
        if characters >= _MOST_CHARACTERS:
            break
    return head


def _parquet_rows(file: Path) -> Iterator[Mapping[str, Any]]:
    """The rows, in small pieces and mapped: all of a group of rows may be much to read."""
    # Imported here, because it is slow and loading the definitions seldom needs it.
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    columns = readable_columns(scan_parquet(file).collect_schema())
    with pq.ParquetFile(file, memory_map=True) as parquet:
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
