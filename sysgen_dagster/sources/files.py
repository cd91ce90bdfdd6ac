"""The upstream data sets: one pinned file from the Hub, or a local one, read a shard at a time.

A JSON file is turned into a Parquet file of the declared columns once, under the checksum of its
content, so that a shard costs its own rows and little more.
"""

import hashlib
from pathlib import Path

import polars as pl

from sysgen_dagster.catalog.sources import Benchmark, HubFile, Source
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.sources.tables import SOURCE_ROW, source_table
from sysgen_dagster.storage.files import locked, replacing
from sysgen_dagster.tables.table import Columns, polars_schema, require_columns

_JSON = (".jsonl", ".json")
_INFER_FROM_ROWS = 1_000
_FIX = "Give the file in the upstream schema, or correct `columns` in the catalogue"


class SourceError(SysgenError):
    """A source cannot be read as it is; asking again will not help. Names the file and the fix."""


class SourceUnavailableError(SourceError):
    """The Hub did not answer; asking again may help."""

    may_come_back = True


def read_shard(source: Source, index: int, cache: Path) -> pl.DataFrame:
    """One contiguous slice of a source, shard `index` of ``source.shards``.

    Args:
        source: Its catalogue entry.
        index: Which shard, from 0.
        cache: Folder for downloads and converted files.

    Returns:
        One row per upstream row, `tables.source_table`; ``occurrence`` counts the equal rows of
        the whole file up to this one.

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
    )


def find_file(entry: Source | Benchmark, cache: Path) -> tuple[Path, str]:
    """The file of a catalogue entry on this machine, and what identifies its content.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: There is no such file, or it is not the one the catalogue describes.
    """
    if entry.hub is not None:
        return _download(entry.name, entry.hub, cache)
    if entry.path is None or not entry.path.is_file():
        raise SourceError(
            f"{entry.name}: there is no file {entry.path}; correct `path` in the catalogue"
        )
    return entry.path, f"local:{_sha256(entry.path)}"


def _download(name: str, hub: HubFile, cache: Path) -> tuple[Path, str]:
    """The pinned file, from the cache or from the Hub, whose client asks again when it is busy."""
    if hub.file is None or hub.revision is None:
        raise SourceError(
            f"{name}: the catalogue does not pin {hub.repo} to a file and a commit. Look both up "
            "on its page on the Hub once and write them to `hub.file` and `hub.revision` of your "
            "catalogue (SYSGEN_CATALOG), or give a local file as `path` instead of `hub`"
        )
    import huggingface_hub  # here, because loading the definitions needs none of it

    where = f"{hub.repo}/{hub.file} at {hub.revision}"
    try:
        found = huggingface_hub.hf_hub_download(
            hub.repo, hub.file, repo_type="dataset", revision=hub.revision, cache_dir=cache / "hub"
        )
    except _not_to_be_had() as error:
        raise SourceError(
            f"{name}: the Hub has no {where} for this account ({type(error).__name__}); correct "
            "`hub` in the catalogue, or set HF_TOKEN for a gated data set"
        ) from error
    except ValueError as error:  # not the name of a repository or of a file in one
        raise SourceError(f"{name}: {where} is not on any Hub ({error}); correct `hub`") from error
    except (OSError, huggingface_hub.errors.HTTPError) as error:  # type: ignore[attr-defined]
        raise SourceUnavailableError(
            f"{name}: the Hub did not give {where} ({error}). Try again later, set HF_ENDPOINT to "
            "a mirror, or fetch the file by hand and give it as `path` in the catalogue"
        ) from error
    file = Path(found)
    if hub.sha256 is not None and (actual := _sha256(file)) != hub.sha256:
        raise SourceError(
            f"{name}: {file} has sha256 {actual}, the catalogue expects {hub.sha256}. Delete "
            f"{cache / 'hub'} to fetch it again; if that does not help, `sha256` is wrong"
        )
    return file, hub.revision


def _not_to_be_had() -> tuple[type[Exception], ...]:
    from huggingface_hub import errors

    return (
        errors.RepositoryNotFoundError,
        errors.RevisionNotFoundError,
        errors.RemoteEntryNotFoundError,
    )


def _open(source: Source, file: Path, cache: Path) -> pl.LazyFrame:
    """The declared columns of the file, as declared; nothing but the schema is read yet."""
    name, columns = source.name, source_table(source).columns
    upstream = {column: held for column, held in columns.items() if column not in SOURCE_ROW}
    if file.suffix not in (".parquet", *_JSON):
        endings = ", ".join((".parquet", *_JSON))
        raise SourceError(f"{name}: {file} is none of {endings}; convert it first")
    stored = file if file.suffix == ".parquet" else _converted(name, file, upstream, cache)
    rows = pl.scan_parquet(stored, glob=False, hive_partitioning=False)
    one = _collect(rows.head(1), name, file)
    # A column that is null throughout has no type of its own.
    untyped = [column for column in upstream if one.schema.get(column) == pl.Null]
    typed = [pl.col(column).cast(upstream[column].dtype) for column in untyped]
    require_columns(one.with_columns(typed), upstream, f"{name} ({file})", _FIX)
    return rows.with_columns(typed).select(upstream.keys())


def _converted(name: str, file: Path, upstream: Columns, cache: Path) -> Path:
    """The Parquet file of a JSON file, made by the first who needs it."""
    layout = hashlib.sha256(repr(polars_schema(upstream)).encode()).hexdigest()[:8]
    stored = cache / "rows" / f"{_sha256(file)[:32]}-{layout}.parquet"
    stored.parent.mkdir(parents=True, exist_ok=True)
    with locked(stored.with_suffix(".lock")):
        if not stored.is_file():
            _convert(name, file, upstream, stored)
    return stored


def _convert(name: str, file: Path, upstream: Columns, stored: Path) -> None:
    """Write the rows of a JSON file, one array or a record a line, to `stored`."""
    text = file.read_bytes()
    read = pl.read_json if text.lstrip()[:1] == b"[" else pl.read_ndjson
    try:
        # The declared types make numbers text; only what is inferred tells what is really there.
        rows = read(text, schema=polars_schema(upstream))
        found = read(text, infer_schema_length=_INFER_FROM_ROWS).schema
    except (pl.exceptions.PolarsError, UnicodeError) as error:
        raise SourceError(
            f"{name}: {file} cannot be read as {file.suffix[1:]} ({error}); replace the file"
        ) from error
    if rows.is_empty():
        raise SourceError(
            f"{name}: {file} cannot be read as {file.suffix[1:]} (no rows); replace the file"
        )
    misfits = {
        column: declared
        for column, declared in upstream.items()
        if column not in found or not _holds(found[column], declared.dtype)
    }
    require_columns(pl.DataFrame(schema=found), misfits, f"{name} ({file})", _FIX)
    with replacing(stored) as temporary:
        rows.write_parquet(temporary, compression="zstd")


def _holds(found: pl.DataType, declared: pl.DataType) -> bool:
    """Whether values of the type that was found can be read as the declared one."""
    if found == pl.Null:
        return True
    if isinstance(declared, pl.List):
        inner = found.inner if isinstance(found, pl.List) else None
        fields = {field.name for field in inner.fields} if isinstance(inner, pl.Struct) else set()
        wanted = declared.inner
        empty = inner == pl.Null
        return empty or (
            isinstance(wanted, pl.Struct) and {field.name for field in wanted.fields} <= fields
        )
    return not found.is_nested()


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
