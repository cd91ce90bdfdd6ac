"""Numbers in words, and with words or letters that scale them."""

import re

_SCALES = {
    **{"dozen": 12, "hundred": 10**2, "thousand": 10**3},
    **{"million": 10**6, "billion": 10**9, "trillion": 10**12, "lakh": 10**5, "crore": 10**7},
    # In German, French, Italian, Portuguese and Spanish.
    **{"tausend": 10**3, "mille": 10**3, "mila": 10**3, "millionen": 10**6, "milioni": 10**6},
    **{"milhões": 10**6, "millones": 10**6, "milliarden": 10**9, "milliard": 10**9},
}
# A scale with its plural.
SCALE = rf"(?:{'|'.join(_SCALES)})s?"

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORD_VALUES = {
    **{word: value for value, word in enumerate(_SMALL)},
    **{word: 10 * value for value, word in enumerate(_TENS, 2)},
}
_LOW = rf"(?:(?:{'|'.join(_TENS)})[- ](?:{'|'.join(_SMALL[1:10])})|{'|'.join(_WORD_VALUES)})"
_SCALED = rf"(?:{_LOW}|an?)(?: {SCALE})+"
_NUMBER_WORDS = re.compile(rf"\b(?:(?:{_SCALED}(?:,? and |,? ))*{_LOW}|(?:{_SCALED} )*{_SCALED})\b")
# Parts of a whole; not the second, which is a time.
_PARTS = {
    **{"half": 2, "halve": 2, "third": 3, "quarter": 4, "fifth": 5, "eighth": 8, "ninth": 9},
    **{"twelfth": 12, "hundredth": 100, "thousandth": 1000, "millionth": 10**6},
    **{f"{_SMALL[value]}th": value for value in (4, 6, 7, 10, 11, *range(13, 20))},
    **{f"{word[:-1]}ieth": 10 * value for value, word in enumerate(_TENS, 2)},
}
PART = rf"(?:(?:{'|'.join(_TENS)})-)?(?:{'|'.join(_PARTS)})s?"
_SPELLED_FRACTION = re.compile(
    rf"(?<![\d/.,])\b(?:(?P<top>an?|{_LOW}|\d{{1,4}})[- ](?P<part>{PART})"
    rf"|half(?: an?(?= {SCALE}))?)\b"
)
# A sign in words; "10 minus 5" subtracts.
NEGATIVE = re.compile(r"\b(?:negative|(?<![\d)}] )(?<!\b[a-z] )minus) (?=[.\d])", re.IGNORECASE)
_AND_A_FRACTION = re.compile(r"(?<=\d) and (?=\d{1,15}/\d)")
# "an hour and a half", after its fraction is put in digits.
_UNIT_AND_A_FRACTION = re.compile(r"^(an?|\d{1,9}) ([a-z]+) and (\d/\d)$")
# Abbreviations of which the case counts: 5 M are millions, and 5 m are metres.
_SCALE_LETTERS = {
    **dict.fromkeys(("MM", "mn", "mln"), " million"),
    **{"B": " billion", "bn": " billion", "Bn": " billion", "tn": " trillion"},
}
_UNIT_LETTERS = {
    **{"K": " kelvin", "V": " volts", "N": " newtons", "J": " joules", "W": " watts"},
    **{"A": " amperes", "C": " celsius", "F": " fahrenheit"},
    **dict.fromkeys(("o'clock", "o\u2019clock"), ":00"),
}
_APART = {f" {letters}": word for letters, word in (_SCALE_LETTERS | _UNIT_LETTERS).items()}
_APART |= {" M": " million", "M": " million"}
# Next to its number any other letter may be a variable.
_TIGHT = _APART | _SCALE_LETTERS | {"k": " thousand", "K": " thousand", "C": " celsius"}
_ABBREVIATED = {
    is_tight: re.compile(rf"(?<=\d)(?:{'|'.join(known)})(?![\w^(])")
    for is_tight, known in ((False, _APART), (True, _TIGHT))
}
_FEET_AND_INCHES = re.compile(r"^(\d{1,3})['\u2032\u2019] ?(\d{1,2})(?:[\"\u2033\u201d]|'')?$")


def digits_for_words(text: str) -> str:
    """A lower-case text with its spelled numbers in digits: ``minus five and a half``, -5 1/2."""
    text = _SPELLED_FRACTION.sub(_spelled_fraction, text)
    text = _AND_A_FRACTION.sub(" ", _NUMBER_WORDS.sub(_number_words, text))
    text = _UNIT_AND_A_FRACTION.sub(_fraction_of_unit, text)
    return NEGATIVE.sub("-", text)


def spell_abbreviations(text: str, *, is_tight: bool) -> str:
    """A text with its scales and one-letter units as words: ``1.5 M`` is ``1.5 million``.

    Args:
        text: A number with what stands beside it, in its own case.
        is_tight: Whether a letter next to the number is no variable: ``$1.5M``, and not ``14k``.
    """
    text = _FEET_AND_INCHES.sub(r"\1 feet \2 inches", text)
    return _ABBREVIATED[is_tight].sub(lambda match: _TIGHT[match[0]], text)


def read_scale(word: str) -> int:
    """What a scale, or its plural, multiplies by; 1 for any other word."""
    return _SCALES.get(word, _SCALES.get(word.removesuffix("s"), 1))


def _spelled_fraction(match: re.Match[str]) -> str:
    """A fraction in digits. Several parts are a plural: "two third graders" are no fraction."""
    top, part = match["top"], match["part"]
    if part is None:
        return "1/2"
    *tens, name = part.split("-")
    is_one = top in ("a", "an", "one", "1")
    # Quarters that are counted in digits may be coins.
    if name.endswith("s") is is_one or (top.isdigit() and name == "quarters"):
        return match[0]
    bottom = _PARTS[name.removesuffix("s")] + sum(_WORD_VALUES[word] for word in tens)
    return f"{1 if is_one else _NUMBER_WORDS.sub(_number_words, top)}/{bottom}"


def _fraction_of_unit(match: re.Match[str]) -> str:
    count = match[1] if match[1].isdigit() else "1"
    return f"{count} {match[3]} {match[2]}"


def _number_words(match: re.Match[str]) -> str:
    total = current = 0
    for word in re.findall(r"[^\W\d_]+", match[0]):
        scale = read_scale(word)
        if scale > 10**2:
            total, current = total + current * scale, 0
        elif scale > 1:
            current *= scale
        else:
            current += 1 if word in ("a", "an") else _WORD_VALUES.get(word, 0)
    return str(total + current)
