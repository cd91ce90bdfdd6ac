"""How far people bear out the second lane's bench: their scores of blind sheets, and the judge's.

A bench has only rubrics by which the judge gave the reference 4 or 5 and the sibling's answer less.
So its scores say the same of every item, and a person agrees by saying it without knowing which
answer is which.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import polars as pl

from sysgen_dagster.obedience.agreement import bootstrap_intervals, quadratic_kappa
from sysgen_dagster.tables.rates import count_drops

ALL: Final = "all"
BETWEEN: Final = "between reviewers"
_Rows = Sequence[Mapping[str, Any]]  # what reviewers say of rubrics of one item

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
    parts = {ALL: reviews} if reviewers else {}
    parts |= {name: reviews.filter(reviewer=name) for name in reviewers}
    rows = [{"reviewer": name, **_measure(part)} for name, part in parts.items()]
    if len(reviewers) > 1:
        rows.append({"reviewer": BETWEEN, **_measure_between(reviews)})
    return pl.DataFrame(rows, schema=AGREEMENT)


def _measure(reviews: pl.DataFrame) -> dict[str, Any]:
    counted = reviews.filter(pl.col("drop_reason").is_null())
    items = _by_item(counted)
    statistics = {"kappa": _kappa_with_judge, "reference_better": _is_better, "fits": _fits}
    found: dict[str, Any] = {"rubrics": counted.height}
    intervals = bootstrap_intervals(items, statistics)
    for name, statistic in statistics.items():
        found[name] = statistic(items)
        found[f"{name}_low"], found[f"{name}_high"] = intervals[name] or (None, None)
    drops = count_drops(reviews)
    return found | {
        "tied": _share(row["reference_score"] == row["sibling_score"] for row in _flat(items)),
        "not_counted": ", ".join(f"{reason} {count}" for reason, count in drops.items()),
    }


def _measure_between(reviews: pl.DataFrame) -> dict[str, Any]:
    counted = reviews.filter(pl.col("drop_reason").is_null())
    twice = counted.filter(pl.len().over("item", "dimension") > 1)
    items = _by_item(twice)
    interval = bootstrap_intervals(items, {"kappa": _kappa_between})["kappa"]
    low, high = interval or (None, None)
    number = twice.select("item", "dimension").n_unique() if twice.height else 0
    return {
        "rubrics": number,
        "kappa": _kappa_between(items),
        "kappa_low": low,
        "kappa_high": high,
    }


def _by_item(reviews: pl.DataFrame) -> list[_Rows]:
    return [part.to_dicts() for part in reviews.partition_by("item", maintain_order=True)]


def _flat(items: Sequence[_Rows]) -> Iterator[Mapping[str, Any]]:
    return (row for rows in items for row in rows)


def _share(found: Iterator[bool]) -> float | None:
    each = [*found]
    return sum(each) / len(each) if each else None


def _kappa_with_judge(items: Sequence[_Rows]) -> float | None:
    answers = ("reference", "sibling")
    return quadratic_kappa(
        Counter(
            (row[f"judge_{answer}_score"], row[f"{answer}_score"])
            for row in _flat(items)
            for answer in answers
        )
    )


def _kappa_between(items: Sequence[_Rows]) -> float | None:
    pairs: Counter[tuple[float, float]] = Counter()
    for rows in items:
        for one, other in combinations(rows, 2):
            if one["dimension"] == other["dimension"]:
                pairs[one["reference_score"], other["reference_score"]] += 1
                pairs[one["sibling_score"], other["sibling_score"]] += 1
    return quadratic_kappa(pairs)


def _is_better(items: Sequence[_Rows]) -> float | None:
    return _share(row["reference_score"] > row["sibling_score"] for row in _flat(items))


def _fits(items: Sequence[_Rows]) -> float | None:
    return _share(row["fits"] for row in _flat(items))
