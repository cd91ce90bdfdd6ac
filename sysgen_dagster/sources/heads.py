"""Reads the first rows of a file, to see what is in it without reading all of it."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.sources.files import SourceError
from sysgen_dagster.sources.json_rows import read_json_rows
from sysgen_dagster.sources.recognition import SEEN, UnreadableError, recognise_no_parquet
from sysgen_dagster.sources.upstream_rows import readable_columns

MOST_ROWS = 1_000
_AT_ONCE = 50  # rows of a Parquet file
_MOST_CHARACTERS = 1 << 23  # of all rows together; the row that reaches it is the last
# What Polars raises at a file that it cannot read, or at a value that Python does not have.
_MISREAD = (
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
    *(OSError, ValueError, OverflowError),
)


def read_head(name: str, file: Path) -> list[Any]:
    """The first rows of a file, as they are in it; those that are mappings have columns.

    Args:
        name: That of the source, for messages.
        file: Its name ends in .parquet, .csv, .jsonl or .json.

    Raises:
        SourceError: The file cannot be read, or is empty.
    """
    try:
        head = _cut(_READERS.get(file.suffix, read_json_rows)(file))
    except UnreadableError as error:
        raise _unreadable(name, file, error) from error
    except _MISREAD as error:
        first_line, *_ = str(error).splitlines() or [type(error).__name__]
        raise _unreadable(name, file, UnreadableError(first_line)) from error
    if not head:
        raise _unreadable(name, file, UnreadableError("it has no rows"))
    return head


def _unreadable(name: str, file: Path, error: UnreadableError) -> SourceError:
    kind = file.suffix.removeprefix(".")
    return SourceError(f"{name}: {file} cannot be read as {kind} ({error.what}); {error.fix}")


def _cut(rows: Iterator[Any]) -> list[Any]:
    """As many rows as may be looked at."""
    head: list[Any] = []
    characters = 0
    for row in islice(rows, MOST_ROWS):
        head.append(row)
        characters += _size(row)
        if characters >= _MOST_CHARACTERS:
            break
    return head


def _parquet_rows(file: Path) -> Iterator[Mapping[str, Any]]:
    # Imported here, because it is slow and loading the definitions seldom needs it.
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    with file.open("rb") as opened:
        head = opened.read(SEEN)
        opened.seek(max(-4, -len(head)), os.SEEK_END)
        tail = opened.read()
    if known := recognise_no_parquet(head, tail):
        raise known
    # Polars reads a whole group of rows for its first ones, which may be all of the file.
    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(_AT_ONCE):
            rows = pl.DataFrame(pl.from_arrow(batch))
            yield from rows.select(readable_columns(rows.schema)).iter_rows(named=True)


def _csv_rows(file: Path) -> Iterator[Mapping[str, Any]]:
    yield from pl.read_csv(file, n_rows=MOST_ROWS, infer_schema=False).iter_rows(named=True)


_READERS: Mapping[str, Callable[[Path], Iterator[Any]]] = {
    ".parquet": _parquet_rows,
    ".csv": _csv_rows,
}


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
