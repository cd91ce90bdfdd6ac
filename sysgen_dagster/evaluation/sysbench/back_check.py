"""Whether an English translation keeps the numbers and the quoted strings of a Chinese text.

A checklist is about numbers and exact words more often than about anything else, so a translation
that loses one asks for another thing. What is said is conservative: a translation that is good may
be found at fault, where a number is written in a way that is not known here.
"""

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple


class Fault(StrEnum):
    """What is wrong with a translation; the value is the beginning of ``faults``."""

    NUMBER_LOST = "number_lost"
    NUMBER_ADDED = "number_added"
    QUOTE_LOST = "quoted_string_lost"
    NOT_TRANSLATED = "not_translated"
    SHOWS_MARKS = "shows_marks"  # of the form in which texts are shown


class Found(NamedTuple):
    """One fault, and a sentence on it for whoever translates again."""

    fault: Fault
    said: str


_CHINESE: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LETTER: Final = re.compile(r"[^\W\d_]")
# How much of a translation may be Chinese, such as names that are kept in brackets.
_MOST_CHINESE: Final = 0.2
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
# Words behind a number that multiply it.
_UNITS: Final = {"百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}
_ENGLISH_UNITS: Final = {
    **{"hundred": 100, "thousand": 1_000, "k": 1_000},
    **{"million": 1_000_000, "billion": 1_000_000_000},
}
_UNIT: Final = re.compile(r"\s{0,2}([百千万亿]{1,2})")
_ENGLISH_UNIT: Final = re.compile(rf"[\s-]{{0,2}}({'|'.join(_ENGLISH_UNITS)})\b", re.IGNORECASE)
_CHINESE_NUMERAL: Final = re.compile(r"[零〇一二三四五六七八九十百千万亿两半双几廿]")
# What a number may be written as in words; small ones are in most styles.
_WORDS: Final = (
    *("zero|no", "one|first|once|a|an|single", "two|second|twice|both|pair|double"),
    *("three|third|triple", "four|fourth", "five|fifth", "six|sixth", "seven|seventh"),
    *("eight|eighth", "nine|ninth", "ten|tenth", "eleven|eleventh", "twelve|twelfth"),
)
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_MONTH: Final = re.compile(r"\s?月")
_QUOTED: Final = re.compile(
    r"“([^“”\n]{1,200})”|「([^「」\n]{1,200})」|『([^『』\n]{1,200})』|\"([^\"\n]{1,200})\"|"
    r"\u2018([^\u2018\u2019\n]{1,200})\u2019|(?<!\w)'([^'\n]{1,200})'(?!\w)|`([^`\n]{1,200})`"
)
_ASCII_WORD: Final = re.compile(r"[A-Za-z0-9]")


def find_faults(original: str, translation: str) -> list[Found]:
    """What a translation lost or added; empty where nothing is found."""
    return [
        *_lost_numbers(original, translation),
        *_added_numbers(original, translation),
        *_lost_quotes(original, translation),
        *_left_chinese(original, translation),
    ]


def _lost_numbers(original: str, translation: str) -> Iterator[Found]:
    there = set(_values(translation, _ENGLISH_UNIT, _ENGLISH_UNITS))
    text = _normal(original)
    for found in _NUMBER.finditer(text):
        meant = set(_values_at(text, found, _UNIT, _UNITS))
        if not (meant & there or _is_in_words(text, found, translation)):
            yield Found(Fault.NUMBER_LOST, f"the number {found[0]} of the text is not in it")


def _added_numbers(original: str, translation: str) -> Iterator[Found]:
    if _CHINESE_NUMERAL.search(original):
        return  # numbers in words may have become digits
    known = set(_values(original, _UNIT, _UNITS))
    text = _normal(translation)
    for found in _NUMBER.finditer(text):
        if known.isdisjoint(_values_at(text, found, _ENGLISH_UNIT, _ENGLISH_UNITS)):
            yield Found(Fault.NUMBER_ADDED, f"it has the number {found[0]}, which the text has not")


def _lost_quotes(original: str, translation: str) -> Iterator[Found]:
    quoted = [*_quoted(original)]
    for string in quoted:
        if _ASCII_WORD.search(string) and not _CHINESE.search(string) and string not in translation:
            yield Found(Fault.QUOTE_LOST, f"the quoted string {string!r} is not in it as it is")
    kept = len([*_quoted(translation)])
    if kept < len(quoted):
        said = f"the text has {len(quoted)} strings in quotation marks, and it has {kept}"
        yield Found(Fault.QUOTE_LOST, said)


def _left_chinese(original: str, translation: str) -> Iterator[Found]:
    text = _QUOTED.sub(" ", translation)
    chinese, letters = len(_CHINESE.findall(text)), len(_LETTER.findall(text))
    if chinese and _CHINESE.search(original) and chinese > _MOST_CHINESE * letters:
        yield Found(Fault.NOT_TRANSLATED, "much of it is still in Chinese")


def _quoted(text: str) -> Iterator[str]:
    for found in _QUOTED.finditer(text):
        yield next(group for group in found.groups() if group is not None)


def _normal(text: str) -> str:
    """Digits as ASCII, without the commas between thousands."""
    return _THOUSANDS.sub("", unicodedata.normalize("NFKC", text))


def _values(text: str, unit: re.Pattern[str], units: dict[str, int]) -> Iterator[Fraction]:
    text = _normal(text)
    for found in _NUMBER.finditer(text):
        yield from _values_at(text, found, unit, units)


def _values_at(
    text: str, found: re.Match[str], unit: re.Pattern[str], units: dict[str, int]
) -> Iterator[Fraction]:
    """What a number may mean: its digits, and these times the words behind them."""
    value = Fraction(found[0])
    yield value
    if behind := unit.match(text, found.end()):
        word = behind[1].lower()
        for each in (word,) if word in units else word:
            value *= units[each]
        yield value


def _is_in_words(text: str, found: re.Match[str], translation: str) -> bool:
    value = Fraction(found[0])
    if value.denominator > 1 or value >= len(_WORDS):
        return False
    number = int(value)
    if re.search(rf"\b(?:{_WORDS[number]})\b", translation, re.IGNORECASE):
        return True
    is_month = number > 0 and _MONTH.match(text, found.end())
    return bool(is_month and re.search(rf"\b{_MONTHS[number - 1]}", translation))
