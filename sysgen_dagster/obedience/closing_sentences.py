"""What the last sentence of a maths answer states, where the answer marks no result.

`read_closing_number` reads the result of an equation there. Small models close with a sentence:
"Therefore, Betty needs $25 more to buy the wallet." It is read only beside an original answer that
states a number, and only if it holds one number, or one amount of money beside an amount. That
number is the answer if it is the original one; it is another answer only if the original number
stands nowhere in the text, since else it may be one of the steps.
"""

import re
from itertools import chain

from sysgen_dagster.obedience.maths_notation import ABOUT, DOLLARS, as_said, simplify_maths
from sysgen_dagster.obedience.number_words import NEGATIVE, PART, SCALE, digits_for_words
from sysgen_dagster.obedience.quantities import (
    NUMERAL,
    SPACED,
    Quantity,
    read_quantity,
)
from sysgen_dagster.obedience.units import UNIT_NAMES

# The full stop of an abbreviation before a number ends no sentence.
SENTENCE_END = re.compile(r"(?<!\b[Rr]s)(?<!\bNo)(?<!\bapprox)[.!?]\s")
# A sentence that asks, checks, or says something beside the result.
_IS_NO_RESULT = re.compile(
    r"\?\W*$|\b(?:check|proof)\**:|\b(?:to check|double[- ]check|let's check|let me check|verify"
    r"|verification|plugging|would you|let me know|for example|try|step \d|chapter|page \d)\b",
    re.IGNORECASE,
)
# What is not worked out: "32 + 32"; pages "8-12" are as little one number.
_SUM = r"[\d)] ?(?:[-+*÷]|/(?!\d)|plus\b|minus\b) ?[$(]?\d"
# An amount that its number alone does not state, or not the amount that is meant.
_SCALED = re.compile(
    rf"%|\b(?:per ?cent|{SCALE}|{PART}|cents?|each|apiece|between|at least|at most"
    r"|(?:more|less|fewer) than|twice|thrice|double|triple|times|squared?|cubed?|root"
    r"|factorial|pairs?)\b"
    rf"|\d ?(?:k|bn|mn|[ap]\.?m\.?)\b|\d:\d|\^|\\\\|{ABOUT.pattern}",
    re.IGNORECASE,
)
_UNIT = rf" ?(?:%|(?:{'|'.join(map(re.escape, UNIT_NAMES))})\b)"
_MEASURE = re.compile(rf"\d({_UNIT})", re.IGNORECASE)
_NUMBER_IN_TEXT = re.compile(
    rf"(?<![\w.,^])-?(?:{SPACED}|(?:{NUMERAL})(?:/\d{{1,15}})?)(?:{_UNIT}|(?![\w^]|[.,]\d))",
    re.IGNORECASE,
)
_ITEM_NUMBER = re.compile(r"^\(?\d{1,2}\) ")
_CALCULATOR_MARK = re.compile(r"<<[^<>\n]{0,200}>>")
# Members of a set are its question's more often than an answer.
_SET = re.compile(r"\{[^{}]{0,200},[^{}]{0,200}\}")
_NAME = re.compile(r"\b([a-z])(?:_\w)? ?=")
_IN_DOLLARS = re.compile(rf"\$ ?({NUMERAL})")
# Only so many characters at the end of a text are searched, to bound the work on long texts.
CLOSING_CHARS = 600
# A last sentence such as "Therefore, the value of x is 60."
_STATED_VALUE = re.compile(
    r"(?i:\bthe (?:final )?(?:value|result|solution)(?: (?:of|for|to) [^.=]{1,60}?)?"
    r" (?:is|equals|is equal to)) (?P<value>[^\n]{1,100})"
)
# The result is in a lookahead, so it can be the beginning of the next equation: 3 + 4 = 7 * 2 = 14.
_EQUATION = re.compile(
    rf"(?P<sum>\d[^=<>!]{{0,60}})=(?= ?(?P<result>-?(?:{NUMERAL})(?:/\d{{1,15}})?)"
    r"(?:(?:[ckm]m|[km]g|ml|mph|ft)\b)?(?![\w^]|[.,]\d| ?[-+*÷=(\d]| ?/ ?[\d(]))"
)
# An x is a sign only before a number: in "3 or x = 5" it is a variable.
_OPERATOR = re.compile(r"[-+*/÷]|\dx\d| x (?=[($]*[.\d])")
# Several solutions, of which no single one is the answer: "x = 3 or x = 5", "x = 3, y = 5".
_SEVERAL = re.compile(
    r"(?:^|=)(?:[^=]{1,30}\b(?:or|and|oder|und|ou|et|o|y|e)\b| ?[^=\s]{1,20} ?[,;])"
    r" ?-?\d*[a-z](?:_\w)? ?=|= ?-?[\d./]+ or -?\d",
    re.IGNORECASE,
)
# A last sentence that names the result before it: "36.2 feet. That's how long the rope is!"
_POINTS_BACK = re.compile(
    r"^(?:so )?(?:that|this)(?:['\u2019]s| is)"
    r" (?:how|what|the (?:answer|result|total|amount|number))\b[^\d?]*$",
    re.IGNORECASE,
)


def read_number(text: str) -> Quantity | None:
    """A text as one quantity; None where it is something else."""
    text = as_said(text)
    read = read_quantity(simplify_maths(text), currency=bool(DOLLARS.search(text)))
    return read and read._replace(is_about=bool(ABOUT.search(text)))


def read_closing_number(text: str) -> Quantity | None:
    """The number that an unmarked text ends with; `final_answers` says which texts do."""
    if "```" in text:
        return None
    lines = _CALCULATOR_MARK.sub("", text[-CLOSING_CHARS:]).strip().split("\n")
    sentences = [part for line in lines for part in SENTENCE_END.split(line.strip()) if part]
    if len(sentences) > 1 and _POINTS_BACK.match(sentences[-1]):
        sentences.pop()
    last_sentence = sentences[-1] if sentences else ""
    plain = simplify_maths(last_sentence)
    if _IS_NO_RESULT.search(last_sentence) or _SEVERAL.search(plain):
        return None
    stated = _STATED_VALUE.search(plain)
    if stated and (value := read_number(stated["value"])):
        return value
    results = list(chain.from_iterable(map(_find_results, lines))) if "=" in text else []
    if not results:
        return None
    is_stated = bool(_find_results(last_sentence)) or (
        find_numbers(plain) == {results[-1].form} and not re.search(_SUM, plain)
    )
    return results[-1] if is_stated else None


def _find_results(text: str) -> list[Quantity]:
    """The results of the equations of a text that have an operator on their left side."""
    equations = _EQUATION.finditer(simplify_maths(text))
    results = (match["result"] for match in equations if _OPERATOR.search(match["sum"]))
    return [quantity for quantity in map(read_quantity, results) if quantity]


def find_numbers(text: str) -> set[str]:
    """The normalised numbers of a text, without units; none that is part of a word or formula."""
    return {quantity.form.removesuffix(" cents") for quantity in _find_quantities(text)}


def _find_quantities(text: str) -> list[Quantity]:
    """The different numbers of a text that are written in digits."""
    read = map(read_quantity, _NUMBER_IN_TEXT.findall(NEGATIVE.sub("-", text)))
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
    closing = after[-CLOSING_CHARS:].strip().split("\n")[-1]
    sentence = _ITEM_NUMBER.sub("", SENTENCE_END.split(closing.strip())[-1])
    if (
        "```" in after
        or closing[:1] in "-*\u2022"
        or not original.form.strip("-")[:1].isdigit()
        or _is_no_result(sentence)
    ):
        return None
    numbers = _find_quantities(_plain(sentence))
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
        and not _is_said_twice(number, sentence)
        and not says_result(original, after)
        and all(unit.strip().rstrip("s") in before.lower() for unit in _MEASURE.findall(sentence))
    )
    return number if is_told_apart else None


def says_result(result: Quantity, text: str) -> bool:
    """Whether a text says a result anywhere: another number may then be a step, or a check."""
    return any(map(result.equals, _find_quantities(digits_for_words(_plain(text).lower()))))


def _is_said_twice(number: Quantity, sentence: str) -> bool:
    """Whether a number stands in a sum or product with itself, such as "8 rows of 8"."""
    return list(map(read_quantity, _NUMBER_IN_TEXT.findall(_plain(sentence)))).count(number) > 1


def _plain(text: str) -> str:
    return _SET.sub("", simplify_maths(text))


def _find_dollars(text: str) -> list[Quantity]:
    amounts = _IN_DOLLARS.findall(_CALCULATOR_MARK.sub("", text))
    return [read for amount in amounts if (read := read_quantity(amount))]


def _is_no_result(sentence: str) -> bool:
    return bool(_IS_NO_RESULT.search(sentence)) or not (
        re.search(r"[^\W\d]{2}.*[^\W\d]{2}", sentence) or read_quantity(simplify_maths(sentence))
    )
