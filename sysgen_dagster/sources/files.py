"""Reads sources, one pinned file from the Hub or a local file each, one shard at a time.

A JSON file is converted once to a Parquet file with the declared columns, whose name contains the
checksum of the content. Reading a shard then takes little more time than its own rows.
"""

import hashlib
from pathlib import Path

import polars as pl

from sysgen_dagster.catalog.sources import Benchmark, HubFile, Source
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.sources.tables import SOURCE_ROW, source_table
from sysgen_dagster.storage.files import locked, replacing
from sysgen_dagster.tables.table import Columns, polars_schema, require_columns

_SUFFIXES = (".parquet", ".jsonl", ".json")
_INFER_FROM_ROWS = 1_000
_Type = pl.DataType | pl.datatypes.DataTypeClass
_FIX = "Give the file in the upstream schema, or correct `columns` in the catalogue"


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
    if source.rows is not None and total != source.rows:
        raise SourceError(
            f"{name}: {file} has {total:,} rows, the catalogue expects {source.rows:,}; give the "
            "right file, or correct `rows`"
        )
    start, stop = (total * edge // source.shards for edge in (index, index + 1))
    hashed = rows.head(stop).select(row=pl.struct(source.shape_columns).hash())
    occurrence = hashed.select(pl.col("row").cum_count().over("row").cast(pl.UInt32) - 1)
    return _collect(rows.slice(start, stop - start), name, file).with_columns(
        pl.int_range(start, stop, dtype=pl.UInt32, eager=True).alias("source_row"),
        _collect(occurrence, name, file).to_series().slice(start).alias("occurrence"),
        pl.lit(revision).alias("source_revision"),
        pl.lit(None, dtype=SOURCE_ROW["excluded_ids"].dtype).alias("excluded_ids"),
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


def _open(source: Source, file: Path, cache: Path) -> pl.LazyFrame:
    """The declared columns of the file; only the schema and one row are read yet."""
    name, columns = source.name, source_table(source).columns
    upstream = {column: held for column, held in columns.items() if column not in SOURCE_ROW}
    if file.suffix not in _SUFFIXES:
        raise SourceError(f"{name}: {file} is none of {', '.join(_SUFFIXES)}; convert it first")
    stored = file if file.suffix == ".parquet" else _convert_once(name, file, upstream, cache)
    rows = pl.scan_parquet(stored, glob=False, hive_partitioning=False)
    first_row = _collect(rows.head(1), name, file)
    # A column whose values are all null may have no type; it gets the declared one.
    untyped = [column for column in upstream if first_row.schema.get(column) == pl.Null]
    typed = [pl.col(column).cast(upstream[column].dtype) for column in untyped]
    require_columns(first_row.with_columns(typed), upstream, f"{name} ({file})", _FIX)
    return rows.with_columns(typed).select(upstream.keys())


def _convert_once(name: str, file: Path, upstream: Columns, cache: Path) -> Path:
    """The Parquet file of a JSON file, converted if it is not in the cache."""
    layout = hashlib.sha256(repr(polars_schema(upstream)).encode()).hexdigest()[:8]
    stored = cache / "rows" / f"{_sha256(file)[:32]}-{layout}.parquet"
    stored.parent.mkdir(parents=True, exist_ok=True)
    with locked(stored.with_suffix(".lock")):
        if not stored.is_file():
            rows = _read_json(name, file, upstream)
            with replacing(stored) as temporary:
                rows.write_parquet(temporary, compression="zstd")
    return stored


def _read_json(name: str, file: Path, upstream: Columns) -> pl.DataFrame:
    """The declared columns of a JSON file, which is one array or has one object per line."""
    text = file.read_bytes()
    read = pl.read_json if text.lstrip()[:1] == b"[" else pl.read_ndjson
    try:
        # Read with the declared schema, every value becomes what is declared, also a nested one;
        # the inferred schema shows whether the file really has the declared columns.
        rows = read(text, schema=polars_schema(upstream))
        inferred = read(text, infer_schema_length=_INFER_FROM_ROWS).schema
        if rows.is_empty():
            raise pl.exceptions.NoDataError("no rows")
    except (pl.exceptions.PolarsError, UnicodeError) as error:
        raise SourceError(
            f"{name}: {file} cannot be read as {file.suffix[1:]} ({error}); replace the file"
        ) from error
    misfits = {
        column: declared
        for column, declared in upstream.items()
        if column not in inferred or not _is_readable_as(declared.dtype, inferred[column])
    }
    require_columns(pl.DataFrame(schema=inferred), misfits, f"{name} ({file})", _FIX)
    return rows


def _is_readable_as(declared: _Type, inferred: _Type) -> bool:
    """Whether values of the inferred type can be read as the declared type."""
    if inferred == pl.Null:
        return True
    if isinstance(declared, pl.List) and isinstance(inferred, pl.List):
        return _is_readable_as(declared.inner, inferred.inner)  # null where every list is empty
    if isinstance(declared, pl.Struct) and isinstance(inferred, pl.Struct):
        return dict(declared).keys() <= dict(inferred).keys()
    return not declared.is_nested() and not inferred.is_nested()


def _collect(rows: pl.LazyFrame, name: str, file: Path) -> pl.DataFrame:
    try:
        return rows.collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(
            f"{name}: {file} cannot be read as parquet ({error}); replace the file"
        ) from error


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
