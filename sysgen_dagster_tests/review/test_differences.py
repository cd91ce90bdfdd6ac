"""Which words of a text the other text says too."""

import time

import pytest

from sysgen_dagster.review.differences import mark_differences


def only_here(text: str, other: str) -> list[str]:
    return [piece.strip() for piece, same in mark_differences(text, other) if not same]


@pytest.mark.parametrize(
    ("text", "other", "marked"),
    [
        ("", "", []),
        ("", "something", []),
        ("all of it is the same", "all of it is the same", []),
        ("all of it is the same", "", ["all of it is the same"]),
        ("the sum is 4 in all cases", "the sum is 5 in all cases", ["4"]),
        ("It is four. So it is.", "So it is.", ["It is four."]),
        ("a b", "b a", ["a b"]),
        ("one two three x", "y one two three", ["x"]),
        ("x = f(3)", "x  =  f(3)", []),
        ("日本語", "日本", ["日本語"]),
    ],
)
def test_words_of_no_run_in_the_other_are_marked(text: str, other: str, marked: list[str]) -> None:
    assert only_here(text, other) == marked


@pytest.mark.parametrize("text", ["", " ", "a", " a  b\n", "\u202e \u200b x\x00", "\n\n"])
def test_the_pieces_are_the_text(text: str) -> None:
    for other in ("", "a b c", text):
        assert "".join(piece for piece, _ in mark_differences(text, other)) == text


def test_long_texts_take_linear_time() -> None:
    began = time.monotonic()
    mark_differences("a b " * 5_000, "b a c " * 5_000)
    mark_differences("(" * 20_000, " " * 20_000)
    assert time.monotonic() - began < 2
