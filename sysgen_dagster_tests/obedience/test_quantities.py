"""Quantities with their units, and numbers in words."""

import pytest

from sysgen_dagster.obedience.single_answers import read_answer

# Each with its kind.
SAME = (
    ("spaced thousands", "12 500", "12500"),
    ("spaced thousands", "1 000 000", "1,000,000"),
    ("spaced thousands", "12\\,500", "12,500"),
    ("spaced thousands", "$3~400$", "3400"),
    ("spaced thousands", "7\u202f250 m", "7250"),
    ("currency", "Rs. 500", "500"),
    ("currency", "Rs 1,200", "Rs. 1200"),
    ("currency", "\\$12.50", "12.5 dollars"),
    ("currency", "€30", "30"),
    ("currency", "USD 40", "$40"),
    ("scale", "5 hundred", "500"),
    ("scale", "2 dozen", "24"),
    ("scale", "3.5 million", "3,500,000"),
    ("scale", "two thousand", "2000"),
    ("scale", "$4 billion", "4000000000"),
    ("mixed", "5 and a half", "5.5"),
    ("mixed", "5 and 1/2", "11/2"),
    ("mixed", "five and a half", "5 1/2"),
    ("mixed", "2½", "5/2"),
    ("mixed", "½", "\\frac{1}{2}"),
    ("mixed", "¾ cup", "0.75"),
    ("mixed", "three quarters", "3/4"),
    ("mixed", "two-thirds", "2/3"),
    ("mixed", "1 and 3/4 cups", "7/4"),
    ("words", "five", "5"),
    ("words", "twelve apples", "12"),
    ("words", "Twenty-one", "21"),
    ("words", "Zero", "0"),
    ("time", "3:30 p.m.", "3:30 PM"),
    ("time", "5 pm", "5:00 p.m."),
    ("time", "5 p.m.", "17:00"),
    ("time", "12 am", "12:00 AM"),
    ("time", "9:05 am", "9:05 a.m."),
    ("time", "5 pm", "5"),
    ("time", "7:15", "7:15 PM"),
    ("money unit", "5 cents", "$0.05"),
    ("money unit", "250 cents", "2.50 dollars"),
    ("money unit", "5 cents", "5"),
    ("money unit", "50¢", "50 cents"),
    ("units", "5 km", "5000 m"),
    ("units", "2 hours", "120 minutes"),
    ("units", "1.5 kg", "1500 grams"),
    ("units", "90 minutes", "1.5 hours"),
    ("units", "12 inches", "1 foot"),
    ("units", "5 apples", "5 bags"),
    ("units", "7 days", "1 week"),
    ("units", "42 cm^2", "42 cm²"),
    ("units", "1 hour 30 minutes", "90 minutes"),
    ("units", "1 hour 30 minutes", "90"),
    ("units", "1 hour and 30 minutes", "1.5 hours"),
    ("units", "5 feet 3 inches", "63 inches"),
    ("units", "2 dollars and 50 cents", "\\$2.50"),
    ("units", "2 years", "24 months"),
    ("units", "2 square meters", "20000 cm^2"),
    ("units", "1 m^3", "1 cubic meter"),
    ("units", "2,5 Stunden", "150 minutes"),
    ("units", "16 ounces", "1 pound"),
    ("words", "two hundred and fifty", "250"),
    ("words", "one thousand two hundred and six", "1206"),
    ("words", "two hundred fifty thousand", "250,000"),
    ("words", "a dozen", "12"),
    ("words", "half a dozen eggs", "6"),
    ("words", "half a million", "500000"),
    ("scale", "1e3", "1000"),
    ("scale", "2.5E-1", "0.25"),
    ("brackets", "(5)", "5"),
    ("brackets", "[5]", "5 km"),
    ("percent", "50%", "1/2"),
    ("percent", "50%", "50"),
    ("percent", "12.5 \\%", "12.5 percent"),
    ("percent", "0.25", "25%"),
    *[
        ("fraction in words", *pair)
        for pair in (
            ("1/6", "one sixth"),
            ("3/7", "three sevenths"),
            ("1/9", "a ninth"),
            ("2/3", "2 thirds"),
            ("7/12", "seven twelfths"),
            ("3/100", "three hundredths"),
            ("1/20", "one-twentieth"),
            ("3/25", "three twenty-fifths"),
            ("13/6", "2 and one sixth"),
            ("3/2", "three halves"),
            ("12", "12 sixth graders"),
            ("3", "3 quarters"),
            ("3/4", "3 quarters"),
        )
    ],
    *[
        ("scale", *pair)
        for pair in (
            ("1.5M", "1500000"),
            ("2K", "2000"),
            ("$70k", "70000"),
            ("$1.2 M", "$1,200,000"),
            ("3bn", "3000000000"),
            ("5 lakh", "500000"),
            ("2 crores", "20000000"),
            ("5 m", "5 meters"),
            ("5 millions", "5000000"),
            ("2 dozens", "24"),
            ("5 Millionen", "5000000"),
        )
    ],
    *[
        ("units", *pair)
        for pair in (
            ("2 hrs", "120 mins"),
            ("90 secs", "1.5 min"),
            ("24 mos", "2 yrs"),
            ("5 kgs", "5000 g"),
            ("1 decade", "10 years"),
            ("5 hectares", "50000 m^2"),
            ("25", "25°C"),
            ("25 °C", "25 C"),
            ("12 V", "12 volts"),
            ("10 N", "10"),
            ("300 K", "300"),
            ("5 J", "5"),
            ("5 A", "5"),
            ("5 W", "5"),
            ("2 pairs", "4"),
            ("2 pairs of gloves", "2"),
            ("half of a mile", "0.5 miles"),
            ("66 inches", "5'6\""),
            ("a week", "7 days"),
            ("an hour and a half", "90 minutes"),
            ("64", "64 dollars and 0 cents"),
            ("5", "500 cents"),
            ("12.6 cm", "12.57 cm"),
            ("3.33 hours", "200 minutes"),
            ("7 o'clock", "7:00"),
        )
    ],
    *[("percent", *pair) for pair in (("1/3", "33.3%"), ("2/3", "66.7%"), ("33 1/3%", "0.3333"))],
    *[("ratio", *pair) for pair in (("3:2", "3/2"), ("3:2", "3 to 2"), ("3:2", "1.5"))],
    *[
        ("words beside", *pair)
        for pair in (
            ("5", "5 bags of red and green apples per day"),
            ("5", "5 students (3 boys and 2 girls)"),
            ("5", "5 (five)"),
            ("5", "five (5)"),
            ("12", "12 people's votes"),
            ("\\$5", "$5.00/hour"),
        )
    ],
)

DIFFERENT = (
    ("spaced thousands", "12 500", "512"),
    ("spaced thousands", "12 500", "12"),
    ("spaced thousands", "1 000", "1"),
    ("spaced thousands", "3 1/2", "31/2"),
    ("currency", "Rs. 500", "Rs. 600"),
    ("currency", "USD 40", "USD 14"),
    ("currency", "\\$5", "\\$50"),
    ("scale", "5 hundred", "5"),
    ("scale", "5 thousand", "5 hundred"),
    ("scale", "2 dozen", "2"),
    ("scale", "3 million", "3"),
    ("mixed", "5 and a half", "5"),
    ("mixed", "5½", "5"),
    ("mixed", "2 and 1/3", "2"),
    ("mixed", "½", "2"),
    ("mixed", "three quarters", "3"),
    ("words", "five", "6"),
    ("words", "twelve", "2"),
    ("words", "twenty-one", "20"),
    ("time", "5 am", "5 pm"),
    ("time", "3:30 p.m.", "3:30 a.m."),
    ("time", "12 am", "12 pm"),
    ("time", "5:00 PM", "5:30 PM"),
    ("time", "17:00", "5 am"),
    ("time", "7:15", "7:45"),
    ("money unit", "$5", "5 cents"),
    ("money unit", "5 dollars", "5 cents"),
    ("money unit", "\\$0.50", "5 cents"),
    ("units", "5 km", "5 m"),
    ("units", "2 hours", "2 minutes"),
    ("units", "3 kg", "3 g"),
    ("units", "5 feet", "5 inches"),
    ("units", "5 days", "5 hours"),
    ("units", "3 years", "3 months"),
    ("units", "5 kg", "5 pounds"),
    ("units", "5 gallons", "5 liters"),
    ("units", "5 cm^2", "5 m^2"),
    ("units", "5 cm^2", "5 cm^3"),
    ("units", "5 m^2", "5 m^3"),
    ("units", "5 m^2", "5 m"),
    ("units", "3 km and 5 km", "8 km"),
    ("units", "5 square feet", "5 m²"),
    ("units", "1 hour 30 minutes", "1.3 hours"),
    ("units", "90 minutes", "1 hour 3 minutes"),
    ("words", "two hundred and fifty", "200"),
    ("words", "five and six", "11"),
    ("scale", "1e3", "1"),
    ("percent", "50%", "0.5%"),
    ("percent", "25%", "1/2"),
    ("percent", "5%", "50%"),
    ("sign", "-4", "4"),
    ("decimal", "0.5", "0.05"),
    ("decimal", "1.2", "12"),
    ("decimal", "3.14", "\\pi"),
)


def agree(one: str, other: str) -> bool:
    first, second = read_answer(one), read_answer(other)
    assert first
    assert second
    assert first.equals(second) == second.equals(first)
    return first.equals(second)


@pytest.mark.parametrize(("kind", "one", "other"), SAME)
def test_two_ways_to_write_one_quantity_agree(kind: str, one: str, other: str) -> None:
    assert agree(one, other), kind


@pytest.mark.parametrize(("kind", "one", "other"), DIFFERENT)
def test_what_is_another_quantity_does_not_agree(kind: str, one: str, other: str) -> None:
    assert not agree(one, other), kind
