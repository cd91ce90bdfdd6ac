"""Whether a system message contains parts of the original answer.

The model that writes a message is shown the answer, and in the paper Phase 3 removes Content more
often than any other phrase. Measured here are the words that the remaining Content phrases copy
from the answer, and whether the message contains the final answer of a maths problem. Words that
the question contains too are not counted.
"""

import re
from collections.abc import Sequence

import polars as pl

from sysgen_dagster.analysis.repetition import space_words
from sysgen_dagster.analysis.tables import LEAKAGE
from sysgen_dagster.obedience.closing_sentences import find_numbers
from sysgen_dagster.obedience.maths_notation import simplify_maths, squeeze_blanks
from sysgen_dagster.tables.table import polars_schema

# Words per n-gram. Four shared words in a row are often a set phrase, five are rarely chance.
_GRAM = 5
# Words read of Content. A message of 512 tokens, the limit of Phase 1, has fewer.
_MOST_WORDS = 1_000
# Characters. A final answer of one digit or letter is in many texts by chance ("in 3 steps"), a
# longer one in 0.2 % of messages (real messages assigned to maths rows at random).
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
        question: The question.
        answer: The original answer.
        content: The verified Content phrases as one text; null if there are none.
        system_message: The system message.
        final_answer: The final answer of `answer`, as `final_answers` normalises it; or null.

    Returns:
        ``content_copied_share`` is null if Content has fewer than five words, and
        ``content_longest_copy`` without Content. ``final_answer_leaked`` is null without a final
        answer or if it is a single digit or letter.
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
    """For each word, the length of the longest run of words that begins with it and is in `text`.

    The run from a word is at most one word shorter than the run from the word before it, so the
    end never moves back: at most two searches per word.
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
    """Whether a normalised answer is in a text, and not as a part of a longer number or word."""
    if answer.isdecimal() and answer not in text.replace(",", ""):
        return False
    plain = simplify_maths(text)
    if _NUMBER_FORM.fullmatch(answer):
        return answer in find_numbers(plain)
    # Beside a letter or digit at the ends of the answer there may be no other one.
    before = r"(?<!\w)" if re.match(r"\w", answer) else ""
    after = r"(?!\w)" if re.match(r"\w", answer[-1]) else ""
    return bool(re.search(before + re.escape(answer) + after, squeeze_blanks(plain)))
