"""Whether a system message gives the original answer away.

The model that writes a message sees the answer, and the paper's Phase 3 removes Content more often
than any other phrase. Counted here is what the Content that stayed copies from the answer, and
whether the message holds what a maths answer ends in. What the question says too is no leak.
"""

import re
from collections.abc import Sequence

import polars as pl

from sysgen_dagster.analysis.repetition import space_words
from sysgen_dagster.analysis.tables import LEAKAGE
from sysgen_dagster.obedience.final_answers import find_numbers, simplify_maths, squeeze_blanks
from sysgen_dagster.tables.table import polars_schema

# Four words in a row are often a set phrase; five that the answer also has are seldom chance.
_GRAM = 5
# A message of 512 tokens (Phase 1) has fewer words; bounds the work on anything else.
_MOST_WORDS = 1_000
# One digit or letter stands in any text ("in 3 steps"), so of such an answer nothing can be told.
# Longer ones stand by chance in 0.2 % of messages (real ones, put to maths rows at random).
_SHORTEST_ANSWER = 2
_NUMBER_FORM = re.compile(r"-?\d+(?:/\d+)?")


def measure_leakage(
    question: pl.Series,
    answer: pl.Series,
    content: pl.Series,
    system_message: pl.Series,
    final_answer: pl.Series,
) -> pl.DataFrame:
    """The columns of `tables.LEAKAGE`, one row per conversation, in their order.

    Args:
        question: Q.
        answer: A, the original one.
        content: The verified Content phrases as one text; null where there are none.
        system_message: S.
        final_answer: What A ends in, as `final_answers` gives it.

    Returns:
        ``content_copied_share`` is null where Content has fewer than five words, and
        ``content_longest_copy`` without Content. ``final_answer_leaked`` is null where no final
        answer is known or it is a single digit or letter.
    """
    texts = (space_words(text.fill_null("")) for text in (content, answer, question))
    copied = [
        (None, None) if text is None else _copied(*words)
        for text, *words in zip(content, *texts, strict=True)
    ]
    leaked = [_leaked(*row) for row in zip(final_answer, system_message, question, strict=True)]
    rows = [(*copy, leak) for copy, leak in zip(copied, leaked, strict=True)]
    return pl.DataFrame(rows, schema=polars_schema(LEAKAGE), orient="row")


def _copied(content: str, answer: str, question: str) -> tuple[float | None, int]:
    """The share of Content's 5-grams that are copied, and the longest copied run of words."""
    words = content.split(" ", _MOST_WORDS)[:_MOST_WORDS] if content else []
    runs, known = _runs(words, answer), _runs(words, question)
    own = [run if run > asked else 0 for run, asked in zip(runs, known, strict=True)]
    grams = len(words) - _GRAM + 1
    copied = sum(run >= _GRAM > asked for run, asked in zip(runs, known, strict=True))
    return (copied / grams if grams > 0 else None), max(own, default=0)


def _runs(words: Sequence[str], text: str) -> list[int]:
    """For each word, how many words from it on stand in `text` in a row.

    The run from a word is at most one shorter than the run from the word before it, so the end
    only moves on: as many searches as there are words, twice.
    """
    within = f" {text} "
    spaced = f" {' '.join(words)} "
    blanks = [place for place, sign in enumerate(spaced) if sign == " "]
    runs, end = [], 0
    for start in range(len(words)):
        end = max(end, start)
        while end < len(words) and spaced[blanks[start] : blanks[end + 1] + 1] in within:
            end += 1
        runs.append(end - start)
    return runs


def _leaked(answer: str | None, system_message: str | None, question: str | None) -> bool | None:
    if answer is None or system_message is None or len(answer) < _SHORTEST_ANSWER:
        return None
    return _holds(system_message, answer) and not _holds(question or "", answer)


def _holds(text: str, answer: str) -> bool:
    """Whether a normalised answer stands in a text on its own."""
    if answer.isdecimal() and answer not in text.replace(",", ""):
        return False
    plain = simplify_maths(text)
    if _NUMBER_FORM.fullmatch(answer):
        return answer in find_numbers(plain)
    return bool(_alone(answer).search(squeeze_blanks(plain)))


def _alone(answer: str) -> re.Pattern[str]:
    """Where the answer begins or ends with a letter or digit, none may stand beside it."""
    before = r"(?<!\w)" if re.match(r"\w", answer) else ""
    after = r"(?!\w)" if re.match(r"\w", answer[-1]) else ""
    return re.compile(before + re.escape(answer) + after)
