"""Sentences that take back what was said; whole replies are in the tests of their readers."""

import pytest

from sysgen_dagster.obedience.retractions import retracts, takes_back


@pytest.mark.parametrize(
    "text",
    [
        *("Sorry, I swapped them.", "Please ignore this.", "That's not right.", "I was mistaken."),
        *("Note: labels are reversed.", "The list is there. Forget that.", "My verdict is wrong."),
        *("Scratch that", "I should have said B", "Don\u2019t trust this.", "Vice versa."),
    ],
)
def test_a_sentence_that_takes_back_is_seen(text: str) -> None:
    assert retracts(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "The answer is wrong.",
            "It ignores the question.",
            "B is not right.",
            "I find B wrong.",
        ),
        *("The user was mistaken.", "Its labels are right.", "Rather than a list it has prose."),
    ],
)
def test_a_sentence_about_an_answer_takes_nothing_back(text: str) -> None:
    assert not retracts(text)


def test_a_clause_takes_back_from_its_beginning() -> None:
    assert takes_back("or rather b")
    assert not takes_back("the user said to forget that")


@pytest.mark.parametrize("text", ["i have " * 20_000, "x" * 200_000, "the the " * 20_000])
def test_a_long_text_is_looked_through_in_a_moment(text: str) -> None:
    assert not retracts(text)
