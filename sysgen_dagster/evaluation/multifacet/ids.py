"""A choice among items that is the same everywhere."""

import polars as pl

from sysgen_dagster.catalog.evaluation import EVERY_ITEM, Bench
from sysgen_dagster.tables.content_ids import digest_of_text


def choose_items(items: pl.DataFrame, bench: Bench) -> pl.DataFrame:
    """As many of the items as the catalogue wants, drawn by a hash of their ids, in their order.

    Args:
        items: With ``item``.
        bench: How many are wanted; another seed draws others.
    """
    if bench.items == EVERY_ITEM:
        return items
    ordered = sorted(items["item"], key=lambda item: digest_of_text(f"{bench.seed}/{item}"))
    drawn = ordered[: bench.items]
    return items.filter(pl.col("item").is_in(drawn))
