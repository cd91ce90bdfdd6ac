"""Scores are means over what is known, with intervals by cluster; differences are paired."""

from collections.abc import Sequence

import polars as pl
import pytest

from sysgen_dagster.evaluation.scores import compare_items, score_items
from sysgen_dagster.evaluation.tables import (
    DIFFERENCE_COLUMNS,
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
