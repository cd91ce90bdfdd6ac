"""Notations of one formula are one answer, and different formulas are not."""

import pytest

from sysgen_dagster_tests.obedience.test_quantities import agree

# Each with its kind.
SAME = (
    ("power", "2^{10}", "2^10"),
    ("power", "x^{12}+1", "x^12 + 1"),
    ("power", "10^{-3}", "10^-3"),
    ("power", "x²", "x^2"),
    ("relation", "x \\geq 3", "x \\ge 3"),
    ("relation", "x \\leq 3", "x ≤ 3"),
    ("relation", "x \\geq 3", "x\\ge3"),
    ("product", "5*x", "5x"),
    ("product", "2 \\cdot \\pi", "2\\pi"),
    ("relation", "x ≥ 2", "x \\geq 2"),
    ("relation", "x \\neq 0", "x \\ne 0"),
    ("plus minus", "\\pm 3", "\\pm3"),
    ("plus minus", "±3", "\\pm 3"),
    ("plus minus", "\\pm 3", "3, -3"),
    ("plus minus", "x = \\pm 2", "-2 or 2"),
    ("plus minus", "\\pm \\sqrt{2}", "\\pm\\sqrt{2}"),
    ("member", "x \\in [1,2]", "[1,2]"),
    ("member", "x \\in (-\\infty, 3]", "(-\\infty,3]"),
    ("member", "x ∈ [0, 1)", "[0,1)"),
    ("member", "f(x) = 2x+1", "2x + 1"),
    ("fraction", "\\frac{1}{-3}", "-1/3"),
    ("fraction", "\\frac{-1}{3}", "-\\frac{1}{3}"),
    ("fraction", "-\\dfrac{7}{2}", "-3.5"),
    ("fraction", "\\frac{x}{-2}", "-\\frac{x}{2}"),
    ("fraction", "\\tfrac{10}{4}", "5/2"),
    ("list", "3, 5", "5, 3"),
    ("list", "x = 3 or x = 5", "3, 5"),
    ("list", "3 and 5", "\\{3, 5\\}"),
    ("list", "x=-1, x=2", "2, -1"),
    ("list", "3\\text{ and }5", "3,5"),
    ("list", "1, 2, and 3", "1,2,3"),
    ("tuple", "(1, 2)", "\\left(1,2\\right)"),
    ("tuple", "(\\frac{1}{2}, 3)", "(1/2,3)"),
    ("root", "\\sqrt{2}", "\\sqrt2"),
    ("root", "√2", "\\sqrt{2}"),
    ("root", "\\frac{\\sqrt{3}}{2}", "\\sqrt{3}/2"),
    ("root", "2\\sqrt{6}", "2\\sqrt6"),
    ("emphasis", "**12**", "12"),
    ("emphasis", "$12$!", "12"),
    ("emphasis", "12 apples!", "12"),
    ("emphasis", "$\\mathbf{12}$", "12"),
    ("letter", "(B)", "B"),
    ("letter", "\\text{(C)}", "c"),
    ("letter", "\\textbf{(D)}", "D"),
    ("text", "\\text{Monday}", "Monday"),
    ("text", "Yes.", "yes"),
    ("pi", "2π", "2\\pi"),
    ("pi", "2 \\pi", "2\\pi"),
    ("pi", "\\frac{\\pi}{4}", "\\pi/4"),
    *[
        ("dress", "10", dressed)
        for dressed in (
            "\\underline{10}",
            "\\color{red}{10}",
            "\\textcolor{blue}{10}",
            "\\boldsymbol{10}",
        )
    ],
)

DIFFERENT = (
    ("product", "5*2", "52"),
    ("product", "5*x", "5+x"),
    ("factorial", "5!", "5"),
    ("factorial", "\\frac{5!}{2}", "\\frac{5}{2}"),
    ("factorial", "(n+1)!", "n+1"),
    ("factorial", "n!", "n"),
    ("factorial", "10!", "10"),
    ("power", "2^{10}", "2^{11}"),
    ("power", "x^{10y}", "x^{10}y"),
    ("power", "2^{10}", "20"),
    ("power", "10^{-3}", "10^3"),
    ("relation", "x \\geq 3", "x \\leq 3"),
    ("relation", "x > 3", "x \\ge 3"),
    ("relation", "x \\neq 0", "x = 0"),
    ("plus minus", "\\pm 3", "3"),
    ("plus minus", "\\pm 3", "-3"),
    ("plus minus", "\\pm 3", "\\pm 4"),
    ("member", "[1,2]", "(1,2)"),
    ("member", "x \\in [1,2]", "[1,3]"),
    ("member", "(-\\infty,3]", "(-\\infty,3)"),
    ("fraction", "\\frac{1}{-3}", "1/3"),
    ("fraction", "\\frac{1}{3}", "\\frac{3}{1}"),
    ("fraction", "-\\frac{1}{2}", "\\frac{1}{2}"),
    ("list", "3, 5", "3"),
    ("list", "3, 5", "3, 6"),
    ("list", "x = 3 or x = 5", "5"),
    ("list", "1,2,3", "1,2"),
    ("tuple", "(1,2)", "(2,1)"),
    ("tuple", "(1,2)", "[1,2]"),
    ("tuple", "x = 3, y = 5", "x = 5, y = 3"),
    ("root", "\\sqrt{2}", "2"),
    ("root", "\\sqrt{12}", "\\sqrt{1}2"),
    ("root", "\\sqrt{3}", "\\sqrt[3]{3}"),
    ("letter", "(B)", "(C)"),
    ("letter", "A", "a = 1"),
    ("text", "Monday", "Tuesday"),
    ("text", "yes", "no"),
    ("pi", "2\\pi", "2"),
    ("pi", "\\pi^2", "2\\pi"),
)


@pytest.mark.parametrize(("kind", "one", "other"), SAME)
def test_two_ways_to_write_one_notation_agree(kind: str, one: str, other: str) -> None:
    assert agree(one, other), kind


@pytest.mark.parametrize(("kind", "one", "other"), DIFFERENT)
def test_what_is_another_notation_does_not_agree(kind: str, one: str, other: str) -> None:
    assert not agree(one, other), kind
