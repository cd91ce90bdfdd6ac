"""Programs that are asked for."""

import pytest

from sysgen_dagster.obedience.recognition import recognize
from sysgen_dagster_tests.obedience.recognized import asked, is_whole, kinds


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("Implement the function in JavaScript.", ("=javascript", "=function")),
        ("Write the `add_tax` function in Python.", ("=python", "=function", "'add_tax")),
        ("A SQL query.", ("=sql", "=query")),
    ],
)
def test_a_program_is_recognised_by_its_kind_its_language_and_its_name(
    phrase: str, words: tuple[str, ...]
) -> None:
    assert asked(phrase) == [("program", None, None, words)]
    assert is_whole(phrase)


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("Write a function that reverses a list.", ("=function",)),
        ("Implement a Python class for a queue.", ("=python", "=class")),
        ("Write a SQL query to count the customers.", ("=sql", "=query")),
        ("Create a script that sorts the files.", ()),
        ("A Python function that returns the longest word.", ("=python", "=function")),
        ("Write the code in Rust to parse a date.", ("=rust",)),
        ("Provide a CSS code snippet to color a border.", ("=css",)),
        ("A single SQL script that creates the table.", ("=sql",)),
        ("Write a class for beginners.", ()),
        ("Write a query to the publisher.", ()),
        ("Write a C++ loop to print the months.", ("=c++", "=loop")),
    ],
)
def test_a_purpose_leaves_open_whether_a_program_is_what_was_asked_for(
    phrase: str, words: tuple[str, ...]
) -> None:
    assert asked(phrase) == [("program", None, None, words)]
    assert not is_whole(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "A single C++ code snippet with comments.",
        "Provide a Python function with clear comments explaining each step.",
        "A JavaScript code snippet with a comment describing its purpose.",
    ],
)
def test_comments_are_asked_for_beside_the_code(phrase: str) -> None:
    assert kinds(phrase) == ["program", "code_comments"]
    assert is_whole(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "Write a Python function that sorts a list without using built-in methods.",
        "Write a function that sorts a list efficiently.",
        "Implement a function that handles errors.",
        "Write a Java class that follows best practices.",
        "A Python function with an appropriate docstring.",
        "Write a script to test the login.",
        "Write a function as described above.",
        "Modify the Python code to sort the list.",
        "Fix the function.",
        "Refactor the given function to use a class.",
        "Write a function to sort a list and explain it.",
    ],
)
def test_of_a_program_with_more_to_it_only_that_there_is_one_can_be_told(phrase: str) -> None:
    assert kinds(phrase)[0] in {"program", "has_code"}
    assert not is_whole(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "Explain the function of the heart.",
        "Create a program of events for the fair.",
        "Write a class schedule and a story.",
        "Describe a function to remove blanks.",
        "Give a method of cleaning windows.",
        "Provide a class on pottery.",
        "Show code of conduct rules.",
        "Develop a loop of wire.",
        "A script for a play about winter.",
        "Discuss the Python function.",
        "Provide the code of the discount.",
        "Modify the code of conduct.",
        "Create a script for a play.",
    ],
)
def test_what_is_no_program_is_left_alone(phrase: str) -> None:
    assert not {"program", "has_code"} & set(kinds(phrase))


def test_code_of_a_language_is_more_than_code() -> None:
    for phrase in ("Write Python code.", "Include a Python code example.", "Use Python code."):
        assert asked(phrase) == [("program", None, None, ("=python",))]
        assert is_whole(phrase)
    [rule] = recognize("Do not use Python code.").rules
    assert (rule.words, rule.is_forbidden) == (("=python",), True)


def test_what_follows_a_program_may_belong_to_it() -> None:
    assert "tables" not in kinds("Write a program to read a file and output a table.")
    assert not is_whole("Write a program to read a file and output a table.")
