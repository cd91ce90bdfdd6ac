"""Where draws of clusters say how sure a mean is, where something else does, and where nothing."""

import tracemalloc
from collections.abc import Sequence

import polars as pl
import pytest

from sysgen_dagster.evaluation import intervals
from sysgen_dagster.evaluation.scores import compare_items, score_items
from sysgen_dagster.evaluation.tables import END_OF_PART
from sysgen_dagster_tests.evaluation.test_scores import Value, items, only, score


@pytest.mark.parametrize(
    ("value", "clusters", "low", "high"),
    [(1.0, 21, 0.8454, 1.0), (0.0, 21, 0.0, 0.1546), (0.0, 5, 0.0, 0.4345)],
)
def test_a_share_of_none_or_all_has_wilson_s_interval_of_as_many_clusters(
    value: float, clusters: int, low: float, high: float
) -> None:
    names = [str(number % clusters) for number in range(3 * clusters)]
    found = only(score(items([value] * len(names), clusters=names)))

    assert [found["low"], found["high"]] == pytest.approx([low, high], abs=1e-4)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (items([0.5] * 8), "a share of which every item is a half"),
        (items([1.0, 0.0] * 4, clusters=list("aabbccdd")), "half of each cluster"),
        (items([1.0] * 8, clusters=["a"] * 8), "one cluster"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_where_nothing_varies_how_sure_a_mean_is_is_not_known(rows: pl.DataFrame, why: str) -> None:
    found = only(score(rows))

    assert found["score"] is not None
    assert found["low"] is found["high"] is None


def test_grades_that_are_all_one_have_no_interval_of_a_share() -> None:
    found = only(score_items(items([1.0] * 8), subject="owl", protocol="", are_shares=False))

    assert found["score"] == 1.0
    assert found["low"] is found["high"] is None


@pytest.mark.parametrize("change", [0.0, 1.0])
def test_where_all_items_differ_alike_the_difference_has_no_interval(change: float) -> None:
    found = only(compare_items(items([0.0] * 5), items([change] * 5)))

    assert found["difference"] == change
    assert found["low"] is found["high"] is None


def in_parts(**values: Sequence[Value]) -> pl.DataFrame:
    """Items of a mean of means."""
    named = [
        items(each).with_columns(item=pl.lit(f"{part}{END_OF_PART}") + pl.col("item"))
        for part, each in values.items()
    ]
    return pl.concat(named)


@pytest.mark.parametrize(
    "rows",
    [in_parts(a=[0.1], b=[0.5], c=[0.7]), in_parts(a=[0.1, 0.3] * 50, b=[0.5]), in_parts(a=[1.0])],
    ids=["an-item-each", "one-with-an-item", "one-part"],
)
def test_a_mean_of_which_a_part_has_one_item_has_no_interval(rows: pl.DataFrame) -> None:
    found = only(score(rows))

    assert found["score"] is not None
    assert found["low"] is found["high"] is None


@pytest.mark.parametrize("cells", [1, 60, 1000])
def test_how_many_draws_are_held_at_once_changes_no_interval(
    cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = items([1.0, 0.0, 0.25, None] * 5)
    at_once = score(rows)
    monkeypatch.setattr(intervals, "_CELLS", cells)

    assert score(rows).equals(at_once)


def test_the_draws_of_many_clusters_are_not_held_all_at_once() -> None:
    rows = items([1.0, 0.0] * 6_000)
    tracemalloc.start()
    score(rows)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 64 * 2**20  # all at once they are 192 MB, and once more as floats
