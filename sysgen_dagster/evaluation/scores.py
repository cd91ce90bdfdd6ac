"""Scores as means over items with 95 % intervals, and paired differences of two subjects.

Belongs here: means, means of means, differences, of any benchmark. Does not: what an item is worth
(the room of its benchmark), and how sure a mean is (`intervals`).
"""

import polars as pl

from sysgen_dagster.evaluation.intervals import find_intervals
from sysgen_dagster.evaluation.tables import (
    DIFFERENCE_COLUMNS,
    END_OF_PART,
    ITEM_COLUMNS,
    MOVED,
    SCORE_COLUMNS,
)
from sysgen_dagster.tables.table import polars_schema, require_columns

_SCORE = ("metric", "of")
_PART = (*_SCORE, "part")


def score_items(
    items: pl.DataFrame,
    *,
    subject: str,
    protocol: str,
    judge: str | None = None,
    worth: str | None = None,
    floor: pl.DataFrame | None = None,
    are_shares: bool = True,
    seed: int = 0,
) -> pl.DataFrame:
    """`SCORE_COLUMNS`: one row per score that the items have.

    Args:
        items: `ITEM_COLUMNS` of one subject.
        subject: What is evaluated.
        protocol: How was asked and graded.
        judge: Who graded; None: rules.
        worth: What the judge's gradings are worth; None: rules.
        floor: `ITEM_COLUMNS` of a server that always says "yes".
        are_shares: Whether the values are of 0 to 1; else they are grades or nats.
        seed: Of the draws; all scores see the same ones.
    """
    items = require_columns(items, ITEM_COLUMNS, "the items of a score", "Build them anew.")
    weighed = _weigh(items, _count_parts(items))
    scores = _means(weighed).with_columns(find_intervals(weighed, seed, are_shares=are_shares))
    yes = items.clear() if floor is None else floor
    floors = mean_items(yes).select(*_SCORE, floor="score")
    said = {"subject": subject, "protocol": protocol, "judge": judge, "worth": worth}
    return (
        scores.join(floors, on=_SCORE, how="left", maintain_order="left")
        .with_columns(pl.lit(value, pl.String).alias(name) for name, value in said.items())
        .select(SCORE_COLUMNS.keys())
        .cast(polars_schema(SCORE_COLUMNS))  # type: ignore[arg-type]
    )


def mean_items(items: pl.DataFrame) -> pl.DataFrame:
    """``metric``, ``of``, ``score``, ``items``, ``dropped``: one row per score, without interval.

    Args:
        items: `ITEM_COLUMNS` of one subject.
    """
    return _means(_weigh(items, _count_parts(items)))


def compare_items(first: pl.DataFrame, second: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """`DIFFERENCE_COLUMNS`: the second subject minus the first, over items known of both.

    Of a mean of means each part's items are paired, and the means of their differences averaged:
    what one subject alone has counts for nothing. Where a part has no item that is known of both,
    there is no difference.

    Args:
        first: `ITEM_COLUMNS` of one subject.
        second: Those of another one, of the same benchmark.
        seed: Of the draws.
    """
    identity = [*_SCORE, "item"]
    there = second.select(*identity, other="value")
    paired = (
        first.join(there, on=identity, how="inner", maintain_order="left", validate="1:1")
        .with_columns(value=pl.col("other") - pl.col("value"))
        .drop_nulls("value")
    )
    weighed = _weigh(paired, _count_parts(pl.concat([first, second], how="diagonal_relaxed")))
    has_moved = (pl.col("value").abs() >= MOVED).mean()
    moved = weighed.group_by(_SCORE).agg(
        moved=pl.when(pl.col("part").null_count() == pl.len()).then(has_moved)
    )
    return (
        _means(weighed)
        .with_columns(find_intervals(weighed, seed, are_shares=False))
        .join(moved, on=_SCORE, how="left", maintain_order="left")
        .rename({"score": "difference"})
        .select(DIFFERENCE_COLUMNS.keys())
        .cast(polars_schema(DIFFERENCE_COLUMNS))  # type: ignore[arg-type]
    )


def _with_part(items: pl.DataFrame) -> pl.DataFrame:
    part = pl.col("item").str.extract(f"(?s)^(.*?){END_OF_PART}")
    return items.with_columns(part=part)


def _count_parts(items: pl.DataFrame) -> pl.DataFrame:
    """How many ``parts`` each score has; one that is no mean of means is its only one."""
    parts = _with_part(items).select(_PART).unique()
    return parts.group_by(_SCORE).agg(parts=pl.len())


def _weigh(items: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """The items, with the ``part`` of each and its ``weighed`` value, whose mean is the score.

    Of a mean of means that is how far the item is from the mean of its part, by the weight that the
    part's items have, and from there. So the spread over draws of items is that of the mean of
    means, to first order: a plain sum of weighted values would vary with how many items of each
    part are drawn. Where a part has no known item, nothing is weighed.

    Args:
        items: `ITEM_COLUMNS`, or differences under the same names.
        parts: `_count_parts` of what the score is to have.
    """
    value, known = pl.col("value"), pl.col("value").count()
    with_part = _with_part(items)
    means = (
        with_part.drop_nulls("value")
        .group_by(_PART)
        .agg(mean=value.mean())
        .group_by(_SCORE)
        .agg(of_means=pl.col("mean").mean(), parts_known=pl.len())
    )
    weight = known.over(_SCORE) / (pl.col("parts") * known.over(_PART))
    from_mean = pl.col("of_means") + weight * (value - value.mean().over(_PART))
    is_plain = pl.col("part").is_null()
    return (
        with_part.join(parts, on=_SCORE, how="left", maintain_order="left")
        .join(means, on=_SCORE, how="left", maintain_order="left")
        .with_columns(
            weighed=pl.when(pl.col("parts") == pl.col("parts_known")).then(
                pl.when(is_plain).then(value).otherwise(from_mean)
            )
        )
    )


def _means(weighed: pl.DataFrame) -> pl.DataFrame:
    value = pl.col("value")
    return weighed.group_by(_SCORE, maintain_order=True).agg(
        score=pl.col("weighed").mean(), items=value.count(), dropped=value.null_count()
    )
