"""Where an old and a new answer differ."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.commands.run.differences import MARKS, Side, find_differences

LONG = " ".join(f"word{n}" for n in range(60))


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("It is 4.", "It is 5.", "It is [-4-]{+5+}."),
        ("It is 4.", "It is 4.", "It is 4."),
        ("It is 4.", "It is 4. Check it.", "It is 4.{+ Check it.+}"),
        ("Say it now, please.", "Say it now.", "Say it now[-, please-]."),
        ("a\nb c d", "a\nb x d", "a\nb [-c-]{+x+} d"),
    ],
)
def test_what_is_new_and_what_is_gone_is_marked_word_by_word(
    old: str, new: str, shown: str
) -> None:
    pieces = find_differences(old, new)
    assert pieces is not None
    assert "".join(MARKS[side].format(text) for side, text in pieces) == shown


@pytest.mark.parametrize(
    ("old", "new"), [("It is 4.", "Take the train at noon"), ("", "New."), ("Old.", "")]
)
def test_texts_with_little_in_common_are_not_mixed(old: str, new: str) -> None:
    assert find_differences(old, new) is None


def test_what_is_equal_is_shortened_to_the_words_around_a_difference() -> None:
    pieces = find_differences(f"{LONG} old {LONG}", f"{LONG} new {LONG}")
    assert pieces is not None
    shown = "".join(text for _, text in pieces)
    assert "word59 oldnew word0" in shown
    assert "word30" not in shown
    assert shown.count(" ... ") == 2


@given(st.text("ab .\n", max_size=40), st.text("ab .\n", max_size=40))
def test_nothing_of_either_text_is_lost_or_made_up(old: str, new: str) -> None:
    pieces = find_differences(old, new)
    if pieces is None or any(" ... " in text for _, text in pieces):
        return
    assert "".join(text for side, text in pieces if side is not Side.NEW) == old
    assert "".join(text for side, text in pieces if side is not Side.OLD) == new


def test_texts_of_any_length_are_compared_in_bounded_time() -> None:
    old = " ".join(f"w{n * n % 997}" for n in range(60_000))
    began = time.monotonic()
    find_differences(old, old.replace("w1 ", "x1 "))
    assert time.monotonic() - began < 10
