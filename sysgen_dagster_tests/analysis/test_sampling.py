"""Which rows are in a sample."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.analysis.sampling import draw_stratified_sample

ROWS = pl.DataFrame(
    [(f"{source}-{n}", source, n) for source, rows in (("b", 50), ("a", 30)) for n in range(rows)],
    schema={"conversation_id": pl.String, "source": pl.String, "number": pl.Int64},
    orient="row",
)


def test_a_sample_takes_as_many_rows_of_each_source_or_all_there_are() -> None:
    sample = draw_stratified_sample(ROWS, 40, seed=0)

    assert dict(sample.group_by("source").len().iter_rows()) == {"a": 30, "b": 40}
    assert sample["conversation_id"].is_unique().all()
    assert sample.columns == ROWS.columns
    assert sample.join(ROWS, on=ROWS.columns, how="anti").is_empty()


def test_these_rows_are_taken_in_any_version() -> None:
    taken = draw_stratified_sample(ROWS, 3, seed=0)["conversation_id"].to_list()

    assert taken == ["a-8", "a-1", "a-22", "b-49", "b-7", "b-28"]


@given(st.permutations(range(ROWS.height)), st.integers(0, 60))
def test_the_order_of_the_rows_makes_no_difference(order: list[int], per_source: int) -> None:
    shuffled = draw_stratified_sample(ROWS[order], per_source, seed=0)

    assert shuffled.equals(draw_stratified_sample(ROWS, per_source, seed=0))


@given(st.lists(st.integers(0, 3), min_size=ROWS.height, max_size=ROWS.height))
def test_the_sample_of_the_shards_samples_is_the_sample_of_all_rows(shards: list[int]) -> None:
    sharded = ROWS.with_columns(pl.Series("shard", shards))
    parts = [draw_stratified_sample(part, 7, seed=0) for part in sharded.partition_by("shard")]

    merged = draw_stratified_sample(pl.concat(parts).drop("shard"), 7, seed=0)
    assert merged.equals(draw_stratified_sample(ROWS, 7, seed=0))


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_larger_sample_holds_the_smaller_one(small: int, large: int) -> None:
    held = draw_stratified_sample(ROWS, max(small, large), seed=0)["conversation_id"]

    assert (
        draw_stratified_sample(ROWS, min(small, large), seed=0)["conversation_id"].is_in(held).all()
    )


def test_another_seed_takes_other_rows() -> None:
    taken = [
        draw_stratified_sample(ROWS, 10, seed)["conversation_id"].to_list() for seed in range(3)
    ]

    assert len({tuple(ids) for ids in taken}) == 3


def test_every_row_is_taken_about_as_often_as_any_other() -> None:
    counts = pl.concat([draw_stratified_sample(ROWS, 15, seed) for seed in range(400)])
    of_a = counts.filter(pl.col("source") == "a")["conversation_id"].value_counts()["count"]

    # 200 of 400 are expected of each of the 30 rows, give or take 10; this is 4.5 times that.
    assert of_a.len() == 30
    assert of_a.to_list() == pytest.approx([200] * 30, abs=45)


def test_a_sample_of_nothing_is_nothing() -> None:
    assert draw_stratified_sample(ROWS.clear(), 5, seed=0).schema == ROWS.schema
    assert draw_stratified_sample(ROWS, 0, seed=0).is_empty()
