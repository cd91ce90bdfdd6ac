"""Reads what a model wrote for a rubric: a criterion, and what the scores 1 to 5 stand for.

Wanted are six lines, ``Criterion: ...`` and ``Score 1: ...`` to ``Score 5: ...``; servers that hold
replies to a JSON schema give an object. What varies between models is read all the same: case,
emphasis, bullets, scores from 5 down, texts that go over several lines, an object inside a code
block. Every text gives a result, which may lack some of the parts.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

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
_NOTHING = re.compile(r"[\s.\u2026_\-\u2013\u2014]*|n/?a|none|null|tbd|<[^<>]*>|\[[^\[\]]*\]", re.I)
_DEEPEST = 4  # objects within objects
_MOST_STARTS = 20  # brackets with which an object may begin; each is read to where it ends


def read_rubric(text: str) -> Mapping[str, str]:
    """What the reply gives, by `PARTS`; parts that it lacks or leaves blank are missing.

    Of a part that stands there twice the first one counts.
    """
    found: dict[str, str] = {}
    for part, written in [*_in_objects(text), *_in_lines(text)]:
        said = _tidy(written)
        if said:
            found.setdefault(part, said)
    return found


def _tidy(text: str) -> str:
    """The text on one line, without the marks around it; empty where it says nothing."""
    said = " ".join(text.split()).strip("*_`|").strip()
    if len(said) > 1 and said[0] == said[-1] and said[0] in "\"'":
        said = said[1:-1].strip()
    return "" if _NOTHING.fullmatch(said) else said


def _in_lines(text: str) -> Iterator[tuple[str, str]]:
    """Part and text of each labelled line, with the lines that go on below it."""
    at: str | None = None
    lines: list[str] = []
    for line in text.splitlines():
        match = _LINE.match(line) or _NUMBERED.match(line)
        # A blank line ends a text, and so does the fence of a code block.
        goes_on = line.strip() and not line.lstrip().startswith("```")
        if match is None and at is not None and goes_on:
            lines.append(line)
            continue
        if at is not None:
            yield at, "\n".join(lines)
            at = None
        if match is not None:
            at, lines = match["level"] or CRITERION, [match["text"]]
    if at is not None:
        yield at, "\n".join(lines)


def _in_objects(text: str) -> Iterator[tuple[str, str]]:
    """The same of the first JSON object in the text that has a part of a rubric."""
    decoder = json.JSONDecoder()
    for start in islice(re.finditer(r"\{", text), _MOST_STARTS):
        try:
            value, _ = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        if held := list(_in_value(value, _DEEPEST)):
            yield from held
            return


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
