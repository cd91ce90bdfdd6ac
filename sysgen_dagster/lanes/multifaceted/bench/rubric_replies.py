"""Reads what a model wrote for a rubric: a criterion, and what the scores 1 to 5 stand for.

Wanted are six lines, ``Criterion: ...`` and ``Score 1: ...`` to ``Score 5: ...``; servers that hold
replies to a JSON schema give an object. What varies between models is read all the same: case,
emphasis, bullets, scores from 5 down, texts that go over several lines, an object inside a code
block. Every text gives a result, which may lack some of the parts.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sysgen_dagster.lanes.multifaceted.labelled_texts import DEEPEST, read_lines, read_object, tidy

CRITERION = "criterion"
LEVELS = ("1", "2", "3", "4", "5")
PARTS = (CRITERION, *LEVELS)

_SIGNS = r"[\s>*_#`|\"'\[\](){}\-\u2022\u2013\u2014]{0,12}"
_LINE = re.compile(
    rf"^{_SIGNS}(?:\d{{1,2}}[.):]{_SIGNS})?"
    rf"(?:(?P<criterion>criteri(?:on|a))|(?:score|level|points?)[\s_*#]{{0,3}}(?P<level>[1-5]))"
    rf"(?:\s?(?:points?|/\s?5))?{_SIGNS}[:=.\uff1a)\u2013\u2014-]+(?P<text>.*)$",
    re.IGNORECASE,
)
# A level whose line begins with its number alone.
_NUMBERED = re.compile(
    rf"^{_SIGNS}(?P<level>[1-5])(?:\s?(?:points?|/\s?5))?{_SIGNS}[:=.\uff1a)\u2013\u2014-]+"
    r"(?P<text>\D.*)$",
    re.IGNORECASE,
)
_FIELD = re.compile(r"\W*(?:(?:score|level|description)s?)?[\s_]*(?P<level>[1-5])\W*", re.I)


def read_rubric(text: str) -> Mapping[str, str]:
    """What the reply gives, by `PARTS`; parts that it lacks or leaves blank are missing.

    Of a part that stands there twice the first one counts.
    """
    found: dict[str, str] = {}
    in_object = read_object(text, lambda value: _in_value(value, DEEPEST))
    for part, written in [*in_object, *read_lines(text, _read_label)]:
        said = tidy(written)
        if said:
            found.setdefault(part, said)
    return found


def _read_label(line: str) -> tuple[str, str] | None:
    if match := _LINE.match(line) or _NUMBERED.match(line):
        return match["level"] or CRITERION, match["text"]
    return None


def _in_value(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """What stands in a value of JSON: fields by their names, a list of five by its order."""
    if depth == 0 or not isinstance(value, Mapping):
        return
    for name, held in value.items():
        named = _FIELD.fullmatch(name)
        if isinstance(held, str) and named:
            yield named["level"], held
        elif isinstance(held, str) and name.lower().startswith("criteri"):
            yield CRITERION, held
        elif isinstance(held, list) and len(held) == len(LEVELS):
            levels = zip(LEVELS, held, strict=True)
            yield from ((level, each) for level, each in levels if isinstance(each, str))
        else:
            yield from _in_value(held, depth - 1)
