"""How far people bear out the bench: with the judge, with each other, and what was not counted."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.obedience.agreement import quadratic_kappa
from sysgen_dagster.review.bench_agreement import AGREEMENT, ALL, BETWEEN, measure_agreement
from sysgen_dagster.review.tables import BENCH_REVIEWS

DIMENSIONS = ("style", "harmlessness")


def reviews(name: str, said: Sequence[tuple[int, int, bool] | str], judge: int = 2) -> pl.DataFrame:
    """What a reviewer says of the two rubrics of as many items; a text is a drop reason."""
    names = ("reference_score", "sibling_score", "fits")
    rows: list[dict[str, Any]] = []
    for number, each in enumerate(said):
        reason = {"drop_reason": each} if isinstance(each, str) else {}
        rows.append(
            {
                **dict.fromkeys(BENCH_REVIEWS.names),
                "item": f"item {number // 2}",
                "dimension": DIMENSIONS[number % 2],
                "reviewer": name,
                "judge_reference_score": 5,
                "judge_sibling_score": judge,
                **(reason or dict(zip(names, each, strict=True))),
            }
        )
    return pl.DataFrame(rows, schema=BENCH_REVIEWS.schema)


def row_of(found: pl.DataFrame, reviewer: str) -> dict[str, Any]:
    [row] = found.filter(reviewer=reviewer).rows(named=True)
    return row


def test_a_reviewer_who_says_what_the_judge_says_agrees_wholly() -> None:
    row = row_of(measure_agreement(reviews("lea", [(5, 2, True)] * 8)), "lea")

    assert (row["rubrics"], row["kappa"], row["kappa_low"]) == (8, 1.0, 1.0)
    assert (row["reference_better"], row["tied"], row["fits"]) == (1.0, 0.0, 1.0)


def test_the_figures_are_of_both_answers_and_their_intervals_of_whole_items() -> None:
    said = [(5, 2, True), (4, 3, True), (3, 3, False), (2, 5, True)] * 5
    row = row_of(measure_agreement(reviews("lea", said)), "lea")

    pairs = {(5, 5): 5, (5, 4): 5, (5, 3): 5, (5, 2): 5, (2, 2): 5, (2, 3): 10, (2, 5): 5}
    assert row["kappa"] == pytest.approx(quadratic_kappa(pairs))
    assert row["kappa_low"] < row["kappa"] < row["kappa_high"]
    assert (row["reference_better"], row["tied"], row["fits"]) == (0.5, 0.25, 0.75)
    assert row["reference_better_low"] < 0.5 < row["reference_better_high"]


def test_rows_that_say_nothing_are_counted_with_their_reason_and_no_more() -> None:
    said = [(5, 2, True), "half_filled", "empty", "empty"]
    row = row_of(measure_agreement(reviews("lea", said)), "lea")

    assert row["rubrics"] == 1
    assert row["not_counted"] == "empty 2, half_filled 1"


def test_two_reviewers_are_measured_together_apart_and_against_each_other() -> None:
    lea = reviews("lea", [(5, 2, True), (5, 1, True), (4, 2, True), (4, 4, True)])
    tom = reviews("tom", [(5, 2, True), (5, 1, False), "empty", (1, 4, True)])
    found = measure_agreement(pl.concat([tom, lea]))

    assert found["reviewer"].to_list() == [ALL, "lea", "tom", BETWEEN]
    assert row_of(found, ALL)["rubrics"] == 7
    between = row_of(found, BETWEEN)
    assert between["rubrics"] == 3
    assert between["kappa"] == pytest.approx(
        quadratic_kappa({(5, 5): 2, (2, 2): 1, (1, 1): 1, (4, 1): 1, (4, 4): 1})
    )
    assert between["fits"] is None


def test_reviewers_of_other_rubrics_are_not_compared() -> None:
    lea = reviews("lea", [(5, 2, True), (4, 3, True)])
    tom = reviews("tom", [(5, 2, True)]).with_columns(item=pl.lit("another"))

    assert row_of(measure_agreement(pl.concat([lea, tom])), BETWEEN)["rubrics"] == 0


def test_nobody_s_reviews_have_no_figures() -> None:
    found = measure_agreement(BENCH_REVIEWS.empty())
    assert found.is_empty()
    assert dict(found.schema) == dict(AGREEMENT)
