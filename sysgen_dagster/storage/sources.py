"""The upstream data sets: one pinned file from the Hub, or a local one, read a shard at a time.

The file is turned into a memory-mapped Arrow table once (by `datasets`, which keeps it under the
file's fingerprint and locks it between processes), so a shard costs its own rows and little more.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.catalog import HubFile, Source
from sysgen_dagster.sysgen.tables import SOURCE_ROW, require_columns, source_columns

_BATCH_ROWS = 10_000
_BUILDERS: Mapping[str, str] = {".parquet": "parquet", ".jsonl": "json", ".json": "json"}


class SourceError(RuntimeError):
    """A source cannot be read as it is; asking again will not help. Names the file and the fix."""


class SourceUnavailableError(SourceError):
    """The Hub did not answer; asking again may help."""


def read_shard(name: str, source: Source, index: int, cache: Path) -> pl.DataFrame:
    """One contiguous slice of a source, shard `index` of ``source.shards``.

    Args:
        name: The source's name in the catalogue.
        source: Its entry.
        index: Which shard, from 0.
        cache: Folder for downloads and the memory-mapped tables.

    Returns:
        One row per upstream row, `tables.source_columns`; ``occurrence`` counts the equal rows of
        the whole file up to this one.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The file is not the one the catalogue describes.
    """
    file, revision = _locate(name, source, cache)
    rows = _open(name, source, file, cache)
    start, stop = (rows.num_rows * edge // source.shards for edge in (index, index + 1))
    where = f"{name} ({file})"
    shard = _conform(rows[start:stop], source, where)
    return shard.with_columns(
        pl.int_range(start, stop, dtype=pl.UInt32, eager=True).alias("source_row"),
        _count_occurrences(rows, stop, source, where).slice(start),
        pl.lit(revision).alias("source_revision"),
    )


def _count_occurrences(rows: Any, stop: int, source: Source, where: str) -> pl.Series:
    """For each row before `stop`, how many earlier rows of the file hold the same exchanges."""
    columns = [column for key, column in source.shape.model_dump().items() if key != "kind"]
    hashes = [pl.Series("hash", [], dtype=pl.UInt64)]
    for first in range(0, stop, _BATCH_ROWS):
        batch = _conform(rows[first : min(stop, first + _BATCH_ROWS)], source, where)
        hashes.append(batch.select(hash=pl.struct(columns).hash()).to_series())
    seen = pl.col("hash").cum_count().over("hash")
    return pl.concat(hashes).to_frame().select(occurrence=seen.cast(pl.UInt32) - 1).to_series()


def _locate(name: str, source: Source, cache: Path) -> tuple[Path, str]:
    """The file on this machine, and what identifies its content."""
    if source.hub is not None:
        return _download(name, source.hub, cache)
    if source.path is None or not source.path.is_file():
        raise SourceError(
            f"{name}: there is no file {source.path}; correct `path` in the catalogue"
        )
    return source.path, f"local:{_sha256(source.path)}"


def _download(name: str, hub: HubFile, cache: Path) -> tuple[Path, str]:
    """The pinned file, from the cache or from the Hub (which is asked up to six times)."""
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
    except OSError as error:
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


def _open(name: str, source: Source, file: Path, cache: Path) -> Any:
    """The rows of the file, memory-mapped; a slice of them is a Polars frame."""
    import datasets  # here, because loading the definitions needs none of it

    if file.suffix not in _BUILDERS:
        raise SourceError(f"{name}: {file} is none of {', '.join(_BUILDERS)}; convert it first")
    datasets.disable_progress_bars()
    try:
        rows = datasets.load_dataset(
            _BUILDERS[file.suffix],
            data_files=str(file),
            split="train",
            cache_dir=str(cache / "rows"),
        )
    except (ValueError, OSError, datasets.exceptions.DatasetsError) as error:
        raise SourceError(
            f"{name}: {file} cannot be read as {file.suffix[1:]} ({error}); replace the file"
        ) from error
    if source.rows is not None and rows.num_rows != source.rows:
        raise SourceError(
            f"{name}: {file} has {rows.num_rows:,} rows, the catalogue expects {source.rows:,}; "
            "give the right file, or correct `rows`"
        )
    return rows.with_format("polars")


def _conform(rows: pl.DataFrame, source: Source, where: str) -> pl.DataFrame:
    """The upstream columns; one that is null throughout has no type of its own and is given it."""
    upstream = {k: v for k, v in source_columns(source).items() if k not in SOURCE_ROW}
    untyped = [
        pl.col(name).cast(column.dtype)
        for name, column in upstream.items()
        if rows.schema.get(name) == pl.Null
    ]
    fix = "Give the file in the upstream schema, or correct `columns` in the catalogue"
    return require_columns(rows.with_columns(untyped), upstream, where, fix)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
