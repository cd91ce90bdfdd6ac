"""Tasks that leave a result behind."""

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
        ("Calculate the sum a+b=7.", ("sum", "$a+b=7")),
        ("Calculate the power 2^10 there.", ("power", "$2^10")),
        ("Calculate the root \\sqrt{5} there.", ("root", "$\\sqrt{5}")),
        ("Calculate the sum of primes p<9 there.", ("sum", "prime", "$p<9")),
        ("Calculate the sum of primes p>9 there.", ("sum", "prime", "$p>9")),
        ("How many bicycles does the friend own?", ("bicyc", "does", "frien", "own")),
        ("Calculate how many birds are left if two or three leave.", ("birds", "left", "leave")),
        ("Find the value of $w$ in $5 \\cdot w = 25$.", ("$5\\cdotw=25", "$w=")),
        ("Calculate Nadia's wages for two weeks.", ("nadia", "wages", "weeks")),
        ("Compute how far the boat drifts.", ("far", "boat", "drift")),
        ("Find the largest even three-digit integer.", ("large", "even", "digit", "integ")),
        ("Give me an integer $n$ below the square.", ("integ", "below", "squar")),
        ("Specify the total amount of paint.", ("paint",)),
        ("List the digits of the year.", ("digit", "year")),
        ("Convert a base 7 number to a base 10 integer.", ("base", "integ")),
        ("Convert the time in hours to minutes.", ("time", "hours", "minut")),
        ("Tell Nora how long she waits.", ("long", "she", "waits")),
        ("Simplify the polynomial.", ("polyn",)),
        ("Perform a subtraction.", ("subtr",)),
        ("Answer the math question.", ()),
        ("Use the ruler to find the height.", ("ruler", "heigh")),
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
        "Solve problems and explain how.",
        "Divide the number of logs by the number of logs of a tree to get the number of trees.",
        "Multiply the numbers of both rows with each other to find the product.",
        "Calculate the total, showing all steps.",
        "Explain the function of the heart.",
        "Provide an explanation of the body and its function.",
        "Create a program of events for the evening of the fair.",
        "Find the right tone.",
        "Give the answer in minutes.",
        "Calculate the total and round it to the nearest cent.",
        "Compute the sum and express it in base 2.",
        "Calculate the slope and graph the line.",
        "List the largest cities of the country.",
        "Identify the main character of the book.",
        "Convert the list to a dictionary.",
        "Add a friendly greeting.",
        "Use the map to find a friend.",
        "Answer the question about the weather.",
        "Provide value to the reader by being honest and explain why.",
        "Calculate the total if the user gives the prices.",
        "Write a class schedule and a story.",
    ],
)
def test_a_task_that_rules_cannot_follow_is_left_alone(phrase: str) -> None:
    assert not is_whole(phrase)
    assert "has_code" not in kinds(phrase)


@pytest.mark.parametrize(
    "more",
    [
        *("explain", "explaining", "express", "show", "showing", "describe", "discuss", "provide"),
        *("list", "listing", "why", "step", "steps", "the user", "users", "compare", "round"),
        *("rounding", "nearest", "and graph", "and plot", "and draw", "prove", "verify", "check"),
        *("justify", "notation", "write", "without", '"x"'),
    ],
)
def test_a_task_that_asks_for_more_than_its_result_is_left_alone(more: str) -> None:
    assert is_whole("Calculate the total of both bills here.")
    assert not is_whole(f"Calculate the total of both bills {more} here.")
