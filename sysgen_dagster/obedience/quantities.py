r"""Reads an answer that is one quantity: a number, perhaps with a unit, or a time of day.

Values are exact: ``12 500`` is 12500, ``5 and a half`` is 11/2, ``5 hundred`` is 500. Words and
signs that measure (``km``, ``cents``, ``p.m.``) are kept apart, so that 5 km is not 5 m, and 5 a.m.
not 5 p.m.; every other word after a number ("5 apples") is treated as part of the question.
"""

import re
from fractions import Fraction
from typing import NamedTuple

from sysgen_dagster.obedience.number_words import SCALES, digits_for_words

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
# A number may have a unit: words after a space, or a known unit next to the digits. "2x" is no
# number.
_NUMBER = re.compile(
    r"(?:(?:rs\.?|inr|usd|us|eur|gbp|cad|aud|[\u20b9\u20a9]) ?)?"
    r"(?P<sign>[-+]?) ?(?:(?P<whole>\d{1,15}) (?=\d{1,15} ?/ ?\d))?"
    rf"(?P<top>{SPACED}|{NUMERAL})"
    rf"(?: ?/ ?(?P<bottom>\d{{1,15}}))?"
    rf"(?:e(?P<exponent>[-+]?\d{{1,2}}))?(?: (?P<scale>{'|'.join(SCALES)}))?"
    r"(?P<unit> ?%| ?°[CF]?|¢| ?(?:[cmk]?m|[mk]?g|ml|ft|mph|km/h)(?:\^?[23])?"
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

# What a unit measures, and how much of the first one of its kind it is.
_UNITS: dict[str, tuple[str, Fraction]] = {
    name: (kind, Fraction(factor))
    for kind, units in {
        "money": {"dollars|dollar|usd": "1", "cents|cent|¢": "1/100"},
        "length": {
            **{"m|meter|meters|metre|metres": "1", "km|kilometers|kilometres|kilometer": "1000"},
            **{"cm|centimeters|centimetres|centimeter": "1/100", "mm|millimeters": "1/1000"},
            **{"ft|feet|foot": "381/1250", "inches|inch": "127/5000", "yards|yard": "1143/1250"},
            **{"miles|mile": "201168/125"},
        },
        "mass": {
            **{"g|grams|gram": "1", "kg|kilograms|kilogram": "1000", "mg|milligrams": "1/1000"},
            **{"tons|tonnes": "1000000", "pounds|pound|lbs|lb": "45359237/100000"},
            **{"ounces|ounce|oz": "45359237/1600000"},
        },
        "volume": {
            **{"l|liters|litres|liter|litre": "1", "ml|milliliters|millilitres": "1/1000"},
            **{"gallons|gallon": "3785411784/1000000000", "quarts|quart": "946352946/1000000000"},
            **{"pints|pint": "473176473/1000000000", "cups|cup": "2365882365/10000000000"},
        },
        "time": {
            "s|seconds|second|sekunden|sekunde|secondes|segundos|secondi": "1",
            "minutes|minute|min|minuten|minutos|minuti": "60",
            "h|hours|hour|stunden|stunde|heures|heure|horas|hora|ore|ora": "3600",
            "days|day|tage|tag|jours|jour|días|dias|día|dia|giorni|giorno": "86400",
            "weeks|week|wochen|woche|semaines|semaine|semanas|semana|settimane": "604800",
        },
        # A year has no whole number of weeks, and a month none of days.
        "calendar": {
            "months|month|monate|monat|mois|meses|mesi": "1",
            "years|year|jahre|jahr|ans|années|años|anos|anni": "12",
        },
        "share": {"%|percent|per cent": "1/100"},
    }.items()
    for names, factor in units.items()
    for name in names.split("|")
}
_RAISED = re.compile(
    r"(?P<word>square|sq\.?|cubic|cu\.?) (?P<name>[a-z]+)|(?P<raised>[a-z]+)\^?(?P<power>[23])"
)
# Longer names before those that they begin with.
UNIT_NAMES = sorted(_UNITS, key=len, reverse=True)
_CENT = Fraction(1, 100)
_IS_NUMBER = re.compile(r"-?[0-9]{1,100}(?:/0*[1-9][0-9]{0,99})?")
# A rounded number is as near as one in so many: 0.67 for 2/3.
_NEAR = 200
# Places after the point that a fraction without an end exceeds.
_LONGEST_DECIMAL = 40


class Quantity(NamedTuple):
    """One quantity; two of the same measure are equal where their amounts are."""

    # Equal for equal quantities without a measure: a number such as ``-1/3``, or a time.
    form: str
    # What is measured, and how much of it; None where no unit is known.
    measure: tuple[str, Fraction] | None = None
    # Forms of the same answer that leave its unit out.
    without_unit: tuple[str, ...] = ()
    # What the same text is in another notation: ``1.800`` is 9/5, or else 1800.
    otherwise: "Quantity | None" = None

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

    def _is_same(self, other: "Quantity") -> bool:
        if self.measure and other.measure:
            return self.measure == other.measure
        return (
            self.form == other.form
            or self.form in other.without_unit
            or other.form in self.without_unit
            or is_rounding(self.form, other.form)
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


def read_quantity(plain: str, currency: bool = False) -> Quantity | None:
    """The quantity that a simplified text is; None where it is something else, or more than one.

    Args:
        plain: The text as `final_answers.simplify_maths` returns it.
        currency: Whether the text had a dollar sign that is no mark of LaTeX.
    """
    text = digits_for_words(_IN_BRACKETS.sub(r"\1", plain).lower())
    if clock := _read_clock(text):
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
    (kind, amount), (other_kind, rest) = large.measure, small.measure
    if kind != other_kind or not 0 <= rest < amount:
        return None
    unit = _read_unit(found["unit"])[1]
    return read_quantity(f"{(amount + rest) / unit} {found['unit']}")


def _read_numeral(numeral: str) -> list[Fraction]:
    """The numbers that a numeral is: in English notation, and in the one of other languages."""
    joined = numeral.replace(" ", "")
    return list(
        dict.fromkeys(
            Fraction(joined.replace(comma, "").replace(point, "."))
            for notation, comma, point in _NOTATIONS
            if notation.fullmatch(joined)
        )
    )


def _read_match(match: re.Match[str], number: Fraction, currency: bool) -> Quantity:
    value = number / int(match["bottom"] or 1) + int(match["whole"] or 0)
    value *= SCALES.get(match["scale"] or "", 1) * Fraction(10) ** int(match["exponent"] or 0)
    value = -value if match["sign"] == "-" else value
    kind, factor, factors = _read_unit((match["unit"] or "").strip())
    if currency and kind is None:
        kind = "money"
    if kind is None:
        return Quantity(str(value))
    measure = (kind, value * factor)
    # A number alone is dollars, so cents have to be told from them by their form.
    if kind == "money":
        if factor == _CENT:
            return Quantity(f"{value} cents", measure, (str(value),))
        return Quantity(str(value), measure)
    # A number alone may count any unit of the kind: 90 is 1.5 hours, in minutes.
    return Quantity(str(value), measure, tuple(str(measure[1] / each) for each in factors))


def _read_unit(unit: str) -> tuple[str | None, Fraction, set[Fraction]]:
    """What it measures, how much of the first unit of its kind it is, and how much each one is."""
    match = _RAISED.fullmatch(unit)
    power = (
        int(match["power"] or (2 if (match["word"] or "").startswith("s") else 3)) if match else 1
    )
    kind, factor = _UNITS.get(
        (match["name"] or match["raised"]) if match else unit, (None, Fraction(1))
    )
    if power > 1 and kind != "length":
        kind = None
    # A number without a unit may be a share itself: 1/2 is 50 %.
    factors = {Fraction(1)} | {each**power for of, each in _UNITS.values() if of == kind}
    return (f"{kind}^{power}" if kind and power > 1 else kind), factor**power, factors


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
    bare = (f"{hour}:{minute}", *([str(hour)] if minute == "00" else []))
    return Quantity(f"{hour}:{minute} {half}", ("time of day", Fraction(minutes)), bare)
