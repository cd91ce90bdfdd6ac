"""Equations in a system message that are of another task than the one it was written for.

A small model that is shown a task at times writes a message for one of its own: "Solve
-4x + 3 = 25" over a question about the degree of a polynomial. An answer either ignores such a
message or solves the wrong task. An equation that was derived from the question has its numbers, or
those of the original answer; one that was made up has others.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Final

import polars as pl

from sysgen_dagster.obedience.number_words import digits_for_words

# Not "==", "<=", "=>" or ":=".
_EQUALS = re.compile(r"(?<![<>!=:])=(?![=>])")
# A command of LaTeX, a word, a number, or a sign.
_TOKEN = re.compile(r"\\?[^\W\d_]+|\d+(?:\.\d+)?|\S")
_OF_FORMULAS = frozenset("+-*/^_(){}[]|'$%\\\u00d7\u00f7\u00b7\u2212\u00b2\u00b3")
_REACH = 80  # characters looked at on each side of an equals sign
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
# Fewer numbers do not tell one equation from others.
_FEWEST_NUMBERS: Final = 2


def find_foreign_equations(message: pl.Series, *known: pl.Series) -> pl.Series:
    """Whether a message has an equation with numbers that its conversation does not have.

    These are two numbers, or one of at least two digits: small ones are in many texts. An equation
    has a variable and two numbers; in code there are none, as there "=" assigns.

    Args:
        message: The system message.
        known: The other texts of the conversation; null where there is none.

    Returns:
        Null for a message without an equation.
    """
    found = [_has_foreign(text or "", texts) for text, *texts in zip(message, *known, strict=True)]
    return pl.Series("foreign_equation", found, pl.Boolean)


def _has_foreign(message: str, known: Iterable[str | None]) -> bool | None:
    equations = [numbers for numbers in _read_equations(message) if numbers]
    if not equations:
        return None
    there = _read_numbers(digits_for_words(" ".join(text or "" for text in known).lower()))
    return any(_are_of_another_task(numbers - there) for numbers in equations)


def _are_of_another_task(numbers: set[str]) -> bool:
    return len(numbers) > 1 or any(len(number) > 1 for number in numbers)


def _read_equations(message: str) -> Iterator[set[str]]:
    """The numbers of each equation; none of what is no equation with a variable."""
    text = _THOUSANDS.sub("", _CODE.sub(" ", message))
    for sign in _EQUALS.finditer(text):
        before = _TOKEN.findall(text[max(0, sign.start() - _REACH) : sign.start()])
        after = _TOKEN.findall(text[sign.end() : sign.end() + _REACH])
        left = list(takewhile(_is_of_formula, reversed(before)))
        right = list(takewhile(_is_of_formula, after))
        tokens = [*left, *right]
        numbers = _read_numbers(" ".join(tokens))
        is_equation = left and right and any(_is_variable(token) for token in tokens)
        yield numbers if is_equation and len(numbers) >= _FEWEST_NUMBERS else set()


def _is_of_formula(token: str) -> bool:
    return (
        token in _OF_FORMULAS or token[0].isdigit() or token.startswith("\\") or _is_variable(token)
    )


def _is_variable(token: str) -> bool:
    return len(token) == 1 and token.isalpha()


def _read_numbers(text: str) -> set[str]:
    """The numbers of a text as they are written, without separators and leading zeros."""
    return {number.lstrip("0") or "0" for number in _NUMBER.findall(_THOUSANDS.sub("", text))}
