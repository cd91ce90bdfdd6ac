"""Texts behind labels, whatever labels and fields there are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.lanes.multifaceted.labelled_texts import (
    build_grammar,
    read_lines,
    read_object,
    tidy,
)


def _label(line: str) -> tuple[str, str] | None:
    name, colon, text = line.partition(":")
    return (name, text) if colon and name.isupper() else None


def _fields(value: object) -> list[str]:
    return [str(value["wanted"])] if isinstance(value, dict) and "wanted" in value else []


def test_a_text_goes_on_below_its_label_until_a_blank_line_a_fence_or_the_next_label() -> None:
    reply = "Sure.\nA: one\ntwo\nB: three\n```\nnot four\nC: five\n\nnot six"
    assert list(read_lines(reply, _label)) == [("A", " one\ntwo"), ("B", " three"), ("C", " five")]


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ('{"wanted": 1}', ["1"]),
        ('Here: ```json\n{"other": 1}\n``` {"wanted": 2} {"wanted": 3}', ["2"]),
        ('{"wanted": 1', []),
        ("[" * 100_000, []),
        ("no object", []),
    ],
)
def test_the_first_object_that_holds_something_counts(reply: str, found: list[str]) -> None:
    assert read_object(reply, _fields) == found


@pytest.mark.parametrize("text", ["", " ... ", "N/A", "<your text>", "**tbd**", "[preference]"])
def test_a_place_that_was_left_as_it_was_says_nothing(text: str) -> None:
    assert tidy(text) == ""


def test_marks_around_a_text_and_breaks_in_it_are_taken_off() -> None:
    assert tidy('**"short\n and plain"**') == "short and plain"


@given(st.text())
def test_every_reply_is_read(reply: str) -> None:
    for label, text in read_lines(reply, _label):
        assert label in reply
        assert len(tidy(text).splitlines()) <= 1
    assert read_object(reply, _fields) == [] or "wanted" in reply


def test_a_grammar_has_a_line_for_each_label_and_the_fewest_words_of_its_text() -> None:
    root, one, three, *_ = build_grammar({"Criterion": 1, "Score 1": 3, "Score 2": 1}).splitlines()
    assert root == 'root ::= "Criterion: " text1 "\\n" "Score 1: " text3 "\\n" "Score 2: " text1'
    assert one == "text1 ::= [^ \\n\\r] [^\\n\\r]+ | unspaced"
    assert three == 'text3 ::= word " " word " " [^ \\n\\r] [^\\n\\r]+ | unspaced'


@pytest.mark.parametrize("text", ["\u7b80\u77ed", "\u0e2a\u0e31\u0e49\u0e19", "AI\u306e\u6587"])
def test_a_text_without_blanks_is_held_to_no_number_of_words(text: str) -> None:
    [rule] = re.findall(r"^unspaced ::= (.+)$", build_grammar({"A": 3}), re.MULTILINE)
    assert re.fullmatch(rule.replace(" [", "["), text)
    assert not re.fullmatch(rule.replace(" [", "["), "Professional")
