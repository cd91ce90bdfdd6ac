"""The 95 % intervals of scores and of differences, by drawing whole clusters of items again.

A draw shows what chance does only where values vary. Where all clusters have the same value, a
share of 0 or 1 has Wilson's interval, and anything else has none: its variance is not known.
"""

from typing import Any, Final, TypeAlias

import numpy as np
import polars as pl

from sysgen_dagster.obedience.agreement import DRAWS
from sysgen_dagster.tables.rates import Z95, wilson_interval

_ENDS: Final = (0.025, 0.975)
_SCORE: Final = ["metric", "of"]
# Cells of draws that are held at once: 16 MiB of integers, and as many of numbers.
_CELLS: Final = 2**21
_Matrix: TypeAlias = "np.ndarray[Any, Any]"


def find_intervals(weighed: pl.DataFrame, seed: int, *, are_shares: bool) -> list[pl.Series]:
    """Columns ``low`` and ``high``: a row for each score, in the order of the items.

    Null where a score, or a part of a mean of means, is known in fewer than two clusters; where
    nothing varies, but for shares of 0 or 1; where half of the draws have none of its items.

    Args:
        weighed: Items with ``part``, null but of a mean of means, and ``weighed``, whose mean is
            the score.
        seed: Of the draws; as many clusters are drawn as there are, for all scores the same.
        are_shares: Whether the values are of 0 to 1; else they are grades, nats or differences.
    """
    value = pl.col("weighed")
    totals, known = _by_cluster(weighed, value.sum()), _by_cluster(weighed, value.count())
    of_draws = np.hsplit(_draw(np.hstack([totals, known]), seed), 2)
    ends: list[tuple[float | None, float | None]] = []
    for at, (_, _, fewest, is_plain) in enumerate(_list_scores(weighed).iter_rows()):
        there = known[:, at] > 0
        means = totals[there, at] / known[there, at]
        if fewest < 2:
            ends.append((None, None))
        elif not np.isclose(means.min(), means.max(), rtol=0):
            ends.append(_quantiles(of_draws[0][:, at], of_draws[1][:, at]))
        elif are_shares and is_plain and means[0] in (0, 1):
            ends.append(wilson_interval(means[0], len(means), Z95))
        else:
            ends.append((None, None))
    return [
        pl.Series(name, [each[end] for each in ends], pl.Float64)
        for end, name in enumerate(("low", "high"))
    ]


def _list_scores(weighed: pl.DataFrame) -> pl.DataFrame:
    """The scores, with the number of clusters of the part that is known in the fewest."""
    is_known = pl.col("weighed").is_not_null()
    parts = weighed.group_by(*_SCORE, "part", maintain_order=True).agg(
        clusters=pl.col("cluster").filter(is_known).n_unique()
    )
    return parts.group_by(_SCORE, maintain_order=True).agg(
        fewest=pl.col("clusters").min(), is_plain=pl.col("part").is_null().all()
    )


def _by_cluster(items: pl.DataFrame, what: pl.Expr) -> _Matrix:
    """A matrix: one row per cluster in the order of their names, one column per score."""
    numbered = items.select(_SCORE).unique(maintain_order=True).with_row_index("score")
    by_cluster = (
        items.join(numbered, on=_SCORE, how="left", maintain_order="left")
        .group_by("cluster", "score")
        .agg(what=what)
    )
    clusters = {name: at for at, name in enumerate(sorted(set(items["cluster"])))}
    matrix = np.zeros((len(clusters), numbered.height))
    for cluster, score, value in by_cluster.iter_rows():
        matrix[clusters[cluster], score] = value
    return matrix


def _draw(of_clusters: _Matrix, seed: int) -> _Matrix:
    """The sum of each column over the clusters of each draw, a row for each draw.

    Some draws at a time: all draws of 50,000 clusters are 1.5 GB. The generator goes on where it
    was, so that how many are held changes none of them.
    """
    clusters = len(of_clusters)
    if not clusters:
        return np.zeros((DRAWS, of_clusters.shape[1]))
    rng, shares, most = np.random.default_rng(seed), [1 / clusters] * clusters, _CELLS // clusters
    return np.concatenate(
        [
            rng.multinomial(clusters, shares, min(max(most, 1), DRAWS - begun)) @ of_clusters
            for begun in range(0, DRAWS, max(most, 1))
        ]
    )


def _quantiles(totals: _Matrix, numbers: _Matrix) -> tuple[float | None, float | None]:
    """The interval from the draws; one counts for nothing where it has no item of the score."""
    is_known = numbers > 0
    if 2 * is_known.sum() <= DRAWS:
        return None, None
    low, high = np.quantile(totals[is_known] / numbers[is_known], _ENDS)
    return float(low), float(high)
