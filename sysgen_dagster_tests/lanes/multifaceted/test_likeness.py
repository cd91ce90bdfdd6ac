"""ROUGE-L between descriptions."""

import polars as pl
import pytest

from sysgen_dagster.analysis.similarity import measure_similarity
from sysgen_dagster.lanes.multifaceted.likeness import most_alike, rouge_l

TEXTS = [
    "Each sentence on rivers carries one thought",
    "Each sentence on rivers carries one thought and no more",
    "a b c d",
    "d c b a",
    "Nothing of this is there",
    "",
]


@pytest.mark.parametrize("first", TEXTS)
@pytest.mark.parametrize("second", TEXTS)
def test_it_is_the_measure_of_the_analyses(first: str, second: str) -> None:
    of_analyses = measure_similarity(pl.Series([first]), pl.Series([second]))["rougeL"].item()

    assert rouge_l(first, second) == pytest.approx(of_analyses)


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [
        ("Short and plain!", "short, and PLAIN", 1.0),
        ("a b c d", "a b x y", 0.5),
        ("潮汐的原因很清楚。", "潮汐的原因很简单。", 0.75),
        ("\u010desky mluv\u00ed", "\u010desky p\u00ed\u0161e", 0.5),
    ],
)
def test_words_of_any_script_count_whatever_case_and_signs(
    first: str, second: str, score: float
) -> None:
    assert rouge_l(first, second) == score == rouge_l(second, first)


def test_the_highest_of_several_counts_and_none_is_no_likeness() -> None:
    assert most_alike("a b", ["x y", "a b", "a"]) == 1.0
    assert most_alike("a b", []) == 0.0
