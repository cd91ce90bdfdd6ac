"""Reads a split of a Hub data set by the library `datasets`, and keeps it as a Parquet file.

The library takes a second to import, so this module is imported where a data set needs it.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sysgen_dagster.catalog.places import HubFile
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.sources.folders import TRAIN
from sysgen_dagster.sources.recognition import SourceError
from sysgen_dagster.storage.files import locked, replacing
from sysgen_dagster.tables.digests import write_digests

_ROWS_AT_ONCE = 8_000
# Fetches a file of a data set, by its path there, and returns its path on this machine.
Fetch = Callable[[str], Path]

datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False  # no host but the Hub is told what is read
datasets.disable_progress_bars()  # of what is converted, in a second; downloads show theirs


def choose(name: str, hub: HubFile, revision: str, cache: Path) -> tuple[str, str]:
    """The configuration and the split of an entry that leaves them open.

    Of several configurations one that the data set calls its default is taken; of several splits
    the rows to train on.

    Raises:
        SourceError: There is no such configuration or split, or several and none is named.
    """
    with _loading(name, hub.repo, revision, cache) as options:
        configs = datasets.get_dataset_config_names(hub.repo, **options)
        config = hub.config or datasets.get_dataset_default_config_name(hub.repo, **options)
        if config not in configs:
            asked = f"no configuration {config}, only" if config else "several configurations:"
            raise SourceError(
                f"{name}: {hub.repo} has {asked} {', '.join(configs)}; name one of them as "
                "`hub.config`"
            )
        splits = [*map(str, _builder(hub.repo, config, options).config.data_files)]
    split = hub.split or (splits[0] if len(splits) == 1 else TRAIN)
    if split not in splits:
        raise SourceError(
            f"{name}: {hub.repo} has no split {split} in its configuration {config}, only "
            f"{', '.join(splits)}; name one of them as `hub.split`"
        )
    return config, split


def convert(
    name: str, repo: str, revision: str, config: str, split: str, cache: Path, fetch: Fetch
) -> str:
    """Keep a split as a Parquet file in the cache, and return the checksum of its rows.

    The rows are fetched and written in pieces, so that they need not fit into memory. Columns of
    bytes, such as images, are left out. No other split is fetched.
    """
    with _loading(name, repo, revision, cache) as options:
        builder = _builder(repo, config, options)
        begin = f"hf://datasets/{repo}@{revision}/"
        # The library would fetch all splits, into the home of the user.
        files = [
            str(fetch(each.removeprefix(begin))) if each.startswith(begin) else each
            for each in map(str, builder.config.data_files[split])
        ]
        builder.config.data_files = datasets.data_files.DataFilesDict(
            {split: datasets.data_files.DataFilesList(files, [()] * len(files))}
        )
        builder.download_and_prepare(
            download_config=options["download_config"], verification_mode="no_checks"
        )
        making = cache / "rows" / f"{repo.replace('/', '--')}-{config}-{split}.parquet"
        making.parent.mkdir(parents=True, exist_ok=True)
        return _write(builder.as_dataset(split), making, cache)


def path_of(sha256: str, cache: Path) -> Path:
    """Where the Parquet file of a split is kept, beside the conversions of other files."""
    return cache / "rows" / f"{sha256[:32]}-split.parquet"


def _builder(repo: str, config: str, options: dict[str, Any]) -> datasets.DatasetBuilder:
    folder = options["download_config"].cache_dir
    builder = datasets.load_dataset_builder(repo, config, cache_dir=folder, **options)
    if not builder.config.data_files:
        raise ValueError("it names no files with rows")
    return builder


@contextmanager
def _loading(name: str, repo: str, revision: str, cache: Path) -> Iterator[dict[str, Any]]:
    """Options for `datasets`, which works in a folder of ours that is deleted afterwards."""
    folder = cache / "loading" / f"{repo.replace('/', '--')}-{revision[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        config = datasets.DownloadConfig(cache_dir=str(folder))
        try:
            yield {"revision": revision, "download_config": config}
        except Exception as error:  # the library raises whatever the reader of a format raises
            if _is_for_others(error):
                raise
            reason = " ".join(str(error.__cause__ or error).split())
            raise SourceError(
                f"{name}: `datasets` cannot read {repo} at {revision} ({reason}); name one of its "
                "files as `hub.file`, or set HF_TOKEN for a gated data set"
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _is_for_others(error: Exception) -> bool:
    """Whether an error says that the Hub refuses or does not answer, or is one of ours."""
    from huggingface_hub import errors

    if isinstance(error, (SysgenError, errors.HTTPError)):  # type: ignore[attr-defined]
        return True
    # With the first of these the library says that a data set has no files that it reads; it also
    # wraps into it what the Hub's client says where nobody answers.
    if isinstance(error, FileNotFoundError):
        return any(isinstance(each, errors.LocalEntryNotFoundError) for each in _reasons(error))
    return isinstance(error, OSError)


def _reasons(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it was raised for."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


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
    making.replace(path_of(digest.hexdigest(), cache))
    return digest.hexdigest()


def _holds_bytes(kind: pa.DataType) -> bool:
    """Whether values of a type are bytes or have some in them, as images and sounds do."""
    if isinstance(kind, pa.BaseExtensionType):
        return True
    fields = [kind.field(index) for index in range(kind.num_fields)]
    is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return is_bytes or any(_holds_bytes(field.type) for field in fields)
