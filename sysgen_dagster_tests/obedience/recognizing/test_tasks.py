"""Tasks that leave a result or code behind."""

import pytest

from sysgen_dagster_tests.obedience.recognized import asked, is_whole, kinds


@pytest.mark.parametrize(
    ("phrase", "stems"),
    [
        ("Calculate the total cost of the tickets.", ("cost", "ticke")),
        ("Find the area of a circle.", ("area", "circl")),
        ("Solve a word problem involving subtraction.", ("subtr",)),
        ("Give the final answer.", ()),
        ("Solve the equation $x^2 = 4$.", ("$x^2=4",)),
        ("How many bicycles does the friend own?", ("bicyc", "does", "frien", "own")),
        ("Calculate how many birds are left if two or three leave.", ("birds", "left", "leave")),
        ("Find the value of $w$ in $5 \\cdot w = 25$.", ("$5\\cdotw=25", "$w=")),
    ],
)
def test_a_task_with_a_result_is_recognised(phrase: str, stems: tuple[str, ...]) -> None:
    assert asked(phrase) == [("states_result", None, None, stems)]
    assert is_whole(phrase)


def test_a_translation_is_recognised_by_its_language() -> None:
    assert asked("Translate the given text to Finnish.") == [("translated", None, None, ("fi",))]
    assert is_whole("Translate the given text to Finnish.")


@pytest.mark.parametrize(
    "phrase",
    [
        "Write a function that reverses a list.",
        "Implement a Python class for a queue.",
        "Write a SQL query to count the customers.",
        "Create a script that sorts the files.",
    ],
)
def test_of_a_program_only_that_there_is_one_can_be_told(phrase: str) -> None:
    assert kinds(phrase) == ["has_code"]
    assert not is_whole(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "Solve problems and explain how.",
        "Calculate the total, showing all steps.",
        "Explain the function of the heart.",
        "Provide an explanation of the body and its function.",
        "Create a program of events for the evening of the fair.",
        "Find the right tone.",
        "Calculate the total if the user gives the prices.",
        "Write a class schedule and a story.",
    ],
)
def test_a_task_that_rules_cannot_follow_is_left_alone(phrase: str) -> None:
    assert not is_whole(phrase)
    assert "has_code" not in kinds(phrase)
