"""Words of a text in any script, and how much a text says, counted as that of English text.

Some scripts have no blanks between words. Where words are compared, each of their characters is a
word; where words or characters are counted, each of their letters counts as what it says.
"""

import re
from collections.abc import Mapping
from functools import lru_cache, reduce
from itertools import pairwise
from operator import add
from typing import Final

import polars as pl

# Scripts without blanks between words, for a class of characters of a pattern in Polars.
UNSPACED: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# A run of letters, marks, digits and underscores; in scripts without blanks one such character.
WORD: Final = rf"[[{UNSPACED}]&&\w]|[\w--[{UNSPACED}]]+"

_ASCII_WORD = re.compile(r"\w+")
_ASCII_SPACED_WORD = re.compile(r"[^\s,;_]*[^\W_][^\s,;_]*", re.ASCII)
_LONG_MARK = "\u30fc"  # of Japanese; Unicode counts it to no script
_NO_BLANKS = UNSPACED + _LONG_MARK
# Characters of English text that say about what one letter says: our estimates.
_UNSPACED_LETTERS = {
    r"\p{Han}": 3.0,
    rf"[\p{{Hiragana}}\p{{Katakana}}{_LONG_MARK}]": 2.0,
    r"[[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]&&\p{L}]": 1.5,
}
_LETTERS = {**_UNSPACED_LETTERS, r"\p{Hangul}": 2.0}
_MARKS = r"[[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]&&\p{M}]"  # part of what their letters say
_KOREAN = re.compile("[\uac00-\ud7a3]{2}")
_ENGLISH_WORD = 6  # characters, with the blank after it
_SPACED_WORD = rf"[^\s_,;{_NO_BLANKS}]*[\w--[_{_NO_BLANKS}]][^\s_,;{_NO_BLANKS}]*"


@lru_cache(maxsize=4_096)  # a description is compared with many others
def list_words(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, in their order; see `WORD`."""
    if text.isascii():  # the same, ten times as fast for a single text
        return tuple(_ASCII_WORD.findall(text.lower()))
    return tuple(pl.Series([text]).str.to_lowercase().str.extract_all(WORD).item())


def list_stems(text: str) -> frozenset[str]:
    """What inflection leaves of the words of a text that are long enough to mean something.

    These are the first five letters of words of four or more, the first two of Korean words, and in
    scripts without blanks each two neighbouring characters.
    """
    words = list_words(text)
    pairs = {one + next_ for one, next_ in pairwise(words) if len(one) == len(next_) == 1}
    korean = {word[:2] for word in words if _KOREAN.match(word)}
    return frozenset({word[:5] for word in words if len(word) > 3} | korean | pairs)


def count_words(text: str) -> int:
    """How many words a text has; blanks, commas, semicolons and underscores part them.

    Of letters in scripts without blanks it is how many English words say as much: two letters of
    Chinese count as a word, three of kana, four of Thai.
    """
    if text.isascii():  # the same, without what Polars costs for a single text
        return len(_ASCII_SPACED_WORD.findall(text))
    texts = pl.Series([text])
    as_words = (_said(texts, _UNSPACED_LETTERS) / _ENGLISH_WORD).ceil()
    return int((texts.str.count_matches(_SPACED_WORD) + as_words).item())


def english_length_of(text: str) -> float:
    """`english_length` of one text."""
    return len(text) if text.isascii() else float(english_length(pl.Series([text])).item())


def english_length(texts: pl.Series) -> pl.Series:
    """How many characters of English text say as much as each text does; null for null."""
    weighed = texts.str.count_matches("|".join([*_LETTERS, _MARKS]))
    return texts.str.len_chars() - weighed + _said(texts, _LETTERS)


def _said(texts: pl.Series, letters: Mapping[str, float]) -> pl.Series:
    return reduce(add, (texts.str.count_matches(each) * says for each, says in letters.items()))
