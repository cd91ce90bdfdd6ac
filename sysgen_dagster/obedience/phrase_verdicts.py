"""A judge's verdicts on numbered phrases: what its reply is held to, and how it is read.

Where it is asked, it also says whether the answer declines what the user asks, in a line below.
How verdicts are read is said in `numbered_verdicts`.
"""

import re
from enum import StrEnum

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.obedience.numbered_verdicts import NumberedVerdicts, begins, line_of
from sysgen_dagster.obedience.qualified_verdicts import is_qualified


class Judged(StrEnum):
    """The words that a judge can give for a phrase."""

    KEPT = "Kept"
    BROKEN = "Broken"
    UNCLEAR = "Unclear"


WORDS = tuple(word.value for word in Judged)
PHRASES = NumberedVerdicts("Phrase", WORDS)
_DECLINES, _YES, _NO = "Declines", "Yes", "No"
_DECLINING = re.compile(r"\bdeclines?\b", re.IGNORECASE)
# Not the word before a noun, as in "it gives no part".
_YES_OR_NO = re.compile(rf"\b(?:{_YES}|{_NO})\b(?![ \t]+(?!(?:it|the)\b)\w)", re.IGNORECASE)


def build_constraint(count: int, *, asks_declines: bool = False) -> Constraint:
    """What verdicts on so many phrases are held to where a server can do it: a line for each.

    Args:
        count: How many phrases.
        asks_declines: Whether one more line says whether the answer declines.
    """
    return PHRASES.constraint(count, {_DECLINES: (_YES, _NO)} if asks_declines else {})


def parse_phrase_verdicts(text: str, count: int, finish_reason: str | None) -> list[Judged | None]:
    """The verdict on each of `count` phrases; None where the text plainly states none of it."""
    found = PHRASES.parse(text, count, finish_reason)
    return [None if said is None else Judged(said) for said in found]


def parse_declines(text: str, finish_reason: str | None) -> bool | None:
    """Whether the answer declines; None where the text plainly says neither, or was cut."""
    if finish_reason == CUT:
        return None
    found: set[str | None] = set()
    for label in _DECLINING.finditer(text):
        said = line_of(text[label.end() :])
        words = list(_YES_OR_NO.finditer(said))
        if words:
            verdicts = {word[0].capitalize() for word in words}
            is_plain = len(verdicts) == 1 and begins(said[: words[0].start()])
            is_part = _YES in verdicts and is_qualified("", said[words[-1].end() :])
            found.add(verdicts.pop() if is_plain and not is_part else None)
    return {_YES: True, _NO: False}.get(found.pop() or "") if len(found) == 1 else None
