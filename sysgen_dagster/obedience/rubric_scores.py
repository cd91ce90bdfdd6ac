"""The score in a grading by a rubric: ``[RESULT] 4`` after the feedback, as judges are asked to.

The last mark counts, because feedback may quote the form that is asked for. Behind it one integer
from 1 to 5 is read, with any markup around it. A grading in which anything else could be meant is
unread: a dropped grading costs a little precision, a misread one is wrong.
"""

import re
import unicodedata
from enum import StrEnum
from typing import Final, NamedTuple

from sysgen_dagster.obedience.reply_parts import standing
from sysgen_dagster.obedience.retractions import retracts

LOWEST, HIGHEST = 1, 5


class Unread(StrEnum):
    """Values of ``drop_reason``: why a grading has no score."""

    NO_MARK = "no_result_mark"
    NO_NUMBER = "no_number_after_mark"  # nothing, or words
    NOT_WHOLE = "not_a_whole_number"
    OUT_OF_RANGE = "score_out_of_range"
    NOT_ALONE = "more_than_a_number"  # another number, or words that may take it back


class RubricScore(NamedTuple):
    """A score, or why there is none; one of the two is None."""

    score: int | None
    unread: Unread | None


_SPACE_OR_SIGNS = r"[\s*_`~\"'\u201c\u201d\u2018\u2019()\[\]{}<>\u00ab\u00bb$#|\\]*+"
_MARK: Final = re.compile(r"\[[\s*_`\\]*+RESULT[\s*_`\\]*+\]", re.IGNORECASE)
# Markup that has letters, and so would be taken for words.
_TAGS: Final = re.compile(
    r"</?(?:b|i|u|em|strong|mark|code|p|br|span|div|score|result)\s?/?>|\[/(?:RESULT|b|i|u)\]"
    r"|\\(?:boxed|text(?:bf|it)?|mathbf)(?=\s?\{)|</s>|<\|[a-z_]{1,24}\|>|\ufe0f?\u20e3",
    re.IGNORECASE,
)
# A dash is a bullet only before a space; else it is a minus.
_NUMBER: Final = re.compile(
    rf"{_SPACE_OR_SIGNS}[:\uff1a]?{_SPACE_OR_SIGNS}(?:[-\u2013\u2014\u2022]\s++{_SPACE_OR_SIGNS})?"
    r"(?P<number>[-+\u2212]?\d++(?:[.,]\d++)*+)"
)
_END_OF_LINE: Final = re.compile(
    r"[\s*_`~\"'\u201c\u201d\u2018\u2019()\[\]{}<>\u00ab\u00bb$#|\\.,;!\u3002]*"
)
# A sign such as ">" makes the number a bound, unless it begins a quoted line or is one of a pair.
_BOUND_SIGN: Final = re.compile(r"[<>~]")
_BOUND: Final = re.compile(r"(?:\A|\n[ \t]*+>*+)[^\n<>~]*+[<>~][^\n]*+\Z")
_NUMBER_WORD: Final = re.compile(r"\b(?:zero|one|two|three|four|five)\b", re.IGNORECASE)


def read_rubric_score(grading: str) -> RubricScore:
    """The score that a grading plainly states, from 1 to 5, or why it states none.

    Words on later lines are left alone, unless they hold a number.
    """
    grading = standing(grading)
    marks = [*_MARK.finditer(grading)]
    if not marks:
        return RubricScore(None, Unread.NO_MARK)
    behind = _TAGS.sub(" ", grading[marks[-1].end() :]).rstrip()
    found = _NUMBER.match(behind)
    if found is None:
        return RubricScore(None, Unread.NO_NUMBER)
    bound = _BOUND.search(behind[: found.start("number")])
    is_bound = bound is not None and not _BOUND_SIGN.search(behind[found.end() :])
    line, _, later = behind[found.end() :].partition("\n")
    if not _END_OF_LINE.fullmatch(line) or _has_number(later) or retracts(later) or is_bound:
        return RubricScore(None, Unread.NOT_ALONE)
    return _as_score(found["number"])


def _as_score(number: str) -> RubricScore:
    number = unicodedata.normalize("NFKC", number)
    if not number.isdecimal():
        is_signed = number.lstrip("-+\u2212").isdecimal()
        return RubricScore(None, Unread.OUT_OF_RANGE if is_signed else Unread.NOT_WHOLE)
    if not LOWEST <= int(number) <= HIGHEST or len(number) > 1:
        return RubricScore(None, Unread.OUT_OF_RANGE)
    return RubricScore(int(number), None)


def _has_number(text: str) -> bool:
    return any(map(str.isnumeric, text)) or bool(_NUMBER_WORD.search(text))
