"""Which column of the scores an item belongs to: of Multifaceted-Bench one of the paper's five.

That bench says of each item where its instruction is from, in 123 values. The map from these to
columns is data: `columns.yaml` beside this module, and what a catalogue says beside it. A value
that neither has is no column's: it is counted as `UNASSIGNED`. The columns of another bench are its
sources.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl
import yaml

_FILE = Path(__file__).with_name("columns.yaml")
UNASSIGNED: Final = "unassigned"


@cache
def read_columns() -> Mapping[str, str]:
    """The shipped map: the column of each value of ``source``, upper and lower case apart."""
    listed = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {source: column for column, sources in listed.items() for source in sources}


def assign_columns(sources: pl.Series, own: Mapping[str, str]) -> pl.Series:
    """The column of each item.

    Args:
        sources: The bench's value for each item.
        own: What the catalogue says of values; it goes before the shipped map.
    """
    known = {**read_columns(), **own}
    return sources.replace_strict(known, default=UNASSIGNED, return_dtype=pl.String).alias("column")


def keep_sources(sources: pl.Series, own: Mapping[str, str]) -> pl.Series:
    """The same of a bench whose sources are columns: each its own, but for what `own` says."""
    return sources.replace(own).alias("column")


def count_sources(items: pl.DataFrame) -> pl.DataFrame:
    """How many items there are of each ``source``, with its ``column``; the most first."""
    counts = items.group_by("column", "source").agg(items=pl.len())
    return counts.sort("column", "items", "source", descending=[False, True, False])


def count_columns(items: pl.DataFrame) -> pl.DataFrame:
    """How many items there are of each ``column``."""
    return items.group_by("column").agg(items=pl.len()).sort("column")
