"""Subjects beside each other and beside the paper: scores, paired differences, remarks."""

import polars as pl
import pytest

from sysgen_dagster.evaluation.comparisons.comparing import compare_subjects
from sysgen_dagster.evaluation.comparisons.tables import COMPARISON_COLUMNS
from sysgen_dagster.evaluation.multifacet.scores import MEAN_OF_COLUMNS
from sysgen_dagster.lanes.sysgen import paper
from sysgen_dagster_tests.evaluation.comparisons.small_evaluations import (
    compared,
    evaluated,
    items,
    row_of,
)

BASE, TAUGHT = compared("base"), compared("taught", against="base")


def test_each_score_stands_with_its_interval_and_what_it_was_dropped_of() -> None:
    rows = compare_subjects("riddles", [BASE], {"base": evaluated(items([1, 0, 1, None]))})

    assert rows.columns == [*COMPARISON_COLUMNS]
    row = row_of(rows, subject="base")
    assert row["score"] == pytest.approx(2 / 3)
    assert row["low"] <= row["score"] <= row["high"]
    assert (row["items"], row["dropped"]) == (3, 1)
    assert (row["against"], row["difference"]) == (None, None)
    assert row["remarks"] == "1 of 4 items unknown: no_verdict 1"


def test_a_difference_is_paired_over_the_items_that_are_known_of_both() -> None:
    rows = compare_subjects(
        "riddles",
        [BASE, TAUGHT],
        {
            "base": evaluated(items([0, 0, 1, None, 1])),
            "taught": evaluated(items([1, 0, 1, 1, None])),
        },
    )

    row = row_of(rows, subject="taught")
    assert row["against"] == "base"
    assert row["difference"] == pytest.approx(1 / 3)
    assert row["paired_items"] == 3
    assert row["moved"] == pytest.approx(1 / 3)
    assert row["difference_low"] <= row["difference"] <= row["difference_high"]


def test_subjects_without_an_item_in_common_have_no_difference() -> None:
    rows = compare_subjects(
        "riddles",
        [BASE, TAUGHT],
        {"base": evaluated(items([1, 0])), "taught": evaluated(items([1, 0], begin=2))},
    )

    row = row_of(rows, subject="taught")
    assert row["difference"] is None
    assert row["remarks"].startswith("no difference from base: no item of it")


def test_a_score_that_the_other_subject_has_not_is_compared_with_none() -> None:
    """As an average over tasks of which the other one has others: its name says which."""
    other = items([1, 0]).with_columns(of=pl.lit("elsewhere"))
    rows = compare_subjects(
        "riddles", [BASE, TAUGHT], {"base": evaluated(other), "taught": evaluated(items([1, 0]))}
    )

    remarks = row_of(rows, subject="taught")["remarks"]
    assert remarks.startswith("no difference from base: it has no score of the same parts")


def test_a_subject_that_is_not_evaluated_is_named_with_what_to_do() -> None:
    rows = compare_subjects("riddles", [BASE, TAUGHT], {"base": evaluated(items([1, 0]))})

    row = row_of(rows, subject="taught")
    assert (row["metric"], row["score"]) == (None, None)
    assert row["remarks"] == "not evaluated: sysgen evaluate riddles --subject taught"


def test_a_difference_from_what_is_not_evaluated_is_missing_and_said_to_be() -> None:
    rows = compare_subjects("riddles", [BASE, TAUGHT], {"taught": evaluated(items([1, 0]))})

    row = row_of(rows, subject="taught")
    assert (row["against"], row["difference"]) == (None, None)
    assert "base, which it is compared with, is not evaluated" in row["remarks"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"protocol": "asked five times"}, "base was asked or graded otherwise"),
        ({"judge": "hawk"}, "base was graded by another judge"),
        ({"judge": "taught"}, "it graded itself"),
        ({"is_made_up": True}, "no model wrote its answers"),
    ],
)
def test_what_makes_a_row_hard_to_believe_is_remarked(said: dict[str, object], words: str) -> None:
    rows = compare_subjects(
        "riddles",
        [BASE, TAUGHT],
        {
            "base": evaluated(items([1, 0])),
            "taught": evaluated(items([1, 1]), **said),  # type: ignore[arg-type]
        },
    )

    assert words in row_of(rows, subject="taught")["remarks"]


def test_scores_that_were_asked_and_graded_alike_have_no_remark() -> None:
    both = {name: evaluated(items([1, 0]), judge="hawk") for name in ("base", "taught")}

    assert compare_subjects("riddles", [BASE, TAUGHT], both)["remarks"].null_count() == 2


LLAMA = compared("base", published_as="llama-3.1-8b")
TAUGHT_LLAMA = compared("taught", published_as="llama-3.1-8b-sysgen", against="base")
COLUMNS = pl.concat(
    [
        items([4, 5], "multifacet", MEAN_OF_COLUMNS),
        items([4], "multifacet", "FLASK"),
        items([5], "multifacet", "Koala", begin=1),
    ]
)


def test_the_paper_s_figures_and_their_difference_stand_beside_ours() -> None:
    both = {name: evaluated(COLUMNS) for name in ("base", "taught")}
    rows = compare_subjects("multifacet", [LLAMA, TAUGHT_LLAMA], both)

    mean = row_of(rows, subject="taught", of=MEAN_OF_COLUMNS)
    assert mean["score_paper"] == 4.21
    assert mean["difference_paper"] == pytest.approx(0.09)
    assert mean["protocol_paper"].startswith("protocol unknown")
    assert row_of(rows, subject="base", of=MEAN_OF_COLUMNS)["score_paper"] == 4.12
    assert row_of(rows, subject="taught", of="Koala")["score_paper"] == 4.41


def test_a_difference_from_something_else_than_the_paper_s_is_the_paper_s_of_those_two() -> None:
    other = compared("base", published_as="phi-4")
    both = {name: evaluated(COLUMNS) for name in ("base", "taught")}
    rows = compare_subjects("multifacet", [other, TAUGHT_LLAMA], both)

    mean = row_of(rows, subject="taught", of=MEAN_OF_COLUMNS)
    assert mean["difference_paper"] == pytest.approx(4.21 - 4.41)


def test_rows_of_the_paper_that_nobody_has_come_last_with_their_warning() -> None:
    rows = compare_subjects("multifacet", [LLAMA], {"base": evaluated(COLUMNS)})

    alone = rows.filter(pl.col("subject").is_null())
    assert set(alone["published_as"]) == set(paper.DAGGER)
    assert rows[-1, "subject"] is None
    janus = row_of(alone, published_as="janus-7b", of="total")
    assert janus["score_paper"] == 4.17
    assert "not comparable" in janus["protocol_paper"]


def test_without_any_figure_beside_ours_no_row_of_the_paper_is_there() -> None:
    rows = compare_subjects("multifacet", [BASE], {"base": evaluated(COLUMNS)})

    assert rows["subject"].null_count() == 0


def test_the_paper_s_gains_on_sysbench_stand_beside_differences_and_not_beside_scores() -> None:
    both = {name: evaluated(items([1, 0], "R1")) for name in ("base", "taught")}
    rows = compare_subjects("sysbench", [LLAMA, TAUGHT_LLAMA], both)

    row = row_of(rows, subject="taught")
    assert (row["score_paper"], row["difference_paper"]) == (None, pytest.approx(0.188))
    assert row_of(rows, subject="base")["difference_paper"] is None


def test_a_gain_over_another_model_than_the_paper_s_has_no_figure_beside_it() -> None:
    other = compared("base", published_as="phi-4")
    both = {name: evaluated(items([1, 0], "R1")) for name in ("base", "taught")}

    row = row_of(compare_subjects("sysbench", [other, TAUGHT_LLAMA], both), subject="taught")
    assert row["difference_paper"] is None
