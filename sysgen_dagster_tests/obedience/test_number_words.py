"""Numbers in words."""

import pytest

from sysgen_dagster.obedience.number_words import digits_for_words


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("five apples and six pears", "5 apples and 6 pears"),
        ("twenty-one of ninety nine", "21 of 99"),
        ("two hundred and fifty", "250"),
        ("one million, two hundred thousand and three", "1200003"),
        ("a hundred, a dozen", "100, 12"),
        ("half a dozen", "1/2 dozen"),
        ("five and a half", "5 1/2"),
        ("two-thirds of three quarters", "2/3 of 3/4"),
        ("it is negative 5", "it is -5"),
        ("das sind minus 5", "das sind -5"),
        ("10 minus 5, x minus 5", "10 minus 5, x minus 5"),
        ("a house, tend, often", "a house, tend, often"),
        ("one sixth of three sevenths, two twenty-fifths", "1/6 of 3/7, 2/25"),
        ("two third graders, a second, 3 seconds", "2 third graders, a second, 3 seconds"),
        ("five lakh of two millions", "5 lakh of 2 millions"),
        ("an hour and a half", "1 1/2 hour"),
    ],
)
def test_spelled_numbers_are_put_in_digits(text: str, digits: str) -> None:
    assert digits_for_words(text) == digits
