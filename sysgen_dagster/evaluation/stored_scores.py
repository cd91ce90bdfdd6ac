"""Whether stored scores are those of the gradings that are stored beside them.

They are not where gradings were made again and a run was killed before their scores.
"""

from typing import Final

import polars as pl

from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition

_SCORE = ("metric", "of")
_MEAN_OF_MEANS: Final = "mean of "  # begins what a score is of that is no plain mean of its items
_SAME: Final = 1e-9


def is_evaluated(store: Store, suite: Suite, subject: str) -> bool:
    """Whether gradings of a subject are stored, and scores that are theirs."""
    at = Partition(subject=subject)
    if not all(store.holds(table, at) for table in (suite.gradings, suite.scores)):
        return False
    scores = store.read(suite.scores, at, *_SCORE, "score", "items", "dropped")
    items = suite.build_items(store.read(suite.gradings, at))
    return find_other_scores(scores, items).is_empty()


def find_other_scores(scores: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The scores that are not those of these items.

    Args:
        scores: `SCORE_COLUMNS`, or those of them that say which score it is, its value and counts.
        items: `ITEM_COLUMNS`.

    Returns:
        ``metric``, ``of``, both values and counts of each score whose counts are others or, where
        it is a plain mean, whose value is; a row, too, for one that either side lacks. A score of
        no items may be listed or not.
    """
    value = pl.col("value")
    there = items.group_by(_SCORE).agg(
        score=value.mean(), items=value.count(), dropped=value.null_count()
    )
    both = scores.select(*_SCORE, "score", "items", "dropped").join(
        there, on=_SCORE, how="full", coalesce=True, suffix="_of_gradings"
    )
    is_plain = ~pl.col("of").str.starts_with(_MEAN_OF_MEANS)
    apart = (pl.col("score") - pl.col("score_of_gradings")).abs() > _SAME
    is_other = (
        apart | (pl.col("score").is_null() != pl.col("score_of_gradings").is_null())
    ).fill_null(value=False)
    counted = [
        pl.col(name).fill_null(0) != pl.col(f"{name}_of_gradings").fill_null(0)
        for name in ("items", "dropped")
    ]
    return both.filter(pl.any_horizontal(is_plain & is_other, *counted))
