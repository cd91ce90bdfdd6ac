"""A judge's verdicts on numbered parts of what it is shown: their form, and how they are read.

Belongs here: any part that has a number and one of a few words for a verdict. Does not: what the
parts are and what the words mean.

Where a server cannot be held to a form, a reply is read as it comes: lines, a list, a table or
JSON. A verdict counts only where the reply plainly states one of a part; a line that names two, as
one that repeats the question or corrects itself does, states none. A part of which the first word
is said in part, as in "Kept, but not in tone", has none either. A line may be about several parts:
"Phrases 1 and 2", "Phrases 1 to 3". Where verdicts stand before their parts, as in "Kept: Phrase 1"
or in headings, a part has none: what stands behind it there is said of the next one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Final

from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.obedience.qualified_verdicts import is_qualified, names_fault, turns
from sysgen_dagster.obedience.reply_parts import CROSS, EMPTY_BOX, settled, whole_lines
from sysgen_dagster.obedience.retractions import retracts
from sysgen_dagster.obedience.verdict_clauses import denies

# All repetitions are bounded, so that matching takes linear time.
_SIGNS: Final = r"[^\w\n]{0,12}"
_NOT: Final = r"(?P<no>\b(?:not|never|isn['\u2019]t|wasn['\u2019]t)[^\w\n]{1,4})"
# What may stand before a verdict that begins its line: the part again, and a word that says so.
_AGAIN: Final = r"(?:\([^()\n]{0,300}\)|\"[^\"\n]{0,300}\")?"
_BEGINS: Final = re.compile(
    rf"{_SIGNS}{_AGAIN}{_SIGNS}(?:(?:is|was|are|were|verdict)\b{_SIGNS})?(?:(?:both|all)\b{_SIGNS})?\Z",
    re.IGNORECASE,
)
# What stands before one that ends its line, where a reason or the part again was said first.
_ENDS: Final = re.compile(r"[.!?:;,>=|\u2192\u2013\u2014)\]\"'*`-][ \t*`\"'>(\[]{0,6}\Z")
# What stands between the numbers of several parts, and behind the last one.
_AND: Final = r"[ \t)]{0,2}(?:,?[ \t]?(?:and|und|et|y)\b|,|&|\+)[ \t(]{0,2}"
_TO: Final = r"[ \t)]{0,2}(?:(?:to|through|thru|bis)\b|\.\.|[-\u2013\u2014])[ \t(]{0,2}"
_LISTED: Final = (
    r"(?=[ \t)*\"']{0,4}[:=(|\u2192\u2013\u2014]|[ \t)]{1,3}-[ \t]|[^\w\n]{0,12}$"
    r"|[^\w\n]{0,12}(?:is|are|was|were|both|all|not|%s)\b)"
)
_NUMBER: Final = re.compile(r"\d+")
_HAS_WORD: Final = re.compile(r"\w")
_CLAUSE_END: Final = re.compile(r"[.!?,;:()\n\u2014\u2013]+")
_SUMMARY: Final = re.compile(
    r"\n[ \t]{0,40}\n\W{0,8}(?:overall|in\s+(?:short|sum|summary|total)|summary|total)\b",
    re.IGNORECASE,
)
# A line that ends so is about what follows it.
_HEADS: Final = re.compile(r":[^\w\n]{0,12}\Z")
_SENTENCE_END: Final = re.compile(r"[.!?][^\w\n]{0,12}\Z")
_NEW_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=\w)")
_ASKS: Final = re.compile(r"\b(?:whether|if)\b", re.IGNORECASE)
# What is said of a verdict itself, as in "kept: false".
_VALUE: Final = re.compile(
    r"[^\w\n:=]{0,12}[:=][^\w\n]{0,12}(?P<value>[\w/]{1,20})"
    r"(?=[^\w\n]{0,12}$|[\"']?\s{0,4}[,;.}\])\n])"
)
# "2 kept" and "2 are kept" may be sums; a sign, as in "2. Kept", makes it the number of a part.
_MAY_BE_SUM: Final = re.compile(r"[ \t]+\w")


@dataclass(frozen=True)
class NumberedVerdicts:
    """What parts are called, and the words for them.

    Attributes:
        label: What stands before a number, such as ``Phrase``.
        words: One is said of each part, such as ``Kept``; "not" before the first means the second.
        first_is_faultless: Whether a fault that is named behind the first word speaks against it;
            a question may be whether there is one.
    """

    label: str
    words: tuple[str, ...]
    first_is_faultless: bool = False

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

    def parse(self, text: str, count: int, finish_reason: str | None) -> list[str | None]:
        """The word for each of `count` parts; None where the text plainly states none of it.

        Of a reply that reached the token limit the last line is not read.
        """
        text = settled(whole_lines(text, finish_reason)).replace("\r\n", "\n")
        found: dict[int, set[str | None]] = {}
        sums: dict[int, set[str | None]] = {}
        below = ""
        for label, said, below in self._split(text.replace("_", " ")):
            words = list(self._word.finditer(said or ""))
            verdict = self._read(said, words) if said else None
            if verdict and self._takes_from(below, verdict):
                verdict = None
            numbers = label["several"] or label["named"] or label["first"] or label["quoted"]
            # A number that begins a line may count something else: no verdict follows it then.
            is_said = verdict or (not label["first"] and (words or said is None))
            may_be_sum = label["first"] and _MAY_BE_SUM.match(said or "")
            for number in _list(numbers, count) if is_said else ():
                (sums if may_be_sum else found).setdefault(number, set()).add(verdict)
        # Sums of several parts never run from one to the number of all.
        if [*sums] == [*range(1, count + 1)]:
            found = {number: found.get(number, set()) | of for number, of in sums.items()}
        if retracts(below):
            return [None] * count
        verdicts = (found.get(number, set()) for number in range(1, count + 1))
        return [next(iter(of)) if len(of) == 1 else None for of in verdicts]

    @cached_property
    def _label(self) -> re.Pattern[str]:
        """A name such as "Phrase 3", or a number that begins a line or is in quotes, as in JSON.

        Of each several numbers may stand there; "Phrase 1/2" is the first of two.
        """
        number = r"[ \t]?(?:no\.?|number|#)?[ \t]?"
        again = rf"(?:{self.label}s?)?{number}\d{{1,4}}\b"
        listed = _LISTED % "|".join(self.words)
        of_one, of_many = (
            rf"(?:(?:(?:{_AND}|{_TO}{further}){again}){{1,60}}{listed})?" for further in ("", "|/")
        )
        return re.compile(
            rf"\b{self.label}s{number}(?P<several>\d{{1,4}}\b{of_many})"
            rf"|\b{self.label}{number}(?P<named>\d{{1,4}}\b{of_one})"
            rf"|^{_SIGNS}(?P<first>\d{{1,4}}(?![.,]\d|\w){of_one})"
            rf"|[\"'](?P<quoted>\d{{1,4}}{of_one})[\"'](?=[ \t]{{0,4}}:)",
            re.IGNORECASE | re.MULTILINE,
        )

    @cached_property
    def _word(self) -> re.Pattern[str]:
        return re.compile(
            rf"(?:{_NOT}|(?<!\w[-\u2011]))\b(?P<word>{'|'.join(self.words)})\b", re.IGNORECASE
        )

    def _split(self, text: str) -> Iterator[tuple[re.Match[str], str | None, str]]:
        """Each part's name or number, what its line says of it, and what stands below that line.

        None is said where a verdict stands before the part.

        Where nothing stands behind it in its line, the next line speaks of it, unless a verdict
        heads parts in a line above: the next line heads others then.
        """
        labels = list(self._label.finditer(text))
        end, is_behind, is_below = 0, False, False
        for label, following in zip_longest(labels, labels[1:]):
            *above, before = text[end : label.start()].split("\n")
            stands_above = self._is_bare if end else self._heads
            if above or not end:
                is_behind = self._heads(before)
            is_below = is_below or is_behind or any(map(stands_above, above))
            said = text[label.end() : following.start() if following else len(text)]
            line = line_of(said)
            end = label.end() + said.find(line) + len(line)
            is_next_line = "\n" in text[label.end() : end - len(line)]
            reaches_next = following is not None and end == following.start()
            heads_next = _HEADS.search(line) is not None
            if is_next_line:
                is_of_next = is_below or reaches_next or heads_next
            else:
                is_of_next = reaches_next and heads_next
            if is_of_next:
                line, end = "", label.end()
            below = text[end : following.start() if following else len(text)]
            yield label, None if is_behind else line, below

    def _heads(self, line: str) -> bool:
        """Whether a line, or what stands in one before a part, may say a verdict on what follows.

        A sentence that only uses the word does not, nor does one that says what is asked.
        """
        line = _NEW_SENTENCE.split(line)[-1]
        words = list(self._word.finditer(line))
        named = {word["word"].capitalize() for word in words}
        if not named or named == {*self.words} or _ASKS.search(line):
            return False
        return begins(line[: words[0].start()]) or not _SENTENCE_END.search(line)

    def _is_bare(self, line: str) -> bool:
        """Whether a line is no more than a verdict, or a heading with one."""
        label = rf"(?:{self.label}s?\b{_SIGNS})?"
        bare = rf"{_SIGNS}(?:verdict\b{_SIGNS})?{label}{self._word.pattern}{_SIGNS}{label}"
        return re.fullmatch(bare, line, re.IGNORECASE) is not None

    def _read(self, said: str, words: Sequence[re.Match[str]]) -> str | None:
        """The one verdict that a line states, at its beginning or its end; None if it does not."""
        verdicts = {self._meant(word) for word in words}
        if len(verdicts) != 1:
            return None
        ends = not _HAS_WORD.search(said, words[-1].end()) and _ENDS.search(
            said[: words[-1].start()]
        )
        verdict = verdicts.pop() if begins(said[: words[0].start()]) or ends else None
        if EMPTY_BOX in said or (CROSS in said and verdict != self.words[1]):
            return None
        value = _VALUE.match(said, words[-1].end())
        if value and denies(value["value"].lower()):
            return None
        behind = said[words[-1].end() :]
        if verdict is None or retracts(behind) or self._names_fault(behind, verdict):
            return None
        is_sure = verdict != self.words[0] or not is_qualified(said[: words[0].start()], behind)
        return verdict if is_sure else None

    def _takes_from(self, below: str, verdict: str) -> bool:
        """Whether the lines below the one with a verdict speak against it, apart from a summary."""
        reason = _SUMMARY.split(below)[0]
        if retracts(reason) or self._names_fault(reason, verdict):
            return True
        return verdict == self.words[0] and turns(reason.lower().lstrip(" \n*_>-"))

    def _names_fault(self, text: str, verdict: str) -> bool:
        if verdict != self.words[0] or not self.first_is_faultless:
            return False
        return any(map(names_fault, _CLAUSE_END.split(text.lower())))

    def _meant(self, word: re.Match[str]) -> str | None:
        said = word["word"].capitalize()
        if word["no"] is None:
            return said
        return self.words[1] if said == self.words[0] else None


def _list(numbers: str, count: int) -> Iterator[int]:
    """The numbers that are named, of those up to `count`: "1, 3 to 5" are four."""
    begin, end = 0, 0  # of what was read, and of the number before
    for found in _NUMBER.finditer(numbers):
        number = int(found[0])
        is_range = end and re.match(_TO, numbers[end : found.start()], re.IGNORECASE)
        yield from range(begin + 1 if is_range else number, min(number, count) + 1)
        begin, end = number, found.end()


def begins(before: str) -> bool:
    """Whether a verdict behind this begins its line."""
    return _BEGINS.match(before) is not None


def line_of(said: str) -> str:
    """What stands behind a label in its line, or in the next one that has a word."""
    line, _, rest = said.partition("\n")
    return line if _HAS_WORD.search(line) else rest.lstrip().partition("\n")[0]
