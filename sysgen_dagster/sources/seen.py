"""What the first rows of a file hold: which columns are texts, and which are lists of what."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from sysgen_dagster.chat.visible import is_blank
from sysgen_dagster.sources.shapes import THOUGHTS
from sysgen_dagster.sources.values import (
    NoRecordsError,
    NotTextError,
    as_records,
    as_text,
    as_turn_text,
)

_MOST = 200  # values of a column that are looked at
_WORDY = 0.5  # least share of the texts with several words in a column that people wrote
_WITHOUT_BLANKS = re.compile("[\u0e00-\u10ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]{4}")


class ListColumn(NamedTuple):
    """A column whose values are lists.

    Attributes:
        name: Its name.
        fields: Those of the records that it lists, in their order; none: it lists texts.
        chats: The records of each row.
    """

    name: str
    fields: tuple[str, ...]
    chats: Sequence[Sequence[Mapping[str, Any]]]

    def texts(self, field: str) -> list[str]:
        """What the records say in a field; what is no text is left out."""
        return [text for chat in self.chats for text in _said(chat, field)]

    def kept(self, used: Sequence[str]) -> list[str]:
        """The fields that are read: those that are used, and thoughts; of texts the only one."""
        thoughts = {field for field in THOUGHTS if any(self.texts(field))}
        kept = [field for field in self.fields if field in used or field in thoughts]
        return kept or list(used)

    def speakers(self, field: str) -> list[list[str]]:
        """Who speaks in each row, turn by turn."""
        return [_said(chat, field) for chat in self.chats]


class Seen:
    """The first rows of a file.

    Attributes:
        rows: As they are in the file.
        columns: The names of all columns, in the order of the file.
    """

    def __init__(self, rows: Sequence[Any]) -> None:
        """Of rows that are not looked at yet."""
        self.rows = rows
        found = (name for row in rows if isinstance(row, Mapping) for name in row)
        self.columns = [name for name in dict.fromkeys(found) if isinstance(name, str)]

    @cached_property
    def lists(self) -> dict[str, ListColumn]:
        """The columns whose values are lists of records or of texts, or JSON of such."""
        found = (_list_column(name, self.values(name)) for name in self.columns)
        return {column.name: column for column in found if column is not None}

    @cached_property
    def texts(self) -> list[str]:
        """The columns most of whose values have a text, also if it is the JSON of a list."""
        return [name for name in self.columns if _are_texts(self.values(name))]

    def values(self, column: str) -> list[Any]:
        """The first values of a column, without nulls."""
        found = (row.get(column) for row in self.rows if isinstance(row, Mapping))
        return [value for value in found if value is not None][:_MOST]

    def is_empty(self, column: str) -> bool:
        """Whether the first values of a column hold nothing."""
        return all(value in ("", [], {}) for value in self.values(column))

    def holds_sentences(self, column: str) -> bool:
        """Whether the texts of a column, as far as they show anything, have several words."""
        shown = [text for value in self.values(column) if not is_blank(text := _text(value))]
        return bool(shown) and sum(map(has_words, shown)) >= _WORDY * len(shown)


def has_words(text: str | None) -> bool:
    """Whether a text has several words, also in writing that puts no blanks between them."""
    return len((text or "").split()) > 1 or _WITHOUT_BLANKS.search(text or "") is not None


def _text(value: Any) -> str | None:
    try:
        return as_text(value)
    except NotTextError:
        return None


def _are_texts(values: Sequence[Any]) -> bool:
    shown = [not is_blank(_text(value)) for value in values if not isinstance(value, bool)]
    return 2 * sum(shown) >= len(values) > 0 and any(shown)


def _said(chat: Iterable[Mapping[str, Any]], field: str) -> list[str]:
    texts = []
    for record in chat:
        try:
            text = as_turn_text(record.get(field))
        except NotTextError:
            continue
        if text is not None:
            texts.append(text)
    return texts


def _list_column(name: str, values: Sequence[Any]) -> ListColumn | None:
    """The column as one of lists, if most of its values are such."""
    lists = [found for value in values if (found := _as_list(value)) is not None]
    if not lists or 2 * len(lists) < len(values):
        return None
    counted = Counter(isinstance(each, Mapping) for found in lists for each in found)
    if not counted:
        return None
    if counted[False] > counted[True]:
        return ListColumn(name, (), []) if _are_lists_of_texts(lists) else None
    chats = [[each for each in found if isinstance(each, Mapping)] for found in lists]
    fields = dict.fromkeys(field for chat in chats for record in chat for field in record)
    return ListColumn(name, tuple(field for field in fields if isinstance(field, str)), chats)


def _are_lists_of_texts(lists: Sequence[Sequence[Any]]) -> bool:
    return all(isinstance(each, str) for found in lists for each in found)


def _as_list(value: Any) -> list[Any] | None:
    """A list; None where the value is neither one nor stored like one."""
    if isinstance(value, list):
        return value
    is_json = isinstance(value, str) and value.lstrip()[:2] in ("[{", '["')
    if not is_json and not isinstance(value, Mapping):
        return None
    try:
        return as_records(value, tuple(value) if isinstance(value, Mapping) else ())
    except NoRecordsError:
        return None
