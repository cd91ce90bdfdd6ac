"""What units measure."""

from fractions import Fraction

import pytest

from sysgen_dagster.obedience.units import read_unit


@pytest.mark.parametrize(
    ("unit", "kind", "size"),
    [
        ("km", "length", 1000),
        ("square feet", "length^2", Fraction(381, 1250) ** 2),
        ("cm^3", "length^3", Fraction(1, 10**6)),
        ("hectares", "length^2", 10_000),
        ("hrs", "time", 3600),
        ("decades", "calendar", 120),
        ("of a mile", "length", Fraction(201168, 125)),
        ("an hour", "time", 3600),
        ("apples", None, 1),
        ("square apples", None, 1),
        ("seconds^2", None, 1),
        ("tons", None, 1),
    ],
)
def test_a_unit_says_what_it_measures_and_how_much(
    unit: str, kind: str | None, size: int | Fraction
) -> None:
    assert read_unit(unit)[:2] == (kind, size)


def test_the_sizes_of_a_kind_are_what_a_number_alone_may_count() -> None:
    sizes = read_unit("weeks")[2]
    assert {Fraction(60), Fraction(3600), Fraction(86400)} <= sizes
