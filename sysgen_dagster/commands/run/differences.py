"""Where two texts differ, word by word, for somebody who looks at both."""

import re
from difflib import SequenceMatcher
from enum import Enum
from typing import NamedTuple

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_LONGEST = 3_000  # words that are compared, of either text: it takes time with their product
_AROUND = 12  # words that are shown before and after a difference
_ALIKE = 0.5  # texts with a smaller share of words in common are shown one after the other


class Side(Enum):
    """In which of the two texts a piece stands."""

    BOTH = "both"
    OLD = "old"
    NEW = "new"


# Round a piece.
MARKS = {Side.BOTH: "{}", Side.OLD: "[-{}-]", Side.NEW: "{{+{}+}}"}


class Piece(NamedTuple):
    """A stretch of the texts."""

    side: Side
    text: str


def find_differences(old: str, new: str) -> list[Piece] | None:
    """The pieces of both texts in their order; None where the texts have too little in common.

    What is equal is shortened to the words around the differences.
    """
    before, after = _WORDS.findall(old)[:_LONGEST], _WORDS.findall(new)[:_LONGEST]
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.quick_ratio() < _ALIKE or matcher.ratio() < _ALIKE:
        return None
    pieces = []
    steps = matcher.get_opcodes()
    for number, (kind, i, j, k, m) in enumerate(steps):
        if kind == "equal":
            is_last = number == len(steps) - 1
            pieces.append(Piece(Side.BOTH, _shorten(before[i:j], number == 0, is_last)))
        else:
            pieces += [Piece(Side.OLD, "".join(before[i:j])), Piece(Side.NEW, "".join(after[k:m]))]
    return [piece for piece in pieces if piece.text]


def _shorten(words: list[str], is_first: bool, is_last: bool) -> str:
    head = 0 if is_first and not is_last else _AROUND
    tail = 0 if is_last and not is_first else _AROUND
    if len(words) <= head + tail + 1:
        return "".join(words)
    return "".join(words[:head]) + " ... " + "".join(words[len(words) - tail :])
