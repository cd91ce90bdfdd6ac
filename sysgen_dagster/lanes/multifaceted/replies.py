"""Reads what a model wrote for a preference set: for each dimension a preference and a description.

Wanted are lines such as ``Style preference: short and plain``; servers that hold replies to a JSON
schema give an object. What varies between models is read all the same: case, emphasis, bullets and
numbers before a line, a description that goes over several lines, an object inside a code block.
Every text gives a result, which may lack some of the parts.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sysgen_dagster.lanes.multifaceted.labelled_texts import DEEPEST, read_lines, read_object, tidy
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


def read_reply(text: str) -> Found:
    """What the reply gives for each dimension; parts that it lacks or leaves blank are missing."""
    found: dict[str, dict[str, str]] = {}
    in_lines = ((*label, written) for label, written in read_lines(text, _read_label))
    in_object = read_object(text, lambda value: _in_value(value, DEEPEST))
    for dimension, part, written in [*in_lines, *in_object]:
        said = tidy(written)
        if said and part not in found.setdefault(dimension, {}):
            found[dimension][part] = said
    return {name: parts for name, parts in found.items() if parts}


def _read_label(line: str) -> tuple[tuple[str, str], str] | None:
    if match := _LINE.match(line):
        return (_dimension(match["dimension"]) or "", match["part"].lower()), match["text"]
    return None


def _dimension(written: str) -> str | None:
    """The dimension of this name, whatever stands between its words; None: there is none."""
    letters = re.sub(r"[^a-z]", "", written.lower())
    return next((each for each in DIMENSIONS if each.replace("_", "") == letters), None)


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
