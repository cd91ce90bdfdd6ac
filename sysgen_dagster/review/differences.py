"""Which words of a text are in another text too, in time linear in both."""

import re

_RUN = 3  # words in a row that must be in both texts for them to count as the same
# A word or a sign, with the blanks before it; the blanks at the end.
_WORD = re.compile(r"\s*(?:\w+|[^\w\s])|\s+$")

Marked = list[tuple[str, bool]]


def mark_differences(text: str, other: str) -> Marked:
    """The text in pieces, each with whether the other text says it too.

    Every word belongs to `_RUN` runs of words; it is the same where one of them is in both texts.
    The start and the end of a text count as words.
    """
    words = _WORD.findall(text)
    known = set(_runs(_WORD.findall(other)))
    same = [False] * len(words)
    for first, run in enumerate(_runs(words), -1):
        if run in known:
            for at in range(max(first, 0), min(first + _RUN, len(words))):
                same[at] = True
    pieces: Marked = []
    for word, is_same in zip(words, same, strict=True):
        if pieces and pieces[-1][1] is is_same:
            pieces[-1] = (pieces[-1][0] + word, is_same)
        else:
            pieces.append((word, is_same))
    return pieces


def _runs(words: list[str]) -> list[tuple[str, ...]]:
    padded = ["", *(word.strip() for word in words), ""]
    return list(zip(*(padded[start:] for start in range(_RUN)), strict=False))
