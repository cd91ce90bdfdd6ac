"""The table of both metrics: figures by source, and why there are none."""

import sys
from pathlib import Path

import pytest

from sysgen_dagster.analysis.learned_similarity import measure_learned_similarity
from sysgen_dagster.analysis.tables import LEARNED_SIMILARITY
from sysgen_dagster.catalog.operations import LearnedSimilarity
from sysgen_dagster_tests.analysis.small_models import PAIRS, bertscore_of, only

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def test_without_weights_both_metrics_have_rows_that_say_so() -> None:
    lines: list[str] = []
    table = measure_learned_similarity(PAIRS, LearnedSimilarity(), lines.append)

    assert table.schema == LEARNED_SIMILARITY.schema
    assert table.select("source", "metric", "rows", "mean", "deviation", "computed").rows() == [
        (source, metric, 0, None, None, False)
        for source in ("a", "b")
        for metric in ("bertscore", "bleurt")
    ]
    assert only(table, "bertscore")["how"] == (
        "no weights: name them in `learned_similarity.bertscore_weights`"
    )
    assert len(lines) == 2


def test_of_no_pairs_there_is_no_row() -> None:
    table = measure_learned_similarity(
        PAIRS.clear(), LearnedSimilarity(bertscore_weights="/no/folder")
    )
    assert table.is_empty()
    assert table.schema == LEARNED_SIMILARITY.schema


def test_nothing_is_imported_where_nothing_is_computed() -> None:
    before = {"torch", "transformers"} & sys.modules.keys()
    measure_learned_similarity(PAIRS, LearnedSimilarity())
    assert {"torch", "transformers"} & sys.modules.keys() == before


def test_equal_answers_score_one_and_others_less(bert: Path) -> None:
    lines: list[str] = []
    settings = LearnedSimilarity(bertscore_weights=str(bert), bertscore_layer=2)
    table = measure_learned_similarity(PAIRS, settings, lines.append)
    same = bertscore_of(PAIRS.with_columns(new_answer="answer"), bert, layer=2)

    assert same["mean"].to_list() == pytest.approx([1, 1], abs=1e-5)
    row = only(table, "bertscore")
    assert row["rows"] == 2
    assert 0 < row["mean"] < 1 - 1e-3
    assert row["deviation"] > 0
    assert only(table, "bertscore", "b")["deviation"] is None  # of one pair
    assert lines[-2].startswith("bertscore: 3 of 3 pairs")
    how = f"F1, {bert}, layer 2 of 3, idf no, rescaling no, fp32 on cpu, 0.0% of the pairs cut at"
    assert row["how"].startswith(how)
    assert ", torch " in row["how"]
    assert ", transformers " in row["how"]
