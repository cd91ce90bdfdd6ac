"""Which figure of the paper stands beside which score, and what is known of it."""

import pytest

from sysgen_dagster.evaluation.comparisons.published import (
    find_published,
    find_rows,
    untrained_row,
)
from sysgen_dagster.evaluation.multifacet.columns import read_columns
from sysgen_dagster.evaluation.multifacet.scores import MEAN_OF_COLUMNS, METRICS
from sysgen_dagster.lanes.sysgen import paper

WITHOUT, WITH = METRICS[False], METRICS[True]


def test_the_paper_s_columns_of_multifacet_are_ours() -> None:
    printed = set(paper.MULTIFACET["phi-4"]) - {paper.AVERAGE}

    assert printed == set(read_columns().values())


@pytest.mark.parametrize("metric", [WITHOUT, WITH])
def test_both_ways_of_grading_have_the_figure_as_nobody_knows_which_was_theirs(metric: str) -> None:
    found = find_published("multifacet", "phi-4", metric, "Koala")

    assert found
    assert found.score == 4.51


@pytest.mark.parametrize(
    ("suite", "row", "metric", "of"),
    [
        ("multifacet", "phi-4", f"{WITHOUT}_expected", "Koala"),
        ("multifacet", "phi-4", WITHOUT, "style"),
        ("multifacet", "phi-4", WITHOUT, "total"),  # theirs is a mean of columns
        ("multifacet", "janus-7b", WITHOUT, MEAN_OF_COLUMNS),  # theirs is a mean of items
        ("multifacet", None, WITHOUT, "Koala"),
        ("multifacet", "mine", WITHOUT, "Koala"),
        ("s_ifeval", "phi-4", "prompts", "total"),
        ("sysbench", "phi-4-sysgen", "R1", "dependent"),
        ("sysbench", "phi-4-sysgen", "CSR", "total"),
        ("sysbench", "phi-4", "R1", "total"),
    ],
)
def test_no_figure_stands_beside_what_the_paper_does_not_print(
    suite: str, row: str | None, metric: str, of: str
) -> None:
    assert find_published(suite, row, metric, of) is None


def test_the_average_of_an_arm_that_has_no_columns_is_that_of_the_ablation() -> None:
    found = find_published("multifacet", "phi-4-original-answer", WITHOUT, MEAN_OF_COLUMNS)

    assert found
    assert found.score == 4.38
    assert find_published("multifacet", "phi-4-original-answer", WITHOUT, "Koala") is None


def test_the_message_in_the_user_turn_has_the_figures_of_its_own_table() -> None:
    found = find_published("multifacet", "phi-4", WITHOUT, MEAN_OF_COLUMNS, in_user_turn=True)

    assert found
    assert found.score == 4.26
    assert find_published("multifacet", "phi-4", WITHOUT, "Koala", in_user_turn=True) is None
    assert find_published("sysbench", "phi-4-sysgen", "R1", "total", in_user_turn=True) is None


@pytest.mark.parametrize(
    ("row", "of", "words"),
    [
        ("phi-4-sysgen", "FLASK", "4.46"),
        ("phi-4-sysgen", MEAN_OF_COLUMNS, "4.46"),
        ("janus-7b", "total", "not comparable"),
    ],
)
def test_what_is_odd_about_a_figure_is_said_with_it(row: str, of: str, words: str) -> None:
    found = find_published("multifacet", row, WITHOUT, of)

    assert found
    assert found.protocol.startswith("protocol unknown: ")
    assert words in found.protocol


def test_a_column_that_nothing_is_odd_about_says_nothing_more() -> None:
    found = find_published("multifacet", "janus-7b", WITHOUT, "Koala")

    assert found
    assert "not comparable" not in found.protocol


def test_rows_without_a_training_of_ours_are_listed_with_all_their_columns() -> None:
    rows = {(row, of) for row, _, of, _ in find_rows("multifacet")}

    assert {row for row, _ in rows} == set(paper.DAGGER)
    assert len(rows) == 6 * len(paper.DAGGER)
    assert list(find_rows("s_ifeval")) == []


def test_every_training_has_the_row_of_the_model_before_it() -> None:
    trained = set(paper.SCORED) - set(paper.UNTRAINED) - set(paper.DAGGER)

    assert {untrained_row(row) for row in trained} == set(paper.UNTRAINED)
    assert untrained_row("phi-4") is None
