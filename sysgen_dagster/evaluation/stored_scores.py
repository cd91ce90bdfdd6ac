"""Whether stored scores are those of the gradings that are stored beside them.

They are not where gradings were made again and a run was killed before their scores.
"""

from typing import Final

import polars as pl

from sysgen_dagster.evaluation.scores import mean_items
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition

_SCORE = ("metric", "of")
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
        ``metric``, ``of``, both values and counts of each score that differs in one of them, and of
        one that either side lacks. A score of no items may be listed or not.
    """
    there = mean_items(items)
    both = scores.select(there.columns).join(
        there, on=_SCORE, how="full", coalesce=True, suffix="_of_gradings"
    )
    apart = (pl.col("score") - pl.col("score_of_gradings")).abs() > _SAME
    one_alone = pl.col("score").is_null() != pl.col("score_of_gradings").is_null()
    counted = [
        pl.col(name).fill_null(0) != pl.col(f"{name}_of_gradings").fill_null(0)
        for name in ("items", "dropped")
    ]
    return both.filter(pl.any_horizontal(apart.fill_null(value=False), one_alone, *counted))
