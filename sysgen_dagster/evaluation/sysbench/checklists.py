"""The checklist of a turn and the judge's verdicts on it, out of two cells of a sheet.

A checklist has a line ``1. content | type`` for each constraint, the verdicts a line
``1. type | yes or no``. The checklist is the benchmark's and has to be whole; the verdicts are a
judge's, and what is not plainly a word of a closed list is read as nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from sysgen_dagster.errors import SysgenError
from sysgen_dagster.evaluation.sysbench.tables import TYPES, NoVerdict

# Whether a constraint is satisfied by the judge's word, and why nobody knows. A third verdict frees
# the turn of its constraint, so only words that say so are one: all that the 21 published sheets
# have. Any other word may be a way to say no.
_WORDS: Final[Mapping[str, tuple[bool | None, NoVerdict | None]]] = {
    "是": (True, None),
    "否": (False, None),
    **dict.fromkeys(
        ("不适用", "无法判断", "无法评判", "忽略", "部分", "部分是"),
        (None, NoVerdict.THIRD_VERDICT),
    ),
}
# Markup and signs that leave a word what it is; not ~~, which takes it back, nor ? and a leading !.
_BEFORE: Final = "*_`\"'“‘「『【[（(:： \t\u3000"  # noqa: RUF001 - Chinese punctuation
_BEHIND: Final = "*_`\"'”’」』】]）).。,，;；、!！| \t\u3000"  # noqa: RUF001 - the same
_A_TYPE = "|".join(TYPES)
# The content may have several lines, and bars within.
_CONSTRAINT = re.compile(
    rf"^[ \t]*(?P<number>\d{{1,3}})\.(?P<content>.*?)\|[ \t]*(?P<type>{_A_TYPE})[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_VERDICT = re.compile(rf"^\s*(?P<number>\d{{1,3}})\.\s*(?P<type>{_A_TYPE})\s*\|(?P<said>.*)$")


class SheetError(SysgenError):
    """An answer sheet of SysBench cannot be scored; the message names the place and the fix."""


class Verdict(NamedTuple):
    """One constraint and what is known of it, by the columns of `tables.VERDICTS`."""

    number: int
    type: str
    said: str | None
    satisfied: bool | None
    drop_reason: NoVerdict | None


class Constraint(NamedTuple):
    """One line of a checklist."""

    number: int
    type: str
    content: str


def read_turn(checklist: str, verdicts: str) -> Iterator[Verdict]:
    """One verdict for each constraint of a checklist, in its order.

    A verdict on a number that the checklist lacks is of nothing and left alone.

    Raises:
        SheetError: The checklist is not lines ``number. content | type``, numbered from 1.
    """
    said: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for line in verdicts.splitlines():
        if found := _VERDICT.match(line):
            said[int(found["number"])].append((found["type"], found["said"].strip()))
    for number, kind, _ in _read_lines(checklist):
        yield _decide(number, kind, said[number])


def read_checklist(checklist: str) -> list[Constraint]:
    """The constraints of a checklist, in its order, each with the English name of its type.

    Raises:
        SheetError: As `read_turn`.
    """
    return [Constraint(number, TYPES[kind], text) for number, kind, text in _read_lines(checklist)]


def _decide(number: int, kind: str, said: list[tuple[str, str]]) -> Verdict:
    word, satisfied = None, None
    reason: NoVerdict | None
    if not said or said == [(kind, "")]:
        reason = NoVerdict.MISSING
    elif len(said) > 1:
        reason = NoVerdict.SEVERAL
    elif said[0][0] != kind:
        reason = NoVerdict.OTHER_TYPE
    else:
        bare = said[0][1].lstrip(_BEFORE).rstrip(_BEHIND)
        word = bare if bare in _WORDS else said[0][1]
        satisfied, reason = _WORDS.get(bare, (None, NoVerdict.MISSING))
    return Verdict(number, TYPES[kind], word, satisfied, reason)


def _read_lines(checklist: str) -> list[tuple[int, str, str]]:
    """Number, type as it stands there and content of each constraint."""
    text = checklist.replace("\r\n", "\n")
    found = [
        (int(each["number"]), each["type"], each["content"].strip())
        for each in _CONSTRAINT.finditer(text)
    ]
    if left := _CONSTRAINT.sub("", text).strip():
        raise SheetError(
            f"{left[:60]!r} is no constraint `number. content | type`, the type one of "
            f"{', '.join(TYPES)}"
        )
    if not found or [number for number, _, _ in found] != [*range(1, len(found) + 1)]:
        numbers = ", ".join(str(number) for number, _, _ in found) or "none"
        raise SheetError(f"its constraints have to be numbered from 1 on, and are: {numbers}")
    return found
