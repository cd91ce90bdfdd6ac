r"""Reads an answer that is one quantity: a number, perhaps with a unit, or a time of day.

Values are exact: ``12 500`` is 12500, ``5 and a half`` is 11/2, ``5 hundred`` is 500. Words and
signs that measure (``km``, ``cents``, ``p.m.``) are kept apart, so that 5 km is not 5 m, and 5 a.m.
not 5 p.m.; every other word after a number ("5 apples") is treated as part of the question, but 1
gigabyte and 1024 megabytes are not told apart, as nobody knows here what these words measure.
"""

import re
from fractions import Fraction
from typing import NamedTuple

from sysgen_dagster.obedience.number_words import (
    SCALE,
    digits_for_words,
    read_scale,
    spell_abbreviations,
)
from sysgen_dagster.obedience.units import UNIT_NAMES, read_unit

# Characters of a number, also of one with a comma after every third digit. No answer is longer, and
# Python refuses to read thousands of digits.
LONGEST_NUMERAL = 100
# Many languages write 1.800,5 for 1,800.5; India writes 1,00,000 for 100,000.
NUMERAL = (
    r"\d{1,3}(?:,\d{2,3}|\.\d{3})*[.,]\d{3}(?:[.,]\d{1,40})?(?!\d)"
    r"|\d{1,40}[.,]\d{1,40}|\d{1,40}|\.\d{1,40}"
)
# Thousands may also be set apart by blanks.
SPACED = r"[1-9]\d{0,2}(?: \d{3}){1,12}(?:[.,]\d{1,40})?(?!\d)"
# English, where a comma groups digits, and other languages, where a point does.
_NOTATIONS = tuple(
    (re.compile(rf"(?:[1-9]\d{{0,2}}(?:{groups})+|\d*)(?:\{point}\d+)?"), comma, point)
    for groups, comma, point in (
        (r",(?:\d\d,(?=(?:\d\d,)*\d{3}(?!\d)))*\d{3}", ",", "."),
        (r"\.\d{3}", ".", ","),
    )
)
# Words after a number that make another one of it. "Mil" is a thousand in Spanish, and a million.
OPERATION = (
    r"(?: [^\W\d_]+){0,12} (?:squared|cubed|factorial|pi|mil|times|plus|minus|over|than|divided"
    r"|multiplied|below|to the)\b"
)
# A number may have a unit: words after a space, or a known unit next to the digits. "2x" is no
# number.
_NUMBER = re.compile(
    r"(?:(?:rs\.?|inr|usd|us|eur|gbp|cad|aud|[\u20b9\u20a9]) ?)?"
    r"(?P<sign>[-+]?) ?(?:(?P<whole>\d{1,15}) (?=\d{1,15} ?/ ?\d))?"
    rf"(?P<top>{SPACED}|{NUMERAL})"
    rf"(?: ?/ ?(?P<bottom>\d{{1,15}}))?"
    rf"(?:e(?P<exponent>[-+]?\d{{1,2}}))?(?: (?P<scale>{SCALE}))?"
    rf"(?!{OPERATION})"
    r"(?P<unit> ?%|¢| ?(?:[cmk]?m|[mk]?g|ml|ft|mph|km/h)(?:\^?[23])?"
    r"| (?:[^\W\d_]{2,20}|[mglhs])(?:[ ./-][^\W\d_]{1,20}){0,5}(?:\^?[23])?)?",
    re.IGNORECASE,
)
_COMPOUND = re.compile(
    r"(?P<large>\S+ ?[^\W\d_]+)(?:,? and |,? )(?P<small>[\d.,/]+ ?(?P<unit>[^\W\d_]+))"
)
_IN_BRACKETS = re.compile(r"^[(\[{]([^()\[\]{},]*)[)\]}]$")
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.](?P<minute>[0-5]\d))? ?(?P<half>[ap])\.? ?m\.?", re.IGNORECASE
)
_OF_24_HOURS = re.compile(r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?: (?:hours|h))?")

_CENT = Fraction(1, 100)
_RATIO = re.compile(r"(?P<one>\d{1,9}) ?(?::|to) ?(?P<other>\d{1,9})")
# A unit whose number is left out: "a week".
_ONE = re.compile(rf"^an? (?=(?:{'|'.join(UNIT_NAMES)})\b)")
# What may be counted itself, or so many of something else: 2 pairs are 4 gloves.
_GROUPS = {
    **{"pair": Fraction(2), "ten": Fraction(10), "score": Fraction(20)},
    **{"quarter": Fraction(1, 4)},
}
_IS_NUMBER = re.compile(r"-?[0-9]{1,100}(?:/0*[1-9][0-9]{0,99})?")
# A rounded number is as near as one in so many: 0.67 for 2/3.
_NEAR = 200
# Places after the point that a fraction without an end exceeds.
_LONGEST_DECIMAL = 40


class Measure(NamedTuple):
    """How much of something that is measured."""

    kind: str
    # In the first unit of the kind, and how much of that the unit is in which it was stated.
    amount: Fraction
    size: Fraction = Fraction(1)

    def equals(self, other: "Measure") -> bool:
        """Whether both are one amount, or one is the other, rounded in one of their units."""
        return self.kind == other.kind and any(
            self.amount == other.amount
            or is_rounding(str(self.amount / size), str(other.amount / size))
            for size in (self.size, other.size)
        )


class Quantity(NamedTuple):
    """One quantity; two of the same measure are equal where their amounts are."""

    # Equal for equal quantities without a measure: a number such as ``-1/3``, or a time.
    form: str
    # What is measured; None where no unit is known.
    measure: Measure | None = None
    # Forms of the same answer that leave out its unit, or what else stands beside the result.
    bare: tuple[str, ...] = ()
    # What the same text is in another notation: ``1.800`` is 9/5, or else 1800.
    otherwise: "Quantity | None" = None
    # The unit as it was written, known or not.
    unit: str = ""
    # Whether it is said to be about so much.
    is_about: bool = False

    def equals(self, other: "Quantity") -> bool:
        """Whether both are one answer, as one of the ways to read them at least.

        A unit that only one of them states does not count.
        """
        return any(
            one._is_same(another)
            for one in (self, self.otherwise)
            for another in (other, other.otherwise)
            if one and another
        )

    def may_equal(self, other: "Quantity") -> bool:
        """Whether two that are not found equal may be so: in units or words that nobody knows."""
        if self.measure and other.measure:
            is_known = self.measure.kind == other.measure.kind
        else:
            one, another = (
                {word.rstrip("s") for word in each.unit.split()} for each in (self, other)
            )
            # "apples" and "red apples" are told apart, "miles per hour" and "km per hour" are not.
            is_known = one <= another or another <= one
            if not self.measure and self.bare:
                is_known = is_known and self.bare != other.bare
        is_about = self.is_about or other.is_about
        return not is_known or (is_about and _is_near(self.form, other.form))

    def _is_same(self, other: "Quantity") -> bool:
        if self.measure and other.measure:
            return self.measure.equals(other.measure)
        return (
            self.form == other.form
            or self.form in other.bare
            or other.form in self.bare
            or any(is_rounding(self.form, form) for form in (other.form, *other.bare))
            or any(is_rounding(other.form, form) for form in self.bare)
        )


def is_rounding(one: str, other: str) -> bool:
    """Whether one of two forms is a number that is the other one, rounded to its decimals.

    A reader takes 3.33 for 10/3, and 12.6 for 12.57, but neither 3 nor 2.5 for 2.45.
    """
    if "." in one + other or not (_IS_NUMBER.fullmatch(one) and _IS_NUMBER.fullmatch(other)):
        return False
    values = Fraction(one), Fraction(other)
    return any(_rounds(*pair) for pair in (values, values[::-1]))


def _rounds(rounded: Fraction, value: Fraction) -> bool:
    decimals = next((n for n in range(1, 9) if (rounded * 10**n).denominator == 1), None)
    if decimals is None or rounded.denominator == 1:
        return False
    gap = abs(rounded - value)
    is_endless = 10**_LONGEST_DECIMAL % value.denominator != 0
    is_near = gap <= abs(value) / _NEAR or (is_endless and decimals > 1)
    return is_near and gap * 2 <= Fraction(1, 10**decimals)


def _is_near(one: str, other: str) -> bool:
    """Whether two numbers differ by no more than a tenth, as what is about the other one does."""
    if not (_IS_NUMBER.fullmatch(one) and _IS_NUMBER.fullmatch(other)):
        return False
    values = Fraction(one), Fraction(other)
    return abs(values[0] - values[1]) * 10 <= max(map(abs, values))


def read_quantity(plain: str, currency: bool = False) -> Quantity | None:
    """The quantity that a simplified text is; None where it is something else, or more than one.

    Args:
        plain: The text as `maths_notation.simplify_maths` returns it.
        currency: Whether the text had a dollar sign that is no mark of LaTeX.
    """
    spelled = spell_abbreviations(_IN_BRACKETS.sub(r"\1", plain), is_tight=currency).lower()
    text = _ONE.sub("1 ", digits_for_words(spelled))
    if clock := _read_clock(text) or _read_ratio(text):
        return clock
    if compound := _read_compound(text):
        return compound
    match = _NUMBER.fullmatch(text)
    if not match or len(match["top"]) > LONGEST_NUMERAL or int(match["bottom"] or 1) == 0:
        return None
    readings = [_read_match(match, number, currency) for number in _read_numeral(match["top"])]
    if not readings:
        return None
    return readings[0]._replace(otherwise=readings[1] if len(readings) > 1 else None)


def _read_compound(text: str) -> Quantity | None:
    """An amount in a unit and a smaller one, as an amount of the smaller one: 90 minutes."""
    found = _COMPOUND.fullmatch(text)
    if not found:
        return None
    large, small = read_quantity(found["large"]), read_quantity(found["small"])
    if not (large and small and large.measure and small.measure):
        return None
    whole, rest = large.measure, small.measure
    if whole.kind != rest.kind or not 0 <= rest.amount < whole.amount:
        return None
    return read_quantity(f"{(whole.amount + rest.amount) / rest.size} {found['unit']}")


def _read_numeral(numeral: str) -> list[Fraction]:
    """The numbers that a numeral is: in English notation, and in the one of other languages."""
    joined = numeral.replace(" ", "")
    numbers = [
        Fraction(joined.replace(comma, "").replace(point, "."))
        for notation, comma, point in _NOTATIONS
        if notation.fullmatch(joined)
    ]
    # Nobody writes 12,000 for the decimal 12,0.
    return numbers[:1] if "," in joined and joined.endswith("0") else list(dict.fromkeys(numbers))


def _read_match(match: re.Match[str], number: Fraction, currency: bool) -> Quantity:
    value = number / int(match["bottom"] or 1) + int(match["whole"] or 0)
    value *= read_scale(match["scale"] or "") * Fraction(10) ** int(match["exponent"] or 0)
    value = -value if match["sign"] == "-" else value
    unit = (match["unit"] or "").strip()
    kind, size, sizes = read_unit(unit)
    if currency and kind is None:
        kind = "money"
    if kind is None:
        group = _GROUPS.get(re.split("s? |s?$", unit)[0])
        return Quantity(str(value), None, (str(value * group),) if group else (), unit=unit)
    measure = Measure(kind, value * size, size)
    # A number alone may count any unit of the kind: 90 is 1.5 hours, in minutes.
    bare = tuple(str(measure.amount / each) for each in sizes)
    if kind != "money":
        return Quantity(str(value), measure, bare, unit=unit)
    # Cents have to be told from dollars by their form; 2 dollars alone are no 200.
    if size == _CENT:
        return Quantity(f"{value} cents", measure, bare, unit=unit)
    return Quantity(str(value), measure, unit=unit or "dollars")


def _read_ratio(text: str) -> Quantity | None:
    """A ratio, which is also its quotient, or a time without its half of the day."""
    if not (found := _RATIO.fullmatch(text)):
        return None
    one, other = map(int, found.groups())
    share = (str(Fraction(one, other)),) if other else ()
    return Quantity(f"{found['one']}:{found['other']}", None, share)


def _read_clock(text: str) -> Quantity | None:
    if match := _CLOCK.fullmatch(text):
        hour, minute, half = int(match["hour"]), match["minute"] or "00", f"{match['half']}m"
        if not 1 <= hour <= 12:
            return None
    elif (match := _OF_24_HOURS.fullmatch(text)) and int(match["hour"]) not in range(1, 13):
        hour, minute = (int(match["hour"]) - 1) % 12 + 1, match["minute"]
        half = "pm" if int(match["hour"]) > 12 else "am"
    else:
        return None
    minutes = (hour % 12 + (12 if half == "pm" else 0)) * 60 + int(minute)
    # What is written in 24 hours may be a ratio, and needs no half of the day.
    is_bare = match.re is _CLOCK
    bare = (f"{hour}:{minute}", *([str(hour)] if minute == "00" else [])) if is_bare else ()
    return Quantity(f"{hour}:{minute} {half}", Measure("time of day", Fraction(minutes)), bare)
