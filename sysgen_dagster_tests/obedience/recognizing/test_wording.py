"""Numbers and bounds in words."""

import re

import pytest

from sysgen_dagster.obedience.recognizing.wording import (
    ABOUT,
    COUNT,
    NUMBER,
    count_rule,
    read_number,
    read_ordinal,
    squeeze_formula,
)
from sysgen_dagster.obedience.rules import Rule, RuleKind


@pytest.mark.parametrize(
    ("text", "number"),
    [("3", 3), ("1,200", 1200), ("twelve", 12), ("forty", 40), ("a single", 1), ("a dozen", 12)],
)
def test_a_number_is_read_in_digits_and_in_words(text: str, number: int) -> None:
    assert re.fullmatch(NUMBER, text)
    assert read_number(text) == number


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("three", 3, 3),
        ("exactly 3", 3, 3),
        ("only two", 2, 2),
        ("at least five", 5, None),
        ("no fewer than 5", 5, None),
        ("a minimum of 5", 5, None),
        ("5 or more", 5, None),
        ("5+", 5, None),
        ("more than 5", 6, None),
        ("over 100", 101, None),
        ("at most 4", None, 4),
        ("up to four", None, 4),
        ("no more than 4", None, 4),
        ("a maximum of 4", None, 4),
        ("4 or fewer", None, 4),
        ("100 or less", None, 100),
        ("fewer than 4", None, 3),
        ("under 100", None, 99),
        ("less than one", None, 0),
        ("2-4", 2, 4),
        ("two to four", 2, 4),
        ("between 2 and 4", 2, 4),
        ("two or three", 2, 3),
    ],
)
def test_bounds_are_read(text: str, least: int | None, most: int | None) -> None:
    found = re.fullmatch(COUNT, text)
    assert found
    assert count_rule(found, RuleKind.WORDS) == Rule(RuleKind.WORDS, least, most)


def test_about_a_number_is_no_exact_bound() -> None:
    found = re.fullmatch(COUNT, "around 50")
    assert found
    assert count_rule(found, RuleKind.WORDS) == Rule(RuleKind.WORDS, 50, 50, (ABOUT,))


@pytest.mark.parametrize("text", ["between 3", "from 3", "4 to 2"])
def test_half_a_range_is_no_rule(text: str) -> None:
    found = re.fullmatch(COUNT, text)
    assert found
    assert count_rule(found, RuleKind.WORDS) is None


def test_an_ordinal_is_read() -> None:
    assert (read_ordinal("second"), read_ordinal("3rd"), read_ordinal("last")) == (2, 3, None)


def test_a_formula_is_compared_without_what_only_sets_it() -> None:
    assert (
        squeeze_formula("\\left( A \\right),\\, $b$\\ c\n+ \\frac{1}{2}") == "(a),bc+\\frac{1}{2}"
    )
