"""A judge's verdicts on numbered parts of what it is shown: their form, and how they are read.

Belongs here: any part that has a number and one of a few words for a verdict. Does not: what the
parts are and what the words mean.

Where a server cannot be held to a form, a reply is read as it comes: lines, a list, a table or
JSON. A verdict counts only where the reply plainly states one of a part; a line that names two, as
one that repeats the question or corrects itself does, states none.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Final

from sysgen_dagster.chat.constraints import Constraint

# All repetitions are bounded, so that matching takes linear time.
_SIGNS: Final = r"[^\w\n]{0,12}"
_NOT: Final = r"(?P<no>\b(?:not|never|isn['\u2019]t|wasn['\u2019]t)[^\w\n]{1,4})?"
# What may stand before a verdict that begins its line: the part again, and a word that says so.
_AGAIN: Final = r"(?:\([^()\n]{0,300}\)|\"[^\"\n]{0,300}\")?"
_BEGINS: Final = re.compile(
    rf"{_SIGNS}{_AGAIN}{_SIGNS}(?:(?:is|was|verdict)\b)?{_SIGNS}\Z", re.IGNORECASE
)
# What stands before one that ends its line, where a reason or the part again was said first.
_ENDS: Final = re.compile(r"[.!?:;,>=|\u2192\u2013\u2014)\]\"'*`-][ \t*`\"'>(\[]{0,6}\Z")
_HAS_WORD: Final = re.compile(r"\w")


@dataclass(frozen=True)
class NumberedVerdicts:
    """What parts are called, and the words for them.

    Attributes:
        label: What stands before a number, such as ``Phrase``.
        words: One is said of each part, such as ``Kept``; "not" before the first means the second.
    """

    label: str
    words: tuple[str, ...]

    def constraint(self, count: int, others: Mapping[str, Sequence[str]]) -> Constraint:
        """What verdicts on so many parts are held to where a server can do it: a line for each.

        Args:
            count: How many parts.
            others: Further lines, with the words that may stand there.
        """
        said: dict[str, Sequence[str]] = {
            f"{self.label} {number}": self.words for number in range(1, count + 1)
        }
        said |= others
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

    def parse(self, text: str, count: int) -> list[str | None]:
        """The word for each of `count` parts; None where the text plainly states none of it."""
        found: dict[int, set[str | None]] = {}
        for number, is_named, said in self._split(text.replace("\r\n", "\n")):
            words = list(self._word.finditer(said))
            verdict = self._read(said, words)
            # A number that begins a line may count something else: no verdict follows it then.
            if words and (is_named or verdict):
                found.setdefault(number, set()).add(verdict)
        verdicts = (found.get(number, set()) for number in range(1, count + 1))
        return [next(iter(of)) if len(of) == 1 else None for of in verdicts]

    @cached_property
    def _label(self) -> re.Pattern[str]:
        """A name such as "Phrase 3", or a number that begins a line or is in quotes, as in JSON."""
        return re.compile(
            rf"\b{self.label}s?[ \t_]?(?:no\.?|number|#)?[ \t]?(?P<named>\d{{1,4}})\b"
            rf"|^{_SIGNS}(?P<first>\d{{1,4}})(?![.,]\d|\w)"
            r"|[\"'](?P<quoted>\d{1,4})[\"'](?=[ \t]{0,4}:)",
            re.IGNORECASE | re.MULTILINE,
        )

    @cached_property
    def _word(self) -> re.Pattern[str]:
        return re.compile(rf"{_NOT}\b(?P<word>{'|'.join(self.words)})\b", re.IGNORECASE)

    def _split(self, text: str) -> Iterator[tuple[int, bool, str]]:
        """Each number of a part, whether it is named so, and what its line says of it."""
        labels = list(self._label.finditer(text))
        for label, following in zip_longest(labels, labels[1:]):
            said = text[label.end() : following.start() if following else len(text)]
            number = int(label["named"] or label["first"] or label["quoted"])
            yield number, label["first"] is None, line_of(said)

    def _read(self, said: str, words: Sequence[re.Match[str]]) -> str | None:
        """The one verdict that a line states, at its beginning or its end; None if it does not."""
        verdicts = {self._meant(word) for word in words}
        if len(verdicts) != 1:
            return None
        ends = not _HAS_WORD.search(said, words[-1].end()) and _ENDS.search(
            said[: words[-1].start()]
        )
        return verdicts.pop() if begins(said[: words[0].start()]) or ends else None

    def _meant(self, word: re.Match[str]) -> str | None:
        said = word["word"].capitalize()
        if word["no"] is None:
            return said
        return self.words[1] if said == self.words[0] else None


def begins(before: str) -> bool:
    """Whether a verdict behind this begins its line."""
    return _BEGINS.match(before) is not None


def line_of(said: str) -> str:
    """What stands behind a label in its line, or in the next one that has a word."""
    line, _, rest = said.partition("\n")
    return line if _HAS_WORD.search(line) else rest.lstrip().partition("\n")[0]
