"""How far people bear out the second lane's bench: their scores of blind sheets, and the judge's.

A bench has only rubrics by which the judge gave the reference 4 or 5 and the sibling's answer less.
So its scores say the same of every item, and a person agrees by saying it without knowing which
answer is which.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final, NamedTuple

import polars as pl

from sysgen_dagster.obedience.agreement import bootstrap_intervals, quadratic_kappa
from sysgen_dagster.tables.rates import count_drops
from sysgen_dagster.tables.table import kept

ALL: Final = "all"
BETWEEN: Final = "between reviewers"
_ANSWERS: Final = ("reference", "sibling")


class _Item(NamedTuple):
    """What is counted of an item: pairs of scores, and of how many rubrics something is true."""

    pairs: tuple[tuple[float, float], ...]
    rubrics: int = 0
    better: int = 0
    tied: int = 0
    fits: int = 0


# One row per reviewer behind one of all, then one of what reviewers say of the same rubrics.
# Intervals are of 95 %, by drawing whole items.
AGREEMENT = pl.Schema(
    {
        "reviewer": pl.String(),
        "rubrics": pl.UInt32(),  # with what is needed; of `BETWEEN` with two scores or more
        **{
            f"{name}{end}": pl.Float64()
            for name in ("kappa", "reference_better", "fits")
            for end in ("", "_low", "_high")
        },
        "tied": pl.Float64(),  # share of rubrics by which both answers get the same score
        "not_counted": pl.String(),  # rows by the reason why they say nothing
    }
)


def measure_agreement(reviews: pl.DataFrame) -> pl.DataFrame:
    """`AGREEMENT` of `tables.BENCH_REVIEWS`.

    ``kappa`` has quadratic weights: of people's scores with the judge's, of both answers; between
    reviewers with each other, of every two that scored the same.
    """
    reviewers = reviews["reviewer"].unique().sort().to_list()
    rows = [measure_all(reviews)] if reviewers else []
    rows += [measure_all(reviews.filter(reviewer=name)) | {"reviewer": name} for name in reviewers]
    if len(reviewers) > 1:
        rows.append(_measure_between(reviews))
    return pl.DataFrame(rows, schema=AGREEMENT)


def measure_all(reviews: pl.DataFrame) -> dict[str, Any]:
    """The row of `AGREEMENT` of all reviewers."""
    items = Counter(_count(part.to_dicts()) for part in _by_item(kept(reviews)))
    statistics = {"kappa": _kappa, "reference_better": _share_better, "fits": _share_fits}
    intervals = bootstrap_intervals(items, statistics)
    found: dict[str, Any] = {"reviewer": ALL, "rubrics": _sum(items, lambda item: item.rubrics)}
    for name, statistic in statistics.items():
        low, high = intervals[name] or (None, None)
        found |= {name: statistic(items), f"{name}_low": low, f"{name}_high": high}
    drops = count_drops(reviews)
    return found | {
        "tied": _share(items, lambda item: item.tied),
        "not_counted": ", ".join(f"{reason} {count}" for reason, count in drops.items()),
    }


def _measure_between(reviews: pl.DataFrame) -> dict[str, Any]:
    twice = kept(reviews).filter(pl.len().over("item", "dimension") > 1)
    items = Counter(_Item((*_pair_reviewers(part.to_dicts()),)) for part in _by_item(twice))
    low, high = bootstrap_intervals(items, {"kappa": _kappa})["kappa"] or (None, None)
    return {
        "reviewer": BETWEEN,
        "rubrics": twice.select("item", "dimension").unique().height,
        "kappa": _kappa(items),
        "kappa_low": low,
        "kappa_high": high,
    }


def _by_item(reviews: pl.DataFrame) -> list[pl.DataFrame]:
    return reviews.partition_by("item", maintain_order=True) if reviews.height else []


def _count(rows: Sequence[Mapping[str, Any]]) -> _Item:
    return _Item(
        tuple(
            (row[f"judge_{answer}_score"], row[f"{answer}_score"])
            for row in rows
            for answer in _ANSWERS
        ),
        rubrics=len(rows),
        better=sum(row["reference_score"] > row["sibling_score"] for row in rows),
        tied=sum(row["reference_score"] == row["sibling_score"] for row in rows),
        fits=sum(row["fits"] for row in rows),
    )


def _pair_reviewers(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, float]]:
    for one, other in combinations(rows, 2):
        if one["dimension"] == other["dimension"]:
            yield from ((one[f"{each}_score"], other[f"{each}_score"]) for each in _ANSWERS)


def _kappa(items: Mapping[_Item, int]) -> float | None:
    said = Counter[tuple[float, float]]()
    for item, times in items.items():
        for pair in item.pairs:
            said[pair] += times
    return quadratic_kappa(said)


def _share_better(items: Mapping[_Item, int]) -> float | None:
    return _share(items, lambda item: item.better)


def _share_fits(items: Mapping[_Item, int]) -> float | None:
    return _share(items, lambda item: item.fits)


def _share(items: Mapping[_Item, int], count: Callable[[_Item], int]) -> float | None:
    rubrics = _sum(items, lambda item: item.rubrics)
    return _sum(items, count) / rubrics if rubrics else None


def _sum(items: Mapping[_Item, int], count: Callable[[_Item], int]) -> int:
    return sum(times * count(item) for item, times in items.items())
