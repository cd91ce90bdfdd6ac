"""Reads a split of a Hub data set by the library `datasets`, and keeps it as a Parquet file.

The library takes a second to import, so this module is imported where a data set needs it.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sysgen_dagster.catalog.sources import HubFile
from sysgen_dagster.sources.folders import TRAIN
from sysgen_dagster.sources.pins import Pin
from sysgen_dagster.sources.recognition import SourceError
from sysgen_dagster.storage.files import locked, replacing
from sysgen_dagster.tables.digests import is_whole, write_digests

_ROWS_AT_ONCE = 8_000


def choose(name: str, hub: HubFile, revision: str, cache: Path) -> tuple[str, str]:
    """The configuration and the split of an entry that leaves them open.

    Of several configurations one that the data set calls its default is taken; of several splits
    the rows to train on.

    Raises:
        SourceError: There is no such configuration or split, or several and none is named.
    """
    with _loading(name, hub.repo, revision, cache) as options:
        builders = datasets.get_dataset_config_names(hub.repo, **options)
        config = hub.config or datasets.get_dataset_default_config_name(hub.repo, **options)
        if config is None or config not in builders:
            asked = f"no configuration {config}" if config else "several configurations"
            raise SourceError(
                f"{name}: {hub.repo} has {asked}: {', '.join(builders)}; name one of them as "
                "`hub.config`"
            )
        splits = datasets.get_dataset_split_names(hub.repo, config, **options)
    split = hub.split or (splits[0] if len(splits) == 1 else TRAIN)
    if split not in splits:
        raise SourceError(
            f"{name}: {hub.repo} has no split {split} in its configuration {config}, only "
            f"{', '.join(splits)}; name one of them as `hub.split`"
        )
    return config, split


def convert_once(name: str, pin: Pin, cache: Path) -> Path:
    """The Parquet file of a pinned split, made if it is not in the cache.

    Raises:
        SourceError: The Hub gives other rows than those that were pinned.
    """
    assert pin.config is not None, "a pin without a file has a configuration"
    assert pin.split is not None, "... and a split"
    path = _path(cache, pin.sha256)
    if is_whole(path):
        return path
    found = convert(name, pin.repo, pin.revision, pin.config, pin.split, cache)
    if found != pin.sha256:
        raise SourceError(
            f"{name}: {pin.said} has rows with the sha256 {found}, it was pinned with "
            f"{pin.sha256}. Use the release of `datasets` and `polars` that it was pinned with, or "
            "pin it anew: write `revision` into the catalogue and materialize all shards again"
        )
    return path


def convert(name: str, repo: str, revision: str, config: str, split: str, cache: Path) -> str:
    """Keep a split as a Parquet file in the cache, and return the checksum of its rows.

    The rows are fetched and written in pieces, so that they need not fit into memory. Columns of
    bytes, such as images, are left out.
    """
    with _loading(name, repo, revision, cache) as options:
        rows = datasets.load_dataset(
            repo, config, split=split, cache_dir=options["download_config"].cache_dir, **options
        )
        folder = cache / "rows"
        folder.mkdir(parents=True, exist_ok=True)
        return _write(rows, folder / f"{repo.replace('/', '--')}-{config}-{split}.parquet", cache)


@contextmanager
def _loading(name: str, repo: str, revision: str, cache: Path) -> Iterator[dict[str, Any]]:
    """Options for `datasets`, which works in a folder of ours and not in the user's home.

    The folder stays where the rows did not all arrive: what was fetched is not fetched again.
    """
    folder = cache / "loading" / f"{repo.replace('/', '--')}-{revision[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        config = datasets.DownloadConfig(cache_dir=str(folder))
        try:
            yield {"revision": revision, "download_config": config}
        except (datasets.exceptions.DatasetsError, RuntimeError, ValueError) as error:
            reason = str(error.__cause__ or error)
            raise SourceError(
                f"{name}: `datasets` cannot read {repo} at {revision} ({reason}); name one of its "
                "files as `hub.file`, or set HF_TOKEN for a gated data set"
            ) from error
    shutil.rmtree(folder, ignore_errors=True)


def _write(rows: datasets.Dataset, making: Path, cache: Path) -> str:
    digest = hashlib.sha256()
    schema = rows.features.arrow_schema
    chosen = rows.select_columns([each.name for each in schema if not _holds_bytes(each.type)])
    with replacing(making) as temporary:
        with pq.ParquetWriter(temporary, chosen.features.arrow_schema, compression="zstd") as file:
            for table in chosen.with_format("arrow").iter(_ROWS_AT_ONCE):
                file.write_table(table)
                digest.update(pl.DataFrame(table).write_ndjson().encode())
        write_digests(temporary)
    making.replace(_path(cache, digest.hexdigest()))
    return digest.hexdigest()


def _holds_bytes(kind: pa.DataType) -> bool:
    """Whether values of a type are bytes or have some in them, as images and sounds do."""
    if isinstance(kind, pa.BaseExtensionType):
        return True
    fields = [kind.field(index) for index in range(kind.num_fields)]
    is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return is_bytes or any(_holds_bytes(field.type) for field in fields)


def _path(cache: Path, sha256: str) -> Path:
    """Where the Parquet file of a split is kept, beside the conversions of other files."""
    return cache / "rows" / f"{sha256[:32]}-split.parquet"
