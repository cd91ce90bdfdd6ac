"""Every figure that both the paper and we have, in one table."""

import pytest

from sysgen_dagster.analysis.statistics import summarize_comparison
from sysgen_dagster.report.comparison import compare_with_paper
from sysgen_dagster.report.tables import PAPER_COMPARISON
from sysgen_dagster.report.view import is_compared
from sysgen_dagster.report.views import VIEWS
from sysgen_dagster_tests.report.statistics import ROWS, Stored

COMPARED = compare_with_paper([Stored(), Stored("phi-4")])


def test_every_statistic_with_a_figure_of_the_paper_is_compared() -> None:
    assert COMPARED.schema == PAPER_COMPARISON.schema
    assert set(COMPARED["published_in"]) == {
        view.published_in
        for view in VIEWS
        if is_compared(view) and view.table.name in _WITH_FIGURES
    }


_WITH_FIGURES = ROWS.keys() - {"learned_similarity"}  # which is not computed here


@pytest.mark.parametrize(
    ("model", "published_in", "of", "figure", "ours", "paper"),
    [
        ("", "Table 9", "metamath", "question_chars", 210.0, 213.53),
        ("phi-4", "Table 2", "filtered_system_messages", "kept_share", 0.75, 774_613 / 806_796),
        ("phi-4", "Table 8", "Role", "filtered_share", 0.6, 745_751 / 774_613),
        ("phi-4", "Table 9 (v2)", "Content metamath", "bad", 0.3, 0.1507),
        ("phi-4", "Table 1", "all gleu", "mean", 0.4, 0.372),
        ("phi-4", "Figure 3", "metamath", "paper_order_rate", 0.75, 0.803),
        ("phi-4", "Figure 5", "all", "aligned_share", 0.5, 0.91),
    ],
)
def test_our_figure_stands_beside_the_paper_s(
    model: str, published_in: str, of: str, figure: str, ours: float, paper: float
) -> None:
    row = COMPARED.filter(model=model, published_in=published_in, of=of, figure=figure)
    assert row.select("ours", "paper", "difference").row(0) == pytest.approx(
        (ours, paper, ours - paper)
    )


def test_a_model_that_the_paper_does_not_know_has_no_rows() -> None:
    assert compare_with_paper([Stored("mine")]).is_empty()


def test_what_is_not_made_is_left_out() -> None:
    assert compare_with_paper([Stored("phi-4", frozenset(ROWS))]).is_empty()


def test_the_summary_is_of_shares_and_names_the_farthest_figure() -> None:
    summary = summarize_comparison(COMPARED)
    assert "Table 9" not in set(summary["published_in"])
    figure_5 = summary.filter(published_in="Figure 5").row(0, named=True)
    assert figure_5["figures"] == 2
    assert figure_5["largest_distance"] == pytest.approx(0.41)
    assert figure_5["farthest"] == "all: aligned_share"
