"""Scores are means over what is known, with intervals by cluster; differences are paired."""

import tracemalloc
from collections.abc import Sequence

import polars as pl
import pytest

from sysgen_dagster.evaluation import intervals
from sysgen_dagster.evaluation.scores import compare_items, score_items
from sysgen_dagster.evaluation.tables import (
    DIFFERENCE_COLUMNS,
    END_OF_PART,
    ITEM_COLUMNS,
    SCORE_COLUMNS,
    TOTAL,
)
from sysgen_dagster.tables.table import TableError, polars_schema

Value = float | None


def items(
    values: Sequence[Value],
    *,
    metric: str = "rate",
    of: str = TOTAL,
    clusters: Sequence[str] | None = None,
) -> pl.DataFrame:
    names = [f"item-{number}" for number in range(len(values))]
    rows = {
        "metric": [metric] * len(values),
        "of": [of] * len(values),
        "item": names,
        "cluster": names if clusters is None else list(clusters),
        "value": values,
        "drop_reason": ["unread" if value is None else None for value in values],
    }
    return pl.DataFrame(rows, schema=polars_schema(ITEM_COLUMNS))


def score(rows: pl.DataFrame, floor: pl.DataFrame | None = None, seed: int = 0) -> pl.DataFrame:
    return score_items(rows, subject="owl", protocol="as asked", floor=floor, seed=seed)


def only(frame: pl.DataFrame) -> dict[str, object]:
    [row] = frame.to_dicts()
    return row


def test_a_score_is_the_mean_of_what_is_known_and_says_how_many_items_are_not() -> None:
    found = only(score(items([1.0, 0.0, 1.0, None, None])))

    assert found["score"] == pytest.approx(2 / 3)
    assert (found["items"], found["dropped"]) == (3, 2)
    assert (found["subject"], found["protocol"]) == ("owl", "as asked")


def test_scores_have_their_declared_columns_in_the_order_of_the_items() -> None:
    rows = pl.concat([items([1.0], of="b"), items([0.0], of="a"), items([1.0], metric="other")])
    found = score(rows)

    assert found.schema == polars_schema(SCORE_COLUMNS)
    assert found.select("metric", "of").rows() == [("rate", "b"), ("rate", "a"), ("other", TOTAL)]


def test_no_items_are_no_scores() -> None:
    assert score(items([])).is_empty()


def test_items_of_which_nothing_is_known_are_a_score_of_null() -> None:
    found = only(score(items([None, None])))

    assert found["score"] is found["low"] is found["high"] is None
    assert (found["items"], found["dropped"]) == (0, 2)


def test_a_single_known_item_has_no_interval() -> None:
    found = only(score(items([1.0, None, None])))

    assert found["score"] == 1.0
    assert found["low"] is found["high"] is None


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
        (items([1.0] * 8, metric="multifacet"), "grades"),
        (items([1.0] * 8, clusters=["a"] * 8), "one cluster"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_where_nothing_varies_how_sure_a_mean_is_is_not_known(rows: pl.DataFrame, why: str) -> None:
    found = only(score(rows))

    assert found["score"] is not None
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


def test_the_interval_of_a_rate_is_about_that_of_the_normal_approximation() -> None:
    found = only(score(items([1.0] * 300 + [0.0] * 100)))

    # 1.96 times the root of 0.75 times 0.25 through 400
    assert found["low"] == pytest.approx(0.75 - 0.0424, abs=0.006)
    assert found["high"] == pytest.approx(0.75 + 0.0424, abs=0.006)


def test_items_of_a_cluster_are_drawn_together() -> None:
    values = ([1.0] * 5 + [0.0] * 5) * 20
    alone, together = (
        only(score(items(values, clusters=clusters)))
        for clusters in (None, [str(number // 5) for number in range(200)])
    )

    def width(found: dict[str, object]) -> float:
        return float(str(found["high"])) - float(str(found["low"]))

    assert width(together) > 1.8 * width(alone)


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    rows = items([1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0])

    assert score(rows, seed=1).equals(score(rows, seed=1))
    many = items([1.0, 0.3, 0.7, 0.1] * 25)
    assert not score(many, seed=1).equals(score(many, seed=2))


def test_the_order_of_the_items_changes_no_interval() -> None:
    rows = items([1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0])

    assert score(rows.reverse()).equals(score(rows))


def test_the_floor_stands_beside_the_score_of_its_name() -> None:
    rows = pl.concat([items([1.0, 1.0]), items([1.0], of="a")])
    found = score(rows, floor=items([0.0, 1.0]))

    assert dict(found.select("of", "floor").iter_rows()) == {TOTAL: 0.5, "a": None}


def test_items_without_a_column_are_refused() -> None:
    with pytest.raises(TableError, match="no column 'cluster'"):
        score(items([1.0]).drop("cluster"))


def test_a_difference_is_over_items_known_of_both() -> None:
    first, second = items([0.0, 0.0, None, 1.0]), items([1.0, 0.0, 1.0, None])
    found = compare_items(first, second)

    assert found.schema == polars_schema(DIFFERENCE_COLUMNS)
    assert only(found)["difference"] == 0.5
    assert (only(found)["items"], only(found)["moved"]) == (2, 0.5)


def test_items_are_paired_by_their_id_and_not_by_their_order() -> None:
    first = items([0.0, 1.0, 1.0, 0.0])

    found = only(compare_items(first, first.reverse()))

    assert found["difference"] == 0.0
    assert found["moved"] == 0.0


def test_pairing_shrinks_the_interval_of_subjects_that_fail_at_the_same_items() -> None:
    values = [1.0, 0.0] * 100
    better = [1.0, 0.0] * 95 + [1.0, 1.0] * 5
    found = only(compare_items(items(values), items(better)))

    assert found["difference"] == pytest.approx(0.025)
    assert float(str(found["low"])) > 0  # as two independent rates it would reach far below


def test_a_score_that_one_subject_lacks_has_no_difference() -> None:
    first = pl.concat([items([1.0], of="a"), items([1.0], of="b")])

    assert compare_items(first, items([1.0], of="b"))["of"].to_list() == ["b"]
