"""How much of a text repeats earlier parts of it: near 1 for text that loops, near 0 for prose.

The measure is the share of repeated n-grams, as in the repetition filters of Gopher
(arXiv 2112.11446, Table A1), with one n-gram length for all texts.
"""

import polars as pl

from sysgen_dagster.chat.words import WORD

# Words per n-gram. Eight equal words in a row are not chance, and rare in lists and code.
_WORDS = 8


def space_words(texts: pl.Series) -> pl.Series:
    """The words of each text in lower case, separated by single blanks; see `chat.words.WORD`."""
    return texts.str.to_lowercase().str.extract_all(WORD).list.join(" ")


def measure_repetition(texts: pl.Series) -> pl.Series:
    """The share of each text's word 8-grams that repeat an earlier one, from 0 to 1.

    Null if the text is null or has fewer than eight words.
    """
    shares = [None if text is None else _repeated(text) for text in space_words(texts)]
    return pl.Series(texts.name, shares, pl.Float64)


def _repeated(spaced: str) -> float | None:
    words = spaced.split(" ")
    total = len(words) - _WORDS + 1
    if total < 1:
        return None
    grams = set(zip(*(words[start:] for start in range(_WORDS)), strict=False))
    return 1 - len(grams) / total
