"""Numbers in words."""

import re

SCALES = {
    **{"dozen": 12, "hundred": 10**2, "thousand": 10**3},
    **{"million": 10**6, "billion": 10**9, "trillion": 10**12},
}

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
_SCALED = rf"(?:{_LOW}|an?)(?: (?:{'|'.join(SCALES)}))+"
_NUMBER_WORDS = re.compile(rf"\b(?:(?:{_SCALED}(?:,? and |,? ))*{_LOW}|(?:{_SCALED} )*{_SCALED})\b")
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "eighth": 8, "tenth": 10}
_SPELLED_FRACTION = re.compile(
    rf"\b(?:(?P<top>an?|{'|'.join(_SMALL[1:10])})[- ](?P<part>{'|'.join(_PARTS)})s?"
    rf"|half(?: an?(?= (?:{'|'.join(SCALES)})))?)\b"
)
# A sign in words; "10 minus 5" subtracts.
NEGATIVE = re.compile(r"\b(?:negative|(?<![\d)}] )(?<!\b[a-z] )minus) (?=[.\d])", re.IGNORECASE)
_AND_A_FRACTION = re.compile(r"(?<=\d) and (?=\d{1,15}/\d)")


def digits_for_words(text: str) -> str:
    """A text with its spelled numbers in digits: ``minus five and a half`` is ``-5 1/2``."""
    text = _SPELLED_FRACTION.sub(_spelled_fraction, text)
    text = _AND_A_FRACTION.sub(" ", _NUMBER_WORDS.sub(_number_words, text))
    return NEGATIVE.sub("-", text)


def _spelled_fraction(match: re.Match[str]) -> str:
    return f"{_WORD_VALUES.get(match['top'] or '', 1)}/{_PARTS[match['part'] or 'half']}"


def _number_words(match: re.Match[str]) -> str:
    total = current = 0
    for word in re.findall(r"[a-z]+", match[0]):
        scale = SCALES.get(word, 1)
        if scale > 10**2:
            total, current = total + current * scale, 0
        elif scale > 1:
            current *= scale
        else:
            current += 1 if word in ("a", "an") else _WORD_VALUES.get(word, 0)
    return str(total + current)
