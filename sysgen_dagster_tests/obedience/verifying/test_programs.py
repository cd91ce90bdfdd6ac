"""Programs that were asked for, held to answers."""

import pytest

from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster_tests.obedience.held import NO, OPEN, YES, verdict

REVERSE = "def reverse(items):\n    return items[::-1]"
SQL = "SELECT COUNT(*) FROM customers"
ASKED = "Write a Python function that reverses the items."
PLAIN = "Write the function in Python."


def fenced(code: str, language: str = "python") -> str:
    """Code in a fenced block."""
    return f"Here it is:\n```{language}\n{code}\n```\n"


@pytest.mark.parametrize(
    ("phrase", "answer", "expected"),
    [
        (PLAIN, fenced(REVERSE), YES),
        (PLAIN, fenced(REVERSE, "py") + "It reverses the items.", YES),
        ("Write the function.", fenced(REVERSE, ""), YES),
        ("A SQL query.", fenced(SQL, "sql"), YES),
        ("Implement the function in JavaScript.", fenced("const f = (x) => x + 1;", "js"), YES),
        ("Write the `reverse` function in Python.", fenced(REVERSE), YES),
        ("Write the `turn` function in Python.", fenced(REVERSE), OPEN),
        # Whether it does what it is for is not looked at.
        (ASKED, fenced(REVERSE), OPEN),
        (ASKED, fenced("def double(x):\n    return 2 * x") + "It reverses items.", OPEN),
        ("Write a SQL query to count the customers.", fenced(SQL, "sql"), OPEN),
        # No code, or none that is a function.
        (ASKED, "You turn them round.", NO),
        (ASKED, fenced("items = [1, 2, 3]\nprint(items[::-1])"), NO),
        # What is not Python may be a function all the same.
        (PLAIN, fenced("items: reversed", "yaml"), OPEN),
        # In another language, or in one that is not named.
        (PLAIN, fenced("function reverse(items) { return items.reverse(); }", "js"), OPEN),
        (PLAIN, fenced(REVERSE, ""), OPEN),
        # It does not parse, or somebody else has to finish it.
        (PLAIN, fenced(REVERSE + ")"), OPEN),
        (PLAIN, fenced("def reverse(items):\n    # TODO\n    return items"), OPEN),
        (PLAIN, fenced("def reverse(items):\n    ...\n"), OPEN),
        # Only what can be nothing but code is broken by an answer without any.
        ("Write a script for a short video.", "Anna walks in.", OPEN),
        ("Write a code of conduct for the team.", "Be kind.", OPEN),
        ("Write commands for a dog.", "Sit. Stay.", OPEN),
        ("Write a swift program to lose weight.", "Run each day.", OPEN),
        ("Write a method to clean windows.", "Use soap.", OPEN),
        ("Write a Python script.", "It is so.", NO),
        ("Write Python code.", fenced("int x = 1;\nint y = 2;", "java"), OPEN),
        ("Write Python code.", fenced("for name in names: print(name)"), YES),
        ("Return only Python code.", "```java\nint x = 1;\nint y = 2;\n```", OPEN),
        ("Return only Python code.", f"```python\n{REVERSE}\n```", YES),
        ("Do not use Python code.", "It is so.", YES),
        ("Do not use Python code.", fenced(REVERSE), NO),
        ("Do not use Python code.", fenced("int x = 1;", "java"), OPEN),
        # Whether nothing was imported is not looked at.
        ("Write a Python function that reverses items without loops.", fenced(REVERSE), OPEN),
        (
            "A single Python code snippet with comments.",
            fenced("# Turns them round.\n" + REVERSE),
            YES,
        ),
        ("A single Python code snippet with comments.", fenced(REVERSE), NO),
    ],
)
def test_a_program_is_seen_by_its_text(phrase: str, answer: str, expected: Verdict) -> None:
    assert verdict(phrase, answer) is expected
