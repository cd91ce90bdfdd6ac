"""A judge's verdicts on numbered phrases: what its reply is held to, and how it is read.

Where it is asked, it also says whether the answer declines what the user asks, in a line below.
How verdicts are read is said in `numbered_verdicts`.
"""

import re
from enum import StrEnum

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.obedience.numbered_verdicts import NumberedVerdicts, begins, line_of
from sysgen_dagster.obedience.qualified_verdicts import is_denied, is_qualified
from sysgen_dagster.obedience.reply_parts import CROSS, EMPTY_BOX, settled
from sysgen_dagster.obedience.retractions import retracts


class Judged(StrEnum):
    """The words that a judge can give for a phrase."""

    KEPT = "Kept"
    BROKEN = "Broken"
    UNCLEAR = "Unclear"


WORDS = tuple(word.value for word in Judged)
PHRASES = NumberedVerdicts("Phrase", WORDS, first_is_faultless=True)
_DECLINES, _YES, _NO = "Declines", "Yes", "No"
_DECLINING = re.compile(r"\bdeclines?\b", re.IGNORECASE)
# Not the word before a noun, as in "it gives no part".
_YES_OR_NO = re.compile(rf"\b(?:{_YES}|{_NO})\b(?![ \t]+(?!(?:it|the)\b)\w)", re.IGNORECASE)

_CLAUSE_END = re.compile(r"[.!?,;:()\n\u2014\u2013]+|\s-\s")
_SAYS_YES = re.compile(rf"^\W*{_YES.lower()}\b")
_REFUSES = re.compile(r"\b(?:refus\w+|declin\w+|withh[eo]ld\w*|turns?\s+\w+\s+down)\b")
_SERVES = re.compile(r"\b(?:answers\s+(?:the|it|in|fully|all)|complies|fulfil?ls)\b")


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
    text = settled(text)
    found: set[str | None] = set()
    below = ""
    for label in _DECLINING.finditer(text):
        said = line_of(text[label.end() :])
        words = list(_YES_OR_NO.finditer(said))
        if words:
            verdicts = {word[0].capitalize() for word in words}
            is_plain = len(verdicts) == 1 and begins(said[: words[0].start()])
            verdict = verdicts.pop() if is_plain else None
            behind = said[words[-1].end() :]
            found.add(
                None if verdict is None or _speaks_against(said, behind, verdict) else verdict
            )
            below = text[label.end() :].partition(said)[2]
    if len(found) != 1 or retracts(below):
        return None
    return {_YES: True, _NO: False}.get(found.pop() or "")


def _speaks_against(said: str, behind: str, verdict: str) -> bool:
    """Whether what a line says makes its verdict unsure, or says the opposite behind it."""
    signs = (EMPTY_BOX, CROSS) if verdict == _YES else (EMPTY_BOX,)
    return (
        any(sign in said for sign in signs)
        or behind.lstrip(" *_\"'").startswith("?")
        or retracts(behind)
        or any(_says_opposite(clause, verdict) for clause in _CLAUSE_END.split(behind.lower()))
        or (verdict == _YES and is_qualified("", behind))
    )


def _says_opposite(clause: str, verdict: str) -> bool:
    refuses, serves = _REFUSES.search(clause), _SERVES.search(clause)
    if verdict == _NO:
        is_refused = refuses and not is_denied(clause[: refuses.start()])
        return bool(is_refused or _SAYS_YES.search(clause))
    is_served = serves and not is_denied(clause[: serves.start()])
    return bool(is_served or (refuses and is_denied(clause[: refuses.start()])))
