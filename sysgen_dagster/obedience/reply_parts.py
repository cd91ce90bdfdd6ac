"""What of a judge's reply is read, and the signs by which it denies what it writes.

Belongs here: what is the same in replies of any form. Does not: where a verdict stands
(`stated_verdicts`, `numbered_verdicts`, `rubric_scores`).
"""

import re
from typing import Final

from sysgen_dagster.chat.completions import CUT

_STRUCK: Final = re.compile(
    r"(?<!~)~~(?!~)[^~\n]{1,400}~~(?!~)|<(del|strike)>[^<\n]{0,400}</\1>", re.IGNORECASE
)
_THOUGHTS_BEGIN: Final = re.compile(r"<(?:think|thinking|thought)>", re.IGNORECASE)
_THOUGHTS_END: Final = re.compile(r"</(?:think|thinking|thought)>", re.IGNORECASE)
CROSS, EMPTY_BOX = "\u2717", "[ ]"
# Crosses, a thumb down and the like; boxes that nobody has ticked.
_SIGNS: Final = str.maketrans(
    dict.fromkeys("\u2718\u2716\u274c\u274e\u2612\U0001f5d9\U0001f6ab\u26d4\U0001f44e", CROSS)
    | dict.fromkeys("\u2610\u25a1\u2b1c\u25fb\u25fd\U0001f532", EMPTY_BOX)
)


def whole_lines(text: str, finish_reason: str | None) -> str:
    """The lines of a reply that were written to their end: all, or all but the last."""
    return text.rpartition("\n")[0] if finish_reason == CUT else text


def settled(text: str) -> str:
    """What stands of a reply, with one sign for each kind of denial."""
    return standing(text).translate(_SIGNS)


def standing(text: str) -> str:
    """A reply without thoughts and what is struck out."""
    said = _THOUGHTS_BEGIN.split(_THOUGHTS_END.split(text)[-1])[0]
    return _STRUCK.sub(" ", said)
