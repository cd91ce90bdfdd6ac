"""Reads what a model wrote for a preference set: for each dimension a preference and a description.

Wanted are lines such as ``Style preference: short and plain``; servers that hold replies to a JSON
schema give an object. What varies between models is read all the same: case, emphasis, bullets and
numbers before a line, a description that goes over several lines, an object inside a code block.
Every text gives a result, which may lack some of the parts.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS, label_of

PARTS = ("preference", "description")
Found = Mapping[str, Mapping[str, str]]  # dimension -> part -> text

_BEFORE = r"[\s>*_#`|\-\u2022\u2013\u2014]{0,12}(?:\(?\d{1,2}[.):]\s*)?[\s*_`\"'\[(]{0,6}"
_NAMES = "|".join(re.escape(label_of(each)).replace(r"\ ", r"[\s_-]?") for each in DIMENSIONS)
_LINE = re.compile(
    rf"^{_BEFORE}(?P<dimension>{_NAMES})[\s_*`\-/:\u2013\u2014\"'\])]{{0,6}}"
    rf"(?P<part>{'|'.join(PARTS)})[\s*_`\"'\])]{{0,6}}[:\uff1a=][ \t*_`]{{0,6}}(?P<text>.*)$",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"[\s.\u2026_\-\u2013\u2014]*|n/?a|none|null|tbd|<[^<>]*>|\[[^\[\]]*\]", re.I)
_DEEPEST = 4  # objects within objects
_MOST_STARTS = 20  # brackets with which an object may begin; each is read to where it ends


def read_reply(text: str) -> Found:
    """What the reply gives for each dimension; parts that it lacks or leaves blank are missing."""
    found: dict[str, dict[str, str]] = {}
    for dimension, part, written in [*_in_lines(text), *_in_objects(text)]:
        said = _tidy(written)
        if said and part not in found.setdefault(dimension, {}):
            found[dimension][part] = said
    return {name: parts for name, parts in found.items() if parts}


def _tidy(text: str) -> str:
    """The text on one line, without the marks around it; empty where it says nothing."""
    said = " ".join(text.split()).strip("*_`|").strip()
    if len(said) > 1 and said[0] == said[-1] and said[0] in "\"'":
        said = said[1:-1].strip()
    return "" if _NOTHING.fullmatch(said) else said


def _in_lines(text: str) -> Iterator[tuple[str, str, str]]:
    """Dimension, part and text of each labelled line, with the lines that go on below it."""
    at: tuple[str, str] | None = None
    lines: list[str] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        # A blank line ends a text, and so does the fence of a code block.
        goes_on = line.strip() and not line.lstrip().startswith("```")
        if match is None and at is not None and goes_on:
            lines.append(line)
            continue
        if at is not None:
            yield (*at, "\n".join(lines))
            at = None
        if match is not None:
            at, lines = (
                (_dimension(match["dimension"]) or "", match["part"].lower()),
                [match["text"]],
            )
    if at is not None:
        yield (*at, "\n".join(lines))


def _dimension(written: str) -> str | None:
    """The dimension of this name, whatever stands between its words; None: there is none."""
    letters = re.sub(r"[^a-z]", "", written.lower())
    return next((each for each in DIMENSIONS if each.replace("_", "") == letters), None)


def _in_objects(text: str) -> Iterator[tuple[str, str, str]]:
    """The same of the first JSON object or list in the text that holds a dimension."""
    decoder = json.JSONDecoder()
    for start in islice(re.finditer(r"[{\[]", text), _MOST_STARTS):
        try:
            value, _ = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        if held := list(_in_value(value, _DEEPEST)):
            yield from held
            return


def _in_value(value: Any, depth: int) -> Iterator[tuple[str, str, str]]:
    """What stands in a value of JSON, by the names of its fields."""
    if depth == 0:
        return
    if isinstance(value, list):
        for each in value:
            yield from _in_value(each, depth - 1)
    elif isinstance(value, dict):
        if dimension := _dimension(str(value.get("dimension", ""))):
            yield from _parts_of(dimension, value)
        for name, held in value.items():
            yield from _in_field(name, held, depth)


def _in_field(name: str, held: Any, depth: int) -> Iterator[tuple[str, str, str]]:
    """What stands in a field: of ``style``, of ``style_preference``, or of neither."""
    of_name, _, part = name.lower().rpartition("_")
    if (dimension := _dimension(name)) and isinstance(held, dict):
        yield from _parts_of(dimension, held)
    elif part in PARTS and (dimension := _dimension(of_name)) and isinstance(held, str):
        yield dimension, part, held
    else:
        yield from _in_value(held, depth - 1)


def _parts_of(dimension: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, held in fields.items():
        if name.lower() in PARTS and isinstance(held, str):
            yield dimension, name.lower(), held
