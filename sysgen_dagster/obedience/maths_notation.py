"""Texts with formulas, LaTeX or not, in one plain notation."""

import re
import unicodedata

_DROPPED = re.compile(
    r"\\[()\[\],;:! ]|\\(?:left|right|displaystyle|quad|qquad|big|Big)\b|[$€£¥`~]"
    r"|(?<!\w)\*\*|\*\*(?!\w)|\\?°|\^ ?(?:\\circ|\{\\circ\}|∘)|\\degree\b"
    r"|\\(?:text)?color\{\w+\}"
)
_WRAPPED = re.compile(
    r"\\(?:text(?:bf|it|sf|tt|normal)?|math(?:rm|bf|it|sf)|mbox|underline|boldsymbol|emph)"
    r"\s?\{([^{}]*)\}"
)
_SINGLE = re.compile(r"\{(\w|,)\}")
_FRACTION = re.compile(r"\\[dtc]?frac ?(\{[^{}]*\}|\w) ?(\{[^{}]*\}|\w)")
_POWER = re.compile(r"\^\{(-?\d{1,9})\}(?!\d)")
_SPELLINGS = {
    **{"\\%": "%", "\\$": "", "\\cdot": "*", "\\times": "*", "\xd7": "*", "π": "\\pi"},
    **{"∞": "\\infty", "\u2212": "-", "\u2013": "-", "\xa0": " ", "\\{": "{", "\\}": "}"},
    **{"\u202f": " ", "\u2009": " ", "±": "\\pm", "²": "^2", "³": "^3", "√": "\\sqrt"},
    **{"≤": "\\le", "≥": "\\ge", "≠": "\\ne", "∈": "\\in"},
    **{"°C": " celsius", "°F": " fahrenheit", "° C": " celsius", "° F": " fahrenheit"},
}
_SPELLING = re.compile("|".join(map(re.escape, _SPELLINGS)) + r"|\\(?:leq|geq|neq)(?![a-z])|[<>!]=")
_COMPARED = {"<=": "\\le", ">=": "\\ge", "!=": "\\ne"}
_VULGAR_FRACTION = re.compile("[¼-¾⅐-⅞]")
_ABOUT = (
    r"\\approx(?![a-z])|\\sim(?![a-z])|≈|(?<![\w}])~|\b(?:approximately|approx|about|roughly|around"
    r"|nearly|almost|circa)\b"
)
# That an answer is about so much.
ABOUT = re.compile(_ABOUT, re.IGNORECASE)
# What may stand before an answer: a name, what it is, or that it is about so much.
LEAD = re.compile(
    r"^(?:(?:[a-z](?:_\w)?(?:\([a-z]\))? ?(?:=|\\approx|≈|\\in(?![a-z]))"
    r"|(?:the )?(?:final |correct )?(?:answer|result|total|solution)(?: is|:)"
    rf"|(?:{_ABOUT})\.?) ?)+",
    re.IGNORECASE,
)
# An exclamation mark is a factorial after a number, bracket or single letter.
_TAIL = re.compile(r"(?:[ .,;:\"']|(?<![\d)}\]])(?<!\b[a-z])!)+$", re.IGNORECASE)
# After a formula or emphasis it is an exclamation.
_EXCLAIMED = re.compile(r"(?<=[$*])!+\s*$")
# A number at the end of a sentence without formulas: what follows it is no factorial.
_EXCLAIMED_NUMBER = re.compile(r"(?P<said>(?:[^\\^*/=+()!]|\\\$)*\d)!+[\s*_]*")
# A dollar sign that is money and not the beginning of a formula.
DOLLARS = re.compile(r"\\\$|^\s*\$[^$]*$")


_BLANK_BESIDE_SIGN = re.compile(r" (?=\W)|(?<=[^\w]) ")
_BLANK_AFTER_COMMAND = re.compile(r"(\\[a-z]+) (?=\d)")
_TIMES_A_LETTER = re.compile(r"(?<=\d)\*(?=[a-z(]|\\[a-z])")


def simplify_maths(text: str) -> str:
    """A text without LaTeX formatting, currency and degree signs; fractions become ``a/b``."""
    text = _EXCLAIMED.sub("", text)
    plain = _SPELLING.sub(lambda match: (_SPELLINGS | _COMPARED).get(match[0], match[0][:-1]), text)
    plain = _VULGAR_FRACTION.sub(_plain_fraction, plain)
    plain = _WRAPPED.sub(r" \1", _DROPPED.sub("", plain))
    plain = _SINGLE.sub(r"\1", plain)
    plain = " ".join(_FRACTION.sub(_inline_fraction, plain).split())
    return LEAD.sub("", _TAIL.sub("", _POWER.sub(r"^\1", plain)).lstrip(" ,;:\"'"))


def squeeze_blanks(plain: str) -> str:
    """A simplified text in lower case without blanks beside signs, such as ``(3,5 pi)``."""
    squeezed = _BLANK_BESIDE_SIGN.sub("", _BLANK_AFTER_COMMAND.sub(r"\1", plain.lower()))
    return _TIMES_A_LETTER.sub("", squeezed)


def as_said(stated: str) -> str:
    """A statement without the exclamation marks at its end that are none of its formula."""
    exclaimed = _EXCLAIMED_NUMBER.fullmatch(stated)
    return exclaimed["said"] if exclaimed else stated


def _inline_fraction(match: re.Match[str]) -> str:
    r"""``\frac{a}{b}`` as ``a/b``, with brackets around `a` or `b` where they are needed."""
    top, bottom = (part.strip("{} ") for part in match.groups())
    if bottom.startswith("-") and re.fullmatch(r"\w+", top):
        top, bottom = f"-{top}", bottom[1:].strip()
    top = top if re.fullmatch(r"-?[\w\\.]+", top) else f"({top})"
    bottom = bottom if re.fullmatch(r"\\?\w+", bottom) else f"({bottom})"
    return f" {top}/{bottom} "


def _plain_fraction(match: re.Match[str]) -> str:
    return f" {unicodedata.normalize('NFKC', match[0])} ".replace("\u2044", "/")
