"""What of a reply is read, in any form."""

import pytest

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.obedience.reply_parts import CROSS, EMPTY_BOX, settled, standing, whole_lines


def test_of_a_reply_that_was_cut_the_lines_that_were_written_whole_are_left() -> None:
    assert whole_lines("one\ntwo\nthr", CUT) == "one\ntwo"
    assert whole_lines("one", CUT) == ""
    assert whole_lines("one\ntwo", "stop") == "one\ntwo"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>B?</think>A", "A"),
        ("B?</think>A", "A"),
        ("<think>B? no end", ""),
        ("<Thinking>B</Thinking>\nA", "\nA"),
        ("~~B~~ A", "  A"),
        ("<del>B</del>A", " A"),
        ("~~~\nA\n~~~", "~~~\nA\n~~~"),
    ],
)
def test_thoughts_and_what_is_struck_out_do_not_stand(text: str, left: str) -> None:
    assert standing(text) == left


def test_signs_that_deny_are_two() -> None:
    assert settled("\u274c \u2718 \u2610") == f"{CROSS} {CROSS} {EMPTY_BOX}"


@pytest.mark.parametrize("text", ["~~" * 50_000, "<del>" * 40_000, "~~x" * 40_000])
def test_a_long_text_is_looked_through_in_a_moment(text: str) -> None:
    settled(text)
