"""Reads the items of a benchmark from the file that the catalogue names."""

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from sysgen_dagster.catalog.sources import Benchmark
from sysgen_dagster.sources.files import SourceError, find_file

# One row per item.
ITEMS = {"benchmark": pl.String(), "item": pl.UInt32(), "text": pl.String()}


def read_items(benchmark: Benchmark, cache: Path) -> pl.DataFrame:
    """The items of one benchmark: `ITEMS`, one row per row of its file.

    The text of an item is the text columns that the catalogue names, joined by a space. Such a
    column holds texts or lists of texts, for example the choices of a question.

    Args:
        benchmark: Its catalogue entry.
        cache: Folder for downloads.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The file cannot be read, or lacks a text column.
    """
    name = benchmark.name
    file, _ = find_file(benchmark, cache)
    rows = _read(name, file)
    texts: list[pl.Expr] = []
    for column in benchmark.text:
        dtype = rows.schema.get(column)
        if dtype not in (pl.String, pl.List(pl.String)):
            raise SourceError(
                f"{name}: {file} has no text column {column!r}, only {rows.schema}; correct "
                "`text` in the catalogue"
            )
        text = pl.col(column)
        texts.append(text if dtype == pl.String else text.list.join(" "))
    return rows.select(
        benchmark=pl.lit(name),
        item=pl.int_range(pl.len(), dtype=pl.UInt32),
        text=pl.concat_str(texts, separator=" ", ignore_nulls=True),
    )


def _read(name: str, file: Path) -> pl.DataFrame:
    readers: Mapping[str, Callable[[Path], pl.DataFrame]] = {
        ".parquet": pl.read_parquet,
        ".jsonl": pl.read_ndjson,
        ".json": pl.read_json,
    }
    if file.suffix not in readers:
        raise SourceError(f"{name}: {file} is none of {', '.join(readers)}; convert it first")
    try:
        return readers[file.suffix](file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{name}: {file} cannot be read ({error}); replace the file") from error
