"""Verdicts of any label and any words; what `test_phrase_verdicts` says holds for all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.obedience.numbered_verdicts import NumberedVerdicts

QUESTIONS = NumberedVerdicts("Question", ("Yes", "No", "Unclear"))
READ: dict[str, tuple[str, list[str | None]]] = {
    "as-asked": ("Question 1: Yes\nQuestion 2: No\nQuestion 3: Unclear", ["Yes", "No", "Unclear"]),
    "list": ("1. yes\n2) **No**", ["Yes", "No"]),
    "json": ('{"question_1": "Yes", "question_2": "No"}', ["Yes", "No"]),
    "table": ("| 1 | Yes |\n| 2 | No |", ["Yes", "No"]),
    "reason": ("Question 1: Yes, it is short.\nQuestion 2: The list is long. No.", ["Yes", "No"]),
    "said-twice": ("Question 1: No, there is no list.", ["No"]),
    "named-before": ("Question 1 is about a list.\nQuestion 1: Yes", ["Yes"]),
    "both": ("Question 1: Yes and no.", [None]),
    "corrected": ("Question 1: Yes\nQuestion 1: No", [None]),
    "other-label": ("Phrase 1: Yes", [None]),
    "other-word": ("Question 1: Kept", [None]),
    "within-a-word": ("Question 1: Yesterday", [None]),
    "nothing": ("", [None]),
}


@pytest.mark.parametrize(("text", "verdicts"), READ.values(), ids=READ)
def test_a_reply_is_read_by_its_label_and_words(text: str, verdicts: list[str | None]) -> None:
    assert QUESTIONS.parse(text, len(verdicts)) == verdicts


@given(st.lists(st.sampled_from(QUESTIONS.words), min_size=1, max_size=40))
def test_what_is_in_the_form_is_read_whole(words: list[str]) -> None:
    text = "\n".join(f"Question {at}: {word}" for at, word in enumerate(words, 1))
    assert QUESTIONS.parse(text, len(words)) == words


def test_each_kind_of_server_is_held_to_the_same_lines() -> None:
    held_to = QUESTIONS.constraint(2, {"Declines": ("Yes", "No")})
    assert held_to.structured["regex"] == (
        r"Question 1: (Yes|No|Unclear)\nQuestion 2: (Yes|No|Unclear)\nDeclines: (Yes|No)"
    )
    assert held_to.grammar.count('"Question ') == 2
    assert held_to.schema is not None
    assert held_to.schema["required"] == ["question_1", "question_2", "declines"]
