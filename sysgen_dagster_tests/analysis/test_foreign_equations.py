"""Whether a system message has an equation of another task."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.analysis.foreign_equations import find_foreign_equations

REAL_ROWS = Path(__file__).parents[2] / "real_rows"
QUESTION = "Tom buys twelve pens at $3 each and pays 1,500 cents for paper. What does he pay?"
ANSWER = "12 * 3 = 36, and 36 + 15 = 51. The answer is: 51"


def found(message: str | None, question: str | None = QUESTION, answer: str = ANSWER) -> object:
    texts = ([message], [question], [answer], [None])
    return find_foreign_equations(*(pl.Series(text, dtype=pl.String) for text in texts)).item()


@pytest.mark.parametrize(
    "equation",
    [
        "$-4x + 3 = 25$",
        "3x^2+18x-30=0",
        "\\(7y = 9\\)",
        "\\frac{x}{4} = 98",
        "f(x) = 20x + 12",
        "a + 8 = 7b",
    ],
)
def test_an_equation_with_numbers_that_nobody_has_said_is_of_another_task(equation: str) -> None:
    assert found(f"You are a tutor. Solve the equation {equation} and show the steps.") is True


@pytest.mark.parametrize(
    "equation",
    [
        pytest.param("3x = 36", id="numbers of the answer"),
        pytest.param("12x + 3 = 1500", id="a number in words, and one with a separator"),
        pytest.param("x = 12 * 3", id="the variable alone"),
        pytest.param("7x + 3 = 12", id="one small number that may be from anywhere"),
    ],
)
def test_an_equation_that_was_derived_from_the_task_is_none(equation: str) -> None:
    assert found(f"Show that {equation} holds.") is False


@pytest.mark.parametrize(
    "message",
    [
        None,
        "",
        "Answer in 250 words.",
        "Use the form ax + b = c.",
        "Use the formula A = P(1 + r)^t.",
        "Mention that 77 + 88 = 165.",
        "Explain why `total = 40 + 2x` works.",
        "Set it up:\n```python\nx = 40 + 2\n```",
        "Check whether 40x == 80 there, or 40x >= 80.",
        "See https://a.org/?page=40&size=20 and say so.",
    ],
)
def test_what_is_no_equation_with_a_variable_and_two_numbers_cannot_be_foreign(
    message: str | None,
) -> None:
    assert found(message) is None


def test_one_foreign_equation_beside_another_is_enough() -> None:
    assert found("Show that 3x = 36. Then solve 41y + 7 = 90.") is True


def test_a_conversation_without_a_text_has_no_numbers() -> None:
    assert found("Solve 3x = 36.", question=None, answer="") is True


@given(st.text(alphabet="=x1+ \\{$`,a0", max_size=300), st.text(alphabet="x1 2,", max_size=40))
def test_any_message_has_a_verdict(message: str, question: str) -> None:
    assert found(message, question) in (True, False, None)
    assert found(message, message + question) is not True


def test_the_documents_say_how_many_messages_of_the_real_rows_are_of_another_task() -> None:
    rows = [json.loads(line) for line in (REAL_ROWS / "rows.jsonl").read_text().splitlines()]
    texts = [
        (
            row["system_message"],
            row["question"],
            row["original_answer"],
            "\n".join(turn["content"] for turn in row["history"]),
        )
        for row in rows
    ]
    columns = [pl.Series(column, dtype=pl.String) for column in zip(*texts, strict=True)]
    verdicts = find_foreign_equations(*columns)
    assert (verdicts.sum(), verdicts.count()) == (4, 11)
    assert "Four have a message with an equation of another task" in (
        REAL_ROWS / "README.md"
    ).read_text(encoding="utf-8")
