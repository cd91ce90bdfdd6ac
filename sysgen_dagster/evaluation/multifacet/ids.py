"""Ids of items by their content, and a choice among items that is the same everywhere."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from sysgen_dagster.catalog.evaluation import EVERY_ITEM, Bench


def number_items(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """An id for each row, by its content; equal rows are told apart by their number."""
    times: Counter[str] = Counter()
    ids = []
    for row in rows:
        digest = _digest(json.dumps(row, sort_keys=True))
        times[digest] += 1
        ids.append(digest if times[digest] == 1 else f"{digest}-{times[digest]}")
    return ids


def choose_items(items: pl.DataFrame, bench: Bench) -> pl.DataFrame:
    """As many of the items as the catalogue wants, drawn by a hash of their ids, in their order.

    Args:
        items: With ``item``.
        bench: How many are wanted; another seed draws others.
    """
    if bench.items == EVERY_ITEM:
        return items
    ordered = sorted(items["item"], key=lambda item: _digest(f"{bench.seed}/{item}"))
    drawn = ordered[: bench.items]
    return items.filter(pl.col("item").is_in(drawn))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
