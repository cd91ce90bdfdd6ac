"""A judge's verdicts on numbered phrases: what its reply is held to, and how it is read.

Where it is asked, it also says whether the answer declines what the user asks, in a line below.
Where a server cannot be held to a form, a reply is read as it comes: lines, a list, a table or
JSON. A verdict counts only where the reply plainly states one of a phrase; a line that names two,
as one that repeats the question or corrects itself does, states none.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import zip_longest

from sysgen_dagster.chat.constraints import Constraint


class Judged(StrEnum):
    """The words that a judge can give for a phrase."""

    KEPT = "Kept"
    BROKEN = "Broken"
    UNCLEAR = "Unclear"


WORDS = tuple(word.value for word in Judged)
_DECLINES, _YES, _NO = "Declines", "Yes", "No"


def build_constraint(count: int, *, asks_declines: bool = False) -> Constraint:
    """What verdicts on so many phrases are held to where a server can do it: a line for each.

    Args:
        count: How many phrases.
        asks_declines: Whether one more line says whether the answer declines.
    """
    said = {f"Phrase {number}": WORDS for number in range(1, count + 1)}
    if asks_declines:
        said[_DECLINES] = (_YES, _NO)
    lines = (
        f'"{name}: " (' + " | ".join(f'"{word}"' for word in words) + ")"
        for name, words in said.items()
    )
    fields = {name.lower().replace(" ", "_"): [*words] for name, words in said.items()}
    return Constraint(
        structured={
            "regex": r"\n".join(f"{name}: ({'|'.join(words)})" for name, words in said.items())
        },
        grammar="root ::= " + ' "\\n" '.join(lines),
        schema={
            "type": "object",
            "properties": {
                name: {"type": "string", "enum": words} for name, words in fields.items()
            },
            "required": [*fields],
            "additionalProperties": False,
        },
        is_needed=False,
    )


# All repetitions are bounded, so that matching takes linear time.
_SIGNS = r"[^\w\n]{0,12}"
# "Phrase 3" anywhere, or a number that begins a line or stands in quotes, as in JSON.
_LABEL = re.compile(
    r"\bphrases?[ \t_]?(?:no\.?|number|#)?[ \t]?(?P<named>\d{1,4})\b"
    rf"|^{_SIGNS}(?P<first>\d{{1,4}})(?![.,]\d|\w)"
    r"|[\"'](?P<quoted>\d{1,4})[\"'](?=[ \t]{0,4}:)",
    re.IGNORECASE | re.MULTILINE,
)
_WORD = re.compile(
    r"(?P<no>\b(?:not|never|isn['\u2019]t|wasn['\u2019]t)[^\w\n]{1,4})?"
    rf"\b(?P<word>{'|'.join(WORDS)})\b",
    re.IGNORECASE,
)
# What may stand before a verdict that begins its line: the phrase again, and a word that says so.
_AGAIN = r"(?:\([^()\n]{0,300}\)|\"[^\"\n]{0,300}\")?"
_BEGINS = re.compile(rf"{_SIGNS}{_AGAIN}{_SIGNS}(?:(?:is|was|verdict)\b)?{_SIGNS}\Z", re.IGNORECASE)
# What stands before one that ends its line, where a reason or the phrase again was said first.
_ENDS = re.compile(r"[.!?:;,>=|\u2192\u2013\u2014)\]\"'*`-][ \t*`\"'>(\[]{0,6}\Z")
_HAS_WORD = re.compile(r"\w")
_DECLINING = re.compile(r"\bdeclines?\b", re.IGNORECASE)
# Not the word before a noun, as in "it gives no part".
_YES_OR_NO = re.compile(rf"\b(?:{_YES}|{_NO})\b(?![ \t]+(?!(?:it|the)\b)\w)", re.IGNORECASE)


def parse_phrase_verdicts(text: str, count: int) -> list[Judged | None]:
    """The verdict on each of `count` phrases; None where the text plainly states none of it."""
    found: dict[int, set[Judged | None]] = {}
    for number, is_named, said in _split(text.replace("\r\n", "\n")):
        words = list(_WORD.finditer(said))
        verdict = _read(said, words)
        # A number that begins a line may count something else, and then no verdict follows it.
        if words and (is_named or verdict):
            found.setdefault(number, set()).add(verdict)
    verdicts = (found.get(number, set()) for number in range(1, count + 1))
    return [next(iter(of)) if len(of) == 1 else None for of in verdicts]


def parse_declines(text: str) -> bool | None:
    """Whether the answer declines; None where the text plainly says neither."""
    found: set[str | None] = set()
    for label in _DECLINING.finditer(text):
        said = _line_of(text[label.end() :])
        words = list(_YES_OR_NO.finditer(said))
        if words:
            verdicts = {word[0].capitalize() for word in words}
            is_plain = len(verdicts) == 1 and _BEGINS.match(said[: words[0].start()])
            found.add(verdicts.pop() if is_plain else None)
    return {_YES: True, _NO: False}.get(found.pop() or "") if len(found) == 1 else None


def _split(text: str) -> Iterator[tuple[int, bool, str]]:
    """Each number of a phrase, whether it is named so, and what its line says of it."""
    labels = list(_LABEL.finditer(text))
    for label, following in zip_longest(labels, labels[1:]):
        said = text[label.end() : following.start() if following else len(text)]
        number = int(label["named"] or label["first"] or label["quoted"])
        yield number, label["first"] is None, _line_of(said)


def _line_of(said: str) -> str:
    """What stands behind a label in its line, or in the next one that has a word."""
    line, _, rest = said.partition("\n")
    return line if _HAS_WORD.search(line) else rest.lstrip().partition("\n")[0]


def _read(said: str, words: Sequence[re.Match[str]]) -> Judged | None:
    """The one verdict that a line states, at its beginning or at its end; None if it does not."""
    verdicts = {_meant(word) for word in words}
    if len(verdicts) != 1:
        return None
    begins = _BEGINS.match(said[: words[0].start()])
    ends = not _HAS_WORD.search(said, words[-1].end()) and _ENDS.search(said[: words[-1].start()])
    return verdicts.pop() if begins or ends else None


def _meant(word: re.Match[str]) -> Judged | None:
    judged = Judged(word["word"].capitalize())
    if word["no"] is None:
        return judged
    return Judged.BROKEN if judged is Judged.KEPT else None
