"""Solutions that are to be shown."""

import pytest

from sysgen_dagster_tests.obedience.recognized import asked, is_whole, kinds


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("A step-by-step explanation of the solution.", ["steps"]),
        ("Provide a step-by-step solution.", ["steps"]),
        ("A detailed step by step guide.", ["steps"]),
        ("Give step-by-step instructions.", ["steps"]),
        ("A sequence of steps to solve the problem.", ["steps"]),
        ("Show all the steps of the calculation.", ["steps"]),
        ("A list of steps and the final answer.", ["list_items", "states_result"]),
        ("The steps, followed by the final answer.", ["steps", "states_result"]),
        (
            "A series of steps, a detailed explanation, and the final answer.",
            ["steps", "explanation", "states_result"],
        ),
        (
            "A step-by-step breakdown of the calculations, including intermediate steps.",
            ["steps"],
        ),
        ("A mathematical expression and a result.", ["equations", "states_result"]),
        ("A clear calculation with each step explained.", ["equations", "steps"]),
        ("A detailed mathematical procedure and the final answer.", None),
        ("A detailed explanation of the reasoning.", ["explanation"]),
        ("An explanation.", ["explanation"]),
    ],
)
def test_the_parts_of_a_solution_are_recognised(phrase: str, expected: list[str] | None) -> None:
    assert kinds(phrase) == (expected or ["equations", "explanation", "states_result"])
    assert is_whole(phrase)


def test_steps_that_are_to_be_numbered_are_items() -> None:
    assert kinds("Use numbered steps.") == ["numbered_items"]
    assert not is_whole("Use numbered steps and an explanation of the war.")


def test_a_detailed_explanation_is_more_than_one() -> None:
    assert asked("A detailed explanation.") == [("explanation", 2, None, ())]
    assert asked("A clear explanation.") == [("explanation", 1, None, ())]


@pytest.mark.parametrize(
    "phrase",
    [
        "A brief explanation.",
        "A simple mathematical expression.",
        "A single mathematical expression or equation.",
        "An expression for the area of a circle.",
        "An explanation of the causes of the war.",
        "The answer first, followed by the steps.",
        "A step-by-step plan for a wedding with the guests.",
        "Take the next step.",
        "Explain each step.",
        "A solution with the slope and the steps.",
        "Show steps if needed.",
    ],
)
def test_what_only_looks_like_parts_of_a_solution_is_left_alone(phrase: str) -> None:
    assert not is_whole(phrase)
