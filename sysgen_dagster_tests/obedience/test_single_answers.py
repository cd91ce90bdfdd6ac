"""What a box holds besides its result: an equation, names, a unit, the letter of a choice."""

import pytest

from sysgen_dagster_tests.obedience.test_quantities import agree

# Each with its kind.
SAME = (
    *[
        ("equation", right, equation)
        for right, equation in (
            ("12", "5 + 7 = 12"),
            ("12", "\\text{Total} = 12"),
            ("12", "A = 12 \\text{ cm}^2"),
            ("12", "A = l \\times w = 3 \\times 4 = 12"),
            ("1/2", "P(A) = \\frac{1}{2}"),
            ("30", "\\angle A = 30^\\circ"),
            ("12", "x = y = 12"),
            ("(2,3)", "(x, y) = (2, 3)"),
            ("12", "\\text{The answer is } 12"),
            ("6", "x + y = 6"),
        )
    ],
    *[
        ("names", *pair)
        for pair in (
            ("(2,3)", "x = 2, y = 3"),
            ("x=2, y=3", "y = 3 \\text{ and } x = 2"),
            ("2, 3", "x_1 = 3, x_{2} = 2"),
        )
    ],
    *[
        ("unit", bare, bare + unit)
        for bare in ("12\\pi", "5\\sqrt{2}", "\\frac{x}{2}")
        for unit in (
            " \\text{ cm}^2",
            "\\text{ cm}",
            " \\, \\text{square units}",
            " square centimeters",
        )
    ],
    *[
        ("choice", *pair)
        for pair in (
            ("B", "\\text{(B) } 42"),
            ("42", "\\textbf{(B) } 42"),
            ("B", "B) 42"),
            ("b", "option B"),
            ("\\frac12", "(C) \\frac12"),
        )
    ],
)

DIFFERENT = (
    ("equation", "12", "5 + 8 = 13"),
    ("equation", "5", "x + y = 6"),
    ("equation", "3x + 2y = 6", "2x + 5y = 6"),
    ("equation", "6", "x + y = 6, x - y = 2"),
    ("names", "x = 3, y = 5", "x = 5, y = 3"),
    ("names", "(2,3)", "x = 3, y = 2"),
    ("unit", "12\\pi \\text{ cm}", "12\\pi \\text{ m}"),
    ("unit", "2\\pi", "2\\pi r"),
    ("unit", "3", "3 \\text{ mod } 7"),
    ("choice", "C", "(B) 42"),
    ("choice", "41", "(B) 42"),
    ("choice", "(B) 42", "(C) 42"),
)


@pytest.mark.parametrize(("kind", "one", "other"), SAME)
def test_what_stands_beside_a_result_makes_no_other_of_it(kind: str, one: str, other: str) -> None:
    assert agree(one, other), kind


@pytest.mark.parametrize(("kind", "one", "other"), DIFFERENT)
def test_another_result_does_not_agree(kind: str, one: str, other: str) -> None:
    assert not agree(one, other), kind
