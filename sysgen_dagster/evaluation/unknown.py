"""How many items of a score nobody knows, and why: a check bounds it, a comparison remarks it."""

import polars as pl

from sysgen_dagster.evaluation.tables import LEFT_OUT
from sysgen_dagster.tables.rates import count_drops

# Our choice. A score of 0 or 1 of which 5 % of the items are unknown may be off by 5 points, which
# is as much as chance moves the mean of 400 items.
MOST_UNKNOWN = 0.05


def find_unknown(items: pl.DataFrame) -> pl.DataFrame:
    """How much of each score is unknown: a row for each score of which any item was asked.

    Args:
        items: `ITEM_COLUMNS` of a subject.

    Returns:
        ``metric`` and ``of``, ``unknown`` and ``asked`` items, the ``share`` of these that is
        unknown, and ``said``: the counts with the drop reasons, in words.
    """
    is_unknown = pl.col("value").is_null()
    is_left_out = pl.col("drop_reason").is_in(list(LEFT_OUT)).fill_null(value=False)
    asked = items.filter(~(is_unknown & is_left_out))
    rows = []
    for (metric, of), each in asked.group_by("metric", "of", maintain_order=True):
        unknown = each.filter(is_unknown)
        said = f"{unknown.height:,} of {each.height:,} items unknown: {say_reasons(unknown)}"
        rows.append((metric, of, unknown.height, each.height, unknown.height / each.height, said))
    schema = {"metric": pl.String, "of": pl.String, "unknown": pl.Int64, "asked": pl.Int64}
    return pl.DataFrame(rows, {**schema, "share": pl.Float64, "said": pl.String}, orient="row")


def say_reasons(rows: pl.DataFrame) -> str:
    """How many rows each drop reason took, the most first; `rows` has ``drop_reason``."""
    drops = count_drops(rows)
    return ", ".join(f"{reason} {number:,}" for reason, number in drops.items()) or "no reason"
