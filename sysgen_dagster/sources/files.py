"""Reads sources, one pinned file from the Hub or a local file each, one shard at a time.

A JSON file, or a Parquet file with other types than the declared ones, is converted once to a
Parquet file with the declared columns, whose name contains the checksum of the content. Reading a
shard then takes little more time than its own rows.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.catalog.sources import Benchmark, HubFile, Source
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.sources.json_rows import read_json_rows
from sysgen_dagster.sources.recognition import (
    SEEN,
    UnreadableError,
    recognise_no_parquet,
)
from sysgen_dagster.sources.tables import SOURCE_ROW, source_table, upstream_columns
from sysgen_dagster.sources.upstream_rows import parquet_rows, tabulate
from sysgen_dagster.storage.files import locked, replacing
from sysgen_dagster.tables.digests import DamagedFileError, read_checked, write_digests

_SUFFIXES = (".parquet", ".jsonl", ".json")
# What Polars raises at a file that it cannot read, or at a value that Python does not have; at some
# damage it panics.
_MISREAD = (
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
    *(OSError, ValueError, OverflowError),
)
_READING = 3  # the rules by which files are converted; what older ones made is not read again


class SourceError(SysgenError):
    """A source cannot be read, and trying again will not help; the message names file and fix."""


class SourceUnavailableError(SourceError):
    """The Hub did not answer; trying again later may help."""

    may_come_back = True


def read_shard(source: Source, index: int, cache: Path) -> pl.DataFrame:
    """The rows of shard `index` of ``source.shards``, which are contiguous in the file.

    Args:
        source: Its catalogue entry.
        index: Which shard, from 0.
        cache: Folder for downloads and converted files.

    Returns:
        `tables.source_table`, one row per upstream row. ``occurrence`` is the number of equal rows
        earlier in the whole file.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The file is not the one the catalogue describes.
    """
    name = source.name
    file, revision = find_file(source, cache)
    rows = _open(source, file, cache)
    total = _collect(rows.select(pl.len()), name, file).item()
    if not total:
        raise _unreadable(name, file, UnreadableError("it has no rows"))
    if source.rows is not None and total != source.rows:
        raise SourceError(
            f"{name}: {file} has {total:,} rows, the catalogue expects {source.rows:,}; give the "
            "right file, or correct `rows`"
        )
    start, stop = (total * edge // source.shards for edge in (index, index + 1))
    hashed = rows.head(stop).select(row=pl.struct(source.shape_columns).hash())
    occurrence = hashed.select(pl.col("row").cum_count().over("row").cast(pl.UInt32) - 1)
    return (
        _collect(rows.slice(start, stop - start), name, file)
        .with_columns(
            pl.int_range(start, stop, dtype=pl.UInt32, eager=True).alias("source_row"),
            _collect(occurrence, name, file).to_series().slice(start).alias("occurrence"),
            pl.lit(revision).alias("source_revision"),
            pl.lit(None, dtype=SOURCE_ROW["excluded_ids"].dtype).alias("excluded_ids"),
        )
        .select(source_table(source).names)
    )


def find_file(entry: Source | Benchmark, cache: Path) -> tuple[Path, str]:
    """The local path of an entry's file, and its version: the commit or ``local:<sha256>``.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The file does not exist, or it is not the one the catalogue describes.
    """
    if entry.hub is not None:
        return _download(entry.name, entry.hub, cache)
    if entry.path is None or not entry.path.is_file():
        raise SourceError(
            f"{entry.name}: there is no file {entry.path}; correct `path` in the catalogue"
        )
    return entry.path, f"local:{_sha256(entry.path)}"


def _download(name: str, hub: HubFile, cache: Path) -> tuple[Path, str]:
    """The pinned file, from the cache or the Hub; the Hub's client retries if the Hub is busy."""
    if hub.file is None or hub.revision is None:
        raise SourceError(
            f"{name}: the catalogue does not pin {hub.repo} to a file and a commit. Look both up "
            "on its page on the Hub once and write them to `hub.file` and `hub.revision` of your "
            "catalogue (SYSGEN_CATALOG), or give a local file as `path` instead of `hub`"
        )
    # Imported here, because it is slow and loading the definitions does not need it.
    from huggingface_hub import errors, hf_hub_download

    missing = (
        errors.RepositoryNotFoundError,
        errors.RevisionNotFoundError,
        errors.RemoteEntryNotFoundError,
    )
    where = f"{hub.repo}/{hub.file} at {hub.revision}"
    try:
        path = hf_hub_download(
            hub.repo, hub.file, repo_type="dataset", revision=hub.revision, cache_dir=cache / "hub"
        )
    except missing as error:
        raise SourceError(
            f"{name}: the Hub has no {where} for this account ({type(error).__name__}); correct "
            "`hub` in the catalogue, or set HF_TOKEN for a gated data set"
        ) from error
    except ValueError as error:  # `hub.repo` or `hub.file` is not a valid name
        raise SourceError(
            f"{name}: {where} is not a file on the Hub ({error}); correct `hub`"
        ) from error
    except (OSError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        raise SourceUnavailableError(
            f"{name}: the Hub did not give {where} ({error}). Try again later, set HF_ENDPOINT to "
            "a mirror, or fetch the file by hand and give it as `path` in the catalogue"
        ) from error
    file = Path(path)
    _require_checksum(name, file, hub, cache)
    return file, hub.revision


def _require_checksum(name: str, file: Path, hub: HubFile, cache: Path) -> None:
    """Raise `SourceError` if the file does not have the checksum that the catalogue declares."""
    if hub.sha256 is not None and (actual := _sha256(file)) != hub.sha256:
        raise SourceError(
            f"{name}: {file} has sha256 {actual}, the catalogue expects {hub.sha256}. Delete "
            f"{cache / 'hub'} to fetch it again; if that does not help, `sha256` is wrong"
        )


def read_rows(name: str, file: Path) -> Iterator[Any]:
    """The rows of a file as they are in it; those that are objects have columns.

    Args:
        name: That of the catalogue's entry, for messages.
        file: Its name ends in .parquet, .jsonl or .json.

    Raises:
        SourceError: The file cannot be read.
    """
    if file.suffix not in _SUFFIXES:
        raise SourceError(f"{name}: {file} is none of {', '.join(_SUFFIXES)}; convert it first")
    try:
        if file.suffix == ".parquet":
            yield from _scan_parquet(name, file).collect().iter_rows(named=True)
        else:
            yield from read_json_rows(file)
    except UnreadableError as error:
        raise _unreadable(name, file, error) from error
    except _MISREAD as error:
        raise _unreadable(name, file, _misread(error)) from error


def _open(source: Source, file: Path, cache: Path) -> pl.LazyFrame:
    """The declared columns of the file and ``unusable``; no row is read yet."""
    name, columns = source.name, upstream_columns(source)
    if file.suffix not in _SUFFIXES:
        raise SourceError(f"{name}: {file} is none of {', '.join(_SUFFIXES)}; convert it first")
    if file.suffix == ".parquet":
        rows = _scan_parquet(name, file)
        schema = rows.collect_schema()
        if all(schema.get(column) == held.dtype for column, held in columns.items()):
            return rows.select(*columns, unusable=pl.lit(None, pl.String))
    stored = _convert_once(source, file, cache)
    return pl.scan_parquet(stored, glob=False, hive_partitioning=False)


def _scan_parquet(name: str, file: Path) -> pl.LazyFrame:
    with file.open("rb") as opened:
        head = opened.read(SEEN)
        opened.seek(max(-4, -len(head)), os.SEEK_END)
        tail = opened.read()
    if known := recognise_no_parquet(head, tail):
        raise _unreadable(name, file, known)
    try:
        rows = pl.scan_parquet(file, glob=False, hive_partitioning=False)
        rows.collect_schema()
    except _MISREAD as error:
        raise _unreadable(name, file, _misread(error)) from error
    return rows


def _convert_once(source: Source, file: Path, cache: Path) -> Path:
    """The Parquet file in the declared schema of another file, made if it is not in the cache."""
    how = json.dumps([_READING, dict(source.columns), source.shape.model_dump()])
    layout = hashlib.sha256(how.encode()).hexdigest()[:8]
    stored = cache / "rows" / f"{_sha256(file)[:32]}-{layout}.parquet"
    stored.parent.mkdir(parents=True, exist_ok=True)
    with locked(stored.with_suffix(".lock")):
        if not _is_whole(stored):
            try:
                if file.suffix == ".parquet":
                    types = _scan_parquet(source.name, file).collect_schema()
                    table = tabulate(parquet_rows(file, source), source, types)
                else:
                    table = tabulate(read_json_rows(file), source)
            except UnreadableError as error:
                raise _unreadable(source.name, file, error) from error
            except _MISREAD as error:
                raise _unreadable(source.name, file, _misread(error)) from error
            with replacing(stored) as temporary:
                table.write_parquet(temporary, compression="zstd")
                write_digests(temporary)
    return stored


def _is_whole(stored: Path) -> bool:
    """Whether there is a converted file that holds what was written to it."""
    try:
        return read_checked(stored).columns is not None  # without its digests it is damaged
    except (FileNotFoundError, DamagedFileError):
        return False


def _misread(error: BaseException) -> UnreadableError:
    first_line, *_ = str(error).splitlines() or [type(error).__name__]
    return UnreadableError(first_line)


def _unreadable(name: str, file: Path, error: UnreadableError) -> SourceError:
    kind = file.suffix.removeprefix(".")
    return SourceError(f"{name}: {file} cannot be read as {kind} ({error.what}); {error.fix}")


def _collect(rows: pl.LazyFrame, name: str, file: Path) -> pl.DataFrame:
    try:
        return rows.collect()
    except _MISREAD as error:
        raise _unreadable(name, file, _misread(error)) from error


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
