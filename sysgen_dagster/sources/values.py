"""Values of upstream files as the texts and records that the catalogue declares.

The same rule for JSON and for Parquet: what has one text without loss becomes that text, everything
else is none. ``4`` is ``4``, a decimal ``4.50`` is ``4.50``, a category is its name; a list, an
object, bytes that are no text and what is not a number are no text.
"""

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Records = list[dict[str, Any] | None]

_TEXT_PARTS = frozenset({None, "text", "input_text", "output_text"})
_THINKING_PARTS = frozenset({"thinking", "reasoning"})
_TIMES = (datetime.date, datetime.time, datetime.timedelta)


class NotTextError(ValueError):
    """A value is neither a text nor something that has one."""


class NoRecordsError(ValueError):
    """A value is no list of records."""


def as_text(value: Any) -> str | None:
    """The text of a value; None for null.

    Raises:
        NotTextError: It has none.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return str(value) if value.isascii() else _without_surrogates(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NotTextError from error
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (int, *_TIMES)) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    raise NotTextError


def as_turn_text(value: Any) -> str | None:
    """The text of what is said in a turn, which may be a list of parts; None for null.

    ``[{"type": "text", "text": "Name "}, {"type": "text", "text": "a river."}]`` is
    ``Name a river.``

    Raises:
        NotTextError: It has none, or a part is an image, a sound, the call of a tool, ...
    """
    if isinstance(value, Mapping):
        value = [value]
    return "".join(map(_part, value)) if isinstance(value, list) else as_text(value)


def _part(part: Any) -> str:
    if isinstance(part, str):
        return as_text(part) or ""
    if isinstance(part, Mapping):
        kind = part.get("type")
        if kind is not None and not isinstance(kind, str):
            raise NotTextError
        if kind in _THINKING_PARTS:
            # `chat.reasoning` takes it apart again, as it does where the file itself has the marks.
            return f"\n<think>{as_text(part.get(kind, part.get('text'))) or ''}</think>\n"
        if kind in _TEXT_PARTS and "text" in part:
            return as_text(part["text"]) or ""
    raise NotTextError


def as_records(value: Any, fields: Sequence[str]) -> Records | None:
    """The records of a value; None for null. A record that is null stays.

    Args:
        value: A list of records, one record, or one record of lists, as some writers store it; also
            the JSON of such a value. Where one field is read, a text is a record of its own, too.
        fields: Those that are read.

    Raises:
        NoRecordsError: It is neither, or holds something else.
    """
    if value is None:
        return None
    if isinstance(value, str):
        value = _read_json(value)
    if isinstance(value, Mapping):
        value = _records_of_lists(value, fields)
    if not isinstance(value, list):
        raise NoRecordsError
    if len(fields) == 1:
        value = [{fields[0]: each} if isinstance(each, str) else each for each in value]
    if any(record is not None and not isinstance(record, Mapping) for record in value):
        raise NoRecordsError
    return list(value)


def _read_json(text: str) -> Any:
    """What a text is the JSON of; numbers stay as they are written."""
    try:
        return json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise NoRecordsError from error


def _records_of_lists(value: Mapping[str, Any], fields: Sequence[str]) -> Records | None:
    lists = {field: value[field] for field in fields if value.get(field) is not None}
    if not lists and all(each is None for each in value.values()):
        return []
    if lists and not any(isinstance(each, list) for each in lists.values()):
        return [dict(value)]
    if not lists or not all(isinstance(each, list) for each in lists.values()):
        raise NoRecordsError
    if len({len(each) for each in lists.values()}) != 1:
        raise NoRecordsError
    return [dict(zip(lists, each, strict=True)) for each in zip(*lists.values(), strict=True)]


def _without_surrogates(text: str) -> str:
    """The text with the replacement character for each half of a character, which no file holds."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
