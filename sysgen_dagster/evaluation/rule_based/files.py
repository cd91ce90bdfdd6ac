"""The rows of a benchmark that rules grade, wherever its files are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sysgen_dagster.catalog.evaluation import Bench
from sysgen_dagster.sources.files import read_rows
from sysgen_dagster.sources.folders import data_files, files_of
from sysgen_dagster.sources.json_rows import as_numbers
from sysgen_dagster.sources.places import locate
from sysgen_dagster.storage.store import Store


def find_files(bench: Bench, cache: Path, store: Store) -> list[Path]:
    """The files of a benchmark on this machine, fetched if they are not in the cache.

    Args:
        bench: Its settings.
        cache: Folder for downloads.
        store: As in `sources.places.locate`.

    Raises:
        SourceUnavailableError: Where they are published nobody answers.
        SourceError: A file does not exist, or it is not the one that the catalogue describes.
    """
    if bench.path is not None and bench.path.is_dir():
        return data_files(bench.path)
    return list(locate(bench, cache, store).files.paths)


def read_files(bench: Bench, files: list[Path]) -> Iterator[tuple[str, Any]]:
    """Each row of the files, one file after the other, with the name of its file without ending.

    Raises:
        SourceError: A file cannot be read.
    """
    for file in files:
        for row in read_rows(bench.name, files_of(bench.name, file)):
            yield file.name.split(".")[0], as_numbers(row)
