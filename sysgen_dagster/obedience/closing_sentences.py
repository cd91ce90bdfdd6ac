"""What the last sentence of a maths answer states, where the answer marks no result.

Small models close with a sentence: "Therefore, Betty needs $25 more to buy the wallet." It is read
only beside an original answer that states a number, and only if it holds one number. That number is
the answer if it is the original one; it is another answer only if the original number stands
nowhere in the text, since else it may be one of the steps.
"""

import re

from sysgen_dagster.obedience.maths_notation import simplify_maths
from sysgen_dagster.obedience.quantities import (
    NEGATIVE,
    NUMERAL,
    SPACED,
    UNIT_NAMES,
    Quantity,
    digits_for_words,
    read_quantity,
)

# The full stop of an abbreviation before a number ends no sentence.
SENTENCE_END = re.compile(r"(?<!\b[Rr]s)(?<!\bNo)(?<!\bapprox)[.!?]\s")
# A sentence that asks, checks, or says something beside the result.
IS_NO_RESULT = re.compile(
    r"\?\W*$|\b(?:to check|check:|let's check|let me check|verify|verification|would you"
    r"|let me know|for example|try|step \d|chapter|page \d)\b",
    re.IGNORECASE,
)
# An amount that its number alone does not state, or not the amount that is meant.
_SCALED = re.compile(
    r"%|\b(?:per ?cent|hundreds?|thousands?|millions?|billions?|dozens?|half|halves|quarters?"
    r"|cents?|each|apiece|between|at least|at most|about|nearly|almost|(?:more|less|fewer) than"
    r"|twice|times)\b"
    r"|\d ?(?:k|[ap]\.?m\.?)\b|\d:\d|\^|\\\\",
    re.IGNORECASE,
)
_UNIT = rf" ?(?:%|(?:{'|'.join(map(re.escape, UNIT_NAMES))})\b)"
_MEASURE = re.compile(rf"\d({_UNIT})", re.IGNORECASE)
_NUMBER_IN_TEXT = re.compile(
    rf"(?<![\w.,^])-?(?:{SPACED}|(?:{NUMERAL})(?:/\d{{1,15}})?)(?:{_UNIT}|(?![\w^]|[.,]\d))",
    re.IGNORECASE,
)
CALCULATOR_MARK = re.compile(r"<<[^<>\n]{0,200}>>")
# Members of a set are its question's more often than an answer.
_SET = re.compile(r"\{[^{}]{0,200},[^{}]{0,200}\}")
_NAME = re.compile(r"\b([a-z])(?:_\w)? ?=")
_IN_DOLLARS = re.compile(rf"\$ ?({NUMERAL})")
# The end of a text in which a sentence is looked for.
_CLOSING_CHARS = 600


def find_numbers(text: str) -> set[str]:
    """The normalised numbers of a text, without those that are part of words or formulas."""
    return {quantity.form for quantity in _find_quantities(text)}


def _find_quantities(text: str) -> list[Quantity]:
    """The different numbers of a text that are written in digits."""
    read = map(read_quantity, _NUMBER_IN_TEXT.findall(_SET.sub("", NEGATIVE.sub("-", text))))
    return list(dict.fromkeys(quantity for quantity in read if quantity))


def read_closing_sentence(original: Quantity, before: str, after: str) -> Quantity | None:
    """The number that the last sentence of a new answer states as the result.

    Args:
        original: The final answer of the original answer.
        before: The original answer.
        after: The new answer.

    Returns:
        None where no sentence, or more than one number, could be the result.
    """
    closing = after[-_CLOSING_CHARS:].strip().split("\n")[-1]
    sentence = SENTENCE_END.split(closing.strip())[-1]
    if (
        "```" in after
        or closing[:1] in "-*\u2022"
        or not original.form.strip("-")[:1].isdigit()
        or _is_no_result(sentence)
    ):
        return None
    numbers = _find_quantities(simplify_maths(sentence))
    if len(set(_NAME.findall(sentence))) <= 1 and original.form == ",".join(
        sorted({number.form for number in numbers})
    ):
        return original
    if len(numbers) > 1 and any(map(original.equals, _find_dollars(before))):
        numbers = _find_dollars(sentence)  # the only amount, as an amount is asked for
    if len(numbers) != 1:
        return None
    [number] = numbers
    if number.equals(original):
        return original
    is_told_apart = (
        original.form.lstrip("-").replace("/", "").isdigit()
        and not _SCALED.search(sentence)
        and not any(
            map(original.equals, _find_quantities(digits_for_words(simplify_maths(after).lower())))
        )
        and all(unit.strip().rstrip("s") in before.lower() for unit in _MEASURE.findall(sentence))
    )
    return number if is_told_apart else None


def _find_dollars(text: str) -> list[Quantity]:
    amounts = _IN_DOLLARS.findall(CALCULATOR_MARK.sub("", text))
    return [read for amount in amounts if (read := read_quantity(amount))]


def _is_no_result(sentence: str) -> bool:
    return bool(IS_NO_RESULT.search(sentence)) or not (
        re.search(r"[^\W\d]{2}.*[^\W\d]{2}", sentence) or read_quantity(simplify_maths(sentence))
    )
