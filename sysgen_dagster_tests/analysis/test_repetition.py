"""The share of a text that repeats earlier parts of it."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.analysis.repetition import measure_repetition, space_words

PROSE = (
    "Ice floats because its molecules hold each other at a distance. When water freezes, that "
    "distance grows, so the same mass takes more room and weighs less than what it displaces."
)


def share(text: str | None) -> float | None:
    return measure_repetition(pl.Series([text], dtype=pl.String))[0]


@pytest.mark.parametrize(
    "text",
    ["I am sorry, I cannot do that. " * 200, "0 " * 500, "同じ" * 200],
    ids=["sentence", "token", "no blanks"],
)
def test_a_loop_scores_near_one(text: str) -> None:
    score = share(text)
    assert score is not None
    assert score > 0.95


def test_prose_scores_nothing_and_prose_repeated_once_about_half() -> None:
    assert share(PROSE) == 0
    assert share(f"{PROSE}\n\n{PROSE.upper()}") == pytest.approx(0.45, abs=0.05)


def test_the_share_is_of_all_runs_of_eight_words() -> None:
    # 10 runs: the first starts at a; the runs from the ninth word on begin to repeat.
    assert share("a b c d e f g h " * 2 + "a") == pytest.approx(2 / 10)


@pytest.mark.parametrize("text", [None, "", "\n \t", "one two three four five six seven", "..!"])
def test_a_text_shorter_than_eight_words_has_no_share(text: str | None) -> None:
    assert share(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't  stop: x_1 = 2.5!", "don t stop x_1 2 5"),
        ("NAÏVE Straße", "naïve straße"),
        ("水は氷 ok", "水 は 氷 ok"),
        ("날씨가 좋다", "날씨가 좋다"),
        ("  ", ""),
        (None, None),
    ],
)
def test_words_are_letters_and_digits_in_lower_case(text: str | None, words: str | None) -> None:
    assert space_words(pl.Series([text], dtype=pl.String))[0] == words


@given(st.lists(st.sampled_from("abc"), min_size=8, max_size=60).map(" ".join))
def test_the_share_lies_between_nothing_and_all(text: str) -> None:
    score = share(text)
    assert score is not None
    assert 0 <= score < 1
