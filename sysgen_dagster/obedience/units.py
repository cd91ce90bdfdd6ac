"""Units: what each measures, and how much of the first one of its kind it is."""

import re
from fractions import Fraction

# What a unit measures, and how much of the first one of its kind it is.
_UNITS: dict[str, tuple[str, Fraction]] = {
    name: (kind, Fraction(factor))
    for kind, units in {
        "money": {"dollars|dollar|usd": "1", "cents|cent|¢": "1/100"},
        "length": {
            **{
                "m|meter|meters|metre|metres": "1",
                "km|kms|kilometers|kilometres|kilometer": "1000",
            },
            **{"cm|centimeters|centimetres|centimeter": "1/100", "mm|millimeters": "1/1000"},
            **{"ft|feet|foot": "381/1250", "inches|inch": "127/5000", "yards|yard": "1143/1250"},
            **{"miles|mile|mi": "201168/125", "yd|yds": "1143/1250"},
        },
        "length^2": {"hectares|hectare": "10000", "acres|acre": "40468564224/10000000"},
        # A ton may be short, long or metric.
        "mass": {
            **{"g|grams|gram": "1", "kg|kgs|kilograms|kilogram": "1000", "mg|milligrams": "1/1000"},
            **{"tonnes|tonne": "1000000", "pounds|pound|lbs|lb": "45359237/100000"},
            **{"ounces|ounce|oz": "45359237/1600000"},
        },
        "volume": {
            **{"l|liters|litres|liter|litre": "1", "ml|milliliters|millilitres": "1/1000"},
            **{"gallons|gallon": "3785411784/1000000000", "quarts|quart": "946352946/1000000000"},
            **{"pints|pint": "473176473/1000000000", "cups|cup": "2365882365/10000000000"},
        },
        "time": {
            "s|seconds|second|secs|sec|sekunden|sekunde|secondes|segundos|secondi": "1",
            "minutes|minute|mins|min|minuten|minutos|minuti": "60",
            "h|hours|hour|hrs|hr|stunden|stunde|heures|heure|horas|hora|ore|ora": "3600",
            "days|day|tage|tag|jours|jour|días|dias|día|dia|giorni|giorno": "86400",
            "weeks|week|wochen|woche|semaines|semaine|semanas|semana|settimane": "604800",
        },
        # A year has no whole number of weeks, and a month none of days.
        "calendar": {
            "months|month|mos|monate|monat|mois|meses|mesi": "1",
            "years|year|yrs|yr|jahre|jahr|ans|années|años|anos|anni": "12",
            **{"decades|decade": "120", "centuries|century": "1200"},
        },
        "share": {"%|percent|per cent": "1/100"},
    }.items()
    for names, factor in units.items()
    for name in names.split("|")
}
_RAISED = re.compile(
    r"(?P<word>square|sq\.?|cubic|cu\.?) (?P<name>[a-z]+)|(?P<raised>[a-z]+)\^?(?P<power>[23])"
)
# "1/2 of a mile", "1/2 an hour".
_ARTICLE = re.compile(r"^(?:of )?(?:an?|the|one) ")
# Longer names before those that they begin with.
UNIT_NAMES = sorted(_UNITS, key=len, reverse=True)


def read_unit(unit: str) -> tuple[str | None, Fraction, set[Fraction]]:
    """What it measures, how much of the first unit of its kind it is, and how much each one is."""
    unit = _ARTICLE.sub("", unit)
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
