"""Reads sources, local files or data sets of the Hub, one shard at a time.

Files of another format than Parquet, or with other types than the declared ones, are converted once
to a Parquet file with the declared columns, whose name contains the checksum of the content.
Reading a shard then takes little more time than its own rows.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.sources.csv_rows import read_csv_rows
from sysgen_dagster.sources.folders import Files, Format
from sysgen_dagster.sources.json_rows import read_json_rows
from sysgen_dagster.sources.places import Located, locate
from sysgen_dagster.sources.recognition import (
    SEEN,
    UnreadableError,
    recognise_no_parquet,
)
from sysgen_dagster.sources.recognition import SourceError as SourceError
from sysgen_dagster.sources.recognition import SourceUnavailableError as SourceUnavailableError
from sysgen_dagster.sources.tables import SOURCE_ROW, source_table, upstream_columns
from sysgen_dagster.sources.upstream_rows import batched_rows, parquet_rows, tabulate
from sysgen_dagster.storage.files import locked, replacing
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.digests import is_whole, write_digests

# What Polars raises at a file that it cannot read, or at a value that Python does not have; at some
# damage it panics.
_MISREAD = (
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
    *(OSError, ValueError, OverflowError),
)
_READING = 3  # the rules by which files are converted; what older ones made is not read again


def read_shard(source: Source, index: int, cache: Path, store: Store | None = None) -> pl.DataFrame:
    """The rows of shard `index` of ``source.shards``, which are contiguous in the file.

    Args:
        source: Its catalogue entry.
        index: Which shard, from 0.
        cache: Folder for downloads and converted files.
        store: As in `places.locate`.

    Returns:
        `tables.source_table`, one row per upstream row. ``occurrence`` is the number of equal rows
        earlier in the whole file.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The file is not the one the catalogue describes.
    """
    opened = open_source(source, cache, store)
    start, stop = (opened.total * edge // source.shards for edge in (index, index + 1))
    same = opened.rows.head(stop).select(row=opened.sameness)
    earlier = same.select(pl.col("row").cum_count().over("row") - 1).slice(start)
    rows = opened.rows.slice(start, stop - start)
    return opened.as_table(rows, range(start, stop), opened.collect(earlier).to_series())


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A source whose files are there and have the declared columns; no row of it is read yet.

    Attributes:
        located: Its files.
        rows: The declared columns and ``unusable``.
        total: How many rows there are.
    """

    source: Source
    located: Located
    rows: pl.LazyFrame
    total: int

    @property
    def sameness(self) -> pl.Expr:
        """A number that is the same for rows with the same exchanges."""
        return pl.struct(self.source.shape_columns).hash()

    def as_table(
        self, rows: pl.LazyFrame, positions: Sequence[int], occurrences: pl.Series
    ) -> pl.DataFrame:
        """Some of the rows as `tables.source_table`: `positions` says which, in their order."""
        return (
            self.collect(rows)
            .with_columns(
                pl.Series("source_row", positions, pl.UInt32),
                occurrences.cast(pl.UInt32).alias("occurrence"),
                pl.lit(self.located.revision).alias("source_revision"),
                pl.lit(None, dtype=SOURCE_ROW["excluded_ids"].dtype).alias("excluded_ids"),
            )
            .select(source_table(self.source).names)
        )

    def collect(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """What is selected of the rows; a damaged file is a `SourceError`."""
        with naming(self.source.name, self.located.place, self.located.files.format):
            return rows.collect()


def open_source(source: Source, cache: Path, store: Store | None = None) -> OpenSource:
    """The rows of a source; `store` is as in `locate`.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The file is not the one the catalogue describes.
    """
    name = source.name
    located = locate(source, cache, store)
    rows, place = _open(source, located, cache), located.place
    with naming(name, place, located.files.format):
        total: int = rows.select(pl.len()).collect().item()
        if not total:
            raise UnreadableError("it has no rows")
    if source.rows is not None and total != source.rows:
        raise SourceError(
            f"{name}: {place} has {total:,} rows, the catalogue expects {source.rows:,}; give the "
            "right file, or correct `rows`"
        )
    return OpenSource(source, located, rows, total)


def read_rows(name: str, files: Files) -> Iterator[Any]:
    """The rows of files as they are in them, one after the other.

    Those that are objects have columns.

    Args:
        name: That of the catalogue's entry, for messages.
        files: As `locate` or `files_of` says which they are.

    Raises:
        SourceError: A file cannot be read.
    """
    return rows_of(name, files, lambda file: batched_rows(scan_parquet(file)))


def rows_of(name: str, files: Files, of_parquet: Callable[[Path], Iterator[Any]]) -> Iterator[Any]:
    """The rows of files one after the other, those of a Parquet file as `of_parquet` reads it."""
    kind = files.format
    for file in files.paths:
        with naming(name, file, kind):
            if kind is Format.PARQUET:
                yield from of_parquet(file)
            elif kind in (Format.CSV, Format.TSV):
                yield from read_csv_rows(file, "\t" if kind is Format.TSV else None)
            else:
                yield from read_json_rows(file)


def _open(source: Source, located: Located, cache: Path) -> pl.LazyFrame:
    """The declared columns of the files and ``unusable``; no row is read yet."""
    columns = upstream_columns(source)
    if located.files.format is Format.PARQUET:
        scanned = []
        for file in located.files.paths:
            with naming(source.name, file, Format.PARQUET):
                scanned.append(scan_parquet(file))
        schemas = [rows.collect_schema() for rows in scanned]
        if all(
            schema.get(column) == held.dtype
            for column, held in columns.items()
            for schema in schemas
        ):
            rows = pl.concat([rows.select(*columns) for rows in scanned])
            return rows.with_columns(unusable=pl.lit(None, pl.String))
    stored = _convert_once(source, located, cache)
    return pl.scan_parquet(stored, glob=False, hive_partitioning=False)


def scan_parquet(file: Path) -> pl.LazyFrame:
    """A Parquet file of which no row is read yet; raises `UnreadableError` and what Polars does."""
    with file.open("rb") as opened:
        head = opened.read(SEEN)
        opened.seek(max(-4, -len(head)), os.SEEK_END)
        tail = opened.read()
    if known := recognise_no_parquet(head, tail):
        raise known
    rows = pl.scan_parquet(file, glob=False, hive_partitioning=False)
    rows.collect_schema()
    return rows


def _convert_once(source: Source, located: Located, cache: Path) -> Path:
    """The Parquet file in the declared schema of other files, made if it is not in the cache."""
    how = json.dumps([_READING, dict(source.columns), source.shape.model_dump()])
    layout = hashlib.sha256(how.encode()).hexdigest()[:8]
    stored = cache / "rows" / f"{located.checksum[:32]}-{layout}.parquet"
    stored.parent.mkdir(parents=True, exist_ok=True)
    with locked(stored.with_suffix(".lock")):
        if not is_whole(stored):
            # What is wrong with one of several files is raised with its name, by `rows_of`.
            with naming(source.name, located.place, located.files.format):
                rows = rows_of(source.name, located.files, lambda file: parquet_rows(file, source))
                table = tabulate(rows, source, _types_of(located.files))
            with replacing(stored) as temporary:
                table.write_parquet(temporary, compression="zstd")
                write_digests(temporary)
    return stored


def _types_of(files: Files) -> pl.Schema | None:
    """The types of the columns, where the files have some."""
    is_parquet = files.format is Format.PARQUET
    return scan_parquet(files.paths[0]).collect_schema() if is_parquet else None


@contextmanager
def naming(name: str, file: Path, kind: Format) -> Iterator[None]:
    """Raise what is wrong with a file as an error that names the source and the file."""
    try:
        yield
    except UnreadableError as error:
        raise _unreadable(name, file, kind, error) from error
    except _MISREAD as error:
        first_line, *_ = str(error).splitlines() or [type(error).__name__]
        raise _unreadable(name, file, kind, UnreadableError(first_line)) from error


def _unreadable(name: str, file: Path, kind: Format, error: UnreadableError) -> SourceError:
    return SourceError(f"{name}: {file} cannot be read as {kind} ({error.what}); {error.fix}")
