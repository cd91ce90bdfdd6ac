"""Reads the items of a benchmark from the file that the catalogue names."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.catalog.sources import Benchmark
from sysgen_dagster.sources.files import SourceError, read_rows
from sysgen_dagster.sources.json_rows import NumberText
from sysgen_dagster.sources.places import locate
from sysgen_dagster.storage.store import Store

# One row per item.
ITEMS = {"benchmark": pl.String(), "item": pl.UInt32(), "text": pl.String()}
# Fields of a record that hold its text; of a record without one all texts count.
_TEXT_FIELDS = ("content", "value", "text")


def read_items(benchmark: Benchmark, cache: Path, store: Store | None = None) -> pl.DataFrame:
    """The items of one benchmark: `ITEMS`, one row per row of its file.

    The text of an item is the text columns that the catalogue names, joined by a space. Such a
    column holds texts, lists of texts such as the choices of a question, or the messages of a chat,
    as records or as the JSON of such records; of these only what is said counts.

    Args:
        benchmark: Its catalogue entry.
        cache: Folder for downloads.
        store: As in `locate`.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The file cannot be read, or lacks a text column.
    """
    name = benchmark.name
    located = locate(benchmark, cache, store)
    read = read_rows(name, located.files)
    rows = [row if isinstance(row, Mapping) else {} for row in read]
    texts = {column: [_join(row.get(column)) for row in rows] for column in benchmark.text}
    for column, found in texts.items():
        if not any(found):
            has = ", ".join(dict.fromkeys(key for row in rows for key in row))
            raise SourceError(
                f"{name}: {located.place} has no text in a column {column!r}, only columns {has}; "
                "correct `text` in the catalogue"
            )
    items = [" ".join(filter(None, parts)) for parts in zip(*texts.values(), strict=True)]
    columns = {"benchmark": name, "item": range(len(items)), "text": items}
    return pl.DataFrame(columns, schema=ITEMS)


def _join(value: Any) -> str:
    return " ".join(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value, in their order; numbers are none."""
    if isinstance(value, NumberText):
        return
    if isinstance(value, str):
        messages = _read_messages(value)
        yield from [value] if messages is None else _texts(messages)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, Mapping):
        named = [value[field] for field in _TEXT_FIELDS if value.get(field) is not None]
        for each in named or value.values():
            yield from _texts(each)


def _read_messages(text: str) -> list[Mapping[str, Any]] | None:
    """The messages that a text is the JSON of; None for any other text."""
    if not text.lstrip().startswith("[{"):
        return None
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_chat = all(isinstance(each, Mapping) and "content" in each for each in read)
    return read if is_chat else None
