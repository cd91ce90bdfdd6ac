"""The items of a bench, as they are read from a file of its layout or from the lane's table."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from sysgen_dagster.catalog.evaluation import RubricBench
from sysgen_dagster.evaluation.multifacet.columns import assign_columns
from sysgen_dagster.evaluation.multifacet.tables import MULTIFACET_ITEMS
from sysgen_dagster.sources.files import SourceError, read_rows
from sysgen_dagster.sources.places import locate
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.content_ids import number_items
from sysgen_dagster.tables.table import kept

RUBRICS_AN_ITEM: Final = 4  # one for each dimension of preferences
LEVELS: Final = ("1", "2", "3", "4", "5")  # the keys of a rubric's descriptions
_TEXTS = ("source", "system", "prompt", "reference_answer")
_LISTS = ("preference_set", "rubrics")
_ITEM = ("source", "system_message", "prompt", "reference_answer", "rubrics")
# The column of each item, by its source and by what the catalogue says of sources.
Assign = Callable[[pl.Series, Mapping[str, str]], pl.Series]


class _OddRowError(ValueError):
    """A row is none of the bench; the message says what is wrong with it."""


def read_items(
    bench: RubricBench, cache: Path, store: Store | None = None, assign: Assign = assign_columns
) -> pl.DataFrame:
    """`MULTIFACET_ITEMS` of all rows of a file in the layout of the bench, in its order.

    The rubrics of an item belong to its preferences by their place: the bench's authors made one
    for each (four calls an item), and no column names the pairs.

    Args:
        bench: Its settings in the catalogue.
        cache: Folder for downloads.
        store: As in `locate`.
        assign: Gives the column of each item.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The file is not the one that the catalogue describes, or no file of the bench.
    """
    located = locate(bench, cache, store)
    place = located.place
    read = []
    for number, row in enumerate(read_rows(bench.name, located.files), 1):
        try:
            read.append(_read_row(row))
        except _OddRowError as error:
            raise SourceError(
                f"{bench.name}: row {number} of {place} {error}; give the file of "
                f"Multifaceted-Bench at `evaluation.{bench.name}`"
            ) from None
    if not read:
        raise SourceError(f"{bench.name}: {place} has no rows; give the file of Multifaceted-Bench")
    schema = {name: MULTIFACET_ITEMS.schema[name] for name in ("item", *_ITEM)}
    items = [{**row, "item": item} for row, item in zip(read, number_items(read), strict=True)]
    return _assign(pl.DataFrame(items, schema=schema), bench, assign)


def list_items(rows: pl.DataFrame, bench: RubricBench, assign: Assign) -> pl.DataFrame:
    """The same of the lane's `MULTIFACETED_BENCH`, of the rows that are items."""
    return _assign(kept(rows), bench, assign)


def _assign(items: pl.DataFrame, bench: RubricBench, assign: Assign) -> pl.DataFrame:
    columns = assign(items["source"], bench.source_columns)
    return items.with_columns(columns).select(MULTIFACET_ITEMS.names)


def _read_row(row: Any) -> dict[str, Any]:
    """A row of the bench as one of `MULTIFACET_ITEMS`, without its id and column."""
    if not isinstance(row, Mapping):
        raise _OddRowError("is no record with columns")
    if missing := [name for name in (*_TEXTS, *_LISTS) if row.get(name) is None]:
        has = ", ".join(map(str, row)) or "nothing"
        raise _OddRowError(f"has nothing in {', '.join(missing)}, only columns {has}")
    for name in _TEXTS:
        _require_text(row[name], f"`{name}`")
    preferences, rubrics = (row[name] for name in _LISTS)
    for name, listed in (("rubrics", rubrics), ("preferences in `preference_set`", preferences)):
        if not isinstance(listed, list) or len(listed) != RUBRICS_AN_ITEM:
            found = len(listed) if isinstance(listed, list) else "no list of"
            raise _OddRowError(f"has {found} {name} where {RUBRICS_AN_ITEM} are wanted")
    return {
        "source": row["source"],
        "system_message": row["system"],
        "prompt": row["prompt"],
        "reference_answer": row["reference_answer"],
        "rubrics": [_read_rubric(*pair) for pair in zip(preferences, rubrics, strict=True)],
    }


def _read_rubric(preference: Any, rubric: Any) -> dict[str, Any]:
    if not isinstance(preference, Mapping) or not isinstance(rubric, Mapping):
        raise _OddRowError("has a rubric or a preference that is no record")
    described = rubric.get("score_descriptions")
    if not isinstance(described, Mapping) or set(described) != set(LEVELS):
        raise _OddRowError("has a rubric whose `score_descriptions` are not those of 1 to 5")
    return {
        "dimension": _require_text(preference.get("dimension"), "`dimension`"),
        "subdimension": _require_text(preference.get("subdimension"), "`subdimension`"),
        "criterion": _require_text(rubric.get("criteria"), "`criteria`"),
        "levels": [_require_text(described[level], f"level {level}") for level in LEVELS],
    }


def _require_text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _OddRowError(f"has no text in {name}")
    return value
