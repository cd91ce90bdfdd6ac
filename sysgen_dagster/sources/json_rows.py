"""Reads the rows of a JSON file: one object per line, or one array of objects.

Nothing is held but the row that is read. Numbers stay the texts that they are in the file, so that
neither ``4.50`` nor a number of a thousand digits changes; NaN and Infinity, which are no JSON but
are written by many, are numbers that are none.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from sysgen_dagster.sources.recognition import UnreadableError, snippet
from sysgen_dagster.sources.text_files import open_text

LONGEST_ROW = 1 << 26  # characters; a longer one is no row but a file without line ends
_CHUNK = 1 << 20  # characters that are read at once from an array
# Also the mark in the middle, where files that begin with one were put together.
_BLANKS = " \t\n\r\ufeff"


class NumberText(str):
    """A number, as the file writes it."""

    __slots__ = ()


_decoder = json.JSONDecoder(parse_int=NumberText, parse_float=NumberText, parse_constant=float)


def as_numbers(value: Any) -> Any:
    """A value that was read here with its numbers as numbers, in lists and objects, too."""
    if isinstance(value, NumberText):
        return json.loads(value)
    if isinstance(value, dict):
        return {name: as_numbers(each) for name, each in value.items()}
    return [as_numbers(each) for each in value] if isinstance(value, list) else value


def read_json_rows(file: Path) -> Iterator[Any]:
    """The values of a file's lines or of its array, in their order; usually objects.

    Raises:
        UnreadableError: The file is no JSON, or no text; it says where.
    """
    with open_text(file) as text:
        yield from read_json(text)


def read_json(text: TextIO) -> Iterator[Any]:
    """The same of a text."""
    first = text.read(1)
    while first and first in _BLANKS:
        first = text.read(1)
    text.seek(0)
    return _read_array(_Stream(text)) if first == "[" else _read_lines(text)


def _read_lines(text: TextIO) -> Iterator[Any]:
    number = 0
    while line := text.readline(LONGEST_ROW):
        number += 1
        if len(line) == LONGEST_ROW:
            raise UnreadableError(f"line {number:,} has more than {LONGEST_ROW:,} characters")
        if not (stripped := line.strip(_BLANKS)):
            continue
        try:
            row, end = _decoder.raw_decode(stripped)
            if more := stripped[end:].lstrip(_BLANKS):
                raise json.JSONDecodeError("Extra data", stripped, len(stripped) - len(more))
            yield row
        except json.JSONDecodeError as error:
            column = error.colno + len(line) - len(line.lstrip(_BLANKS))
            raise _misread(number, column, error, stripped, stripped[error.pos :]) from error
        except RecursionError as error:
            raise _too_deep(number) from error


def _misread(
    line: int, column: int, error: json.JSONDecodeError, text: str, rest: str
) -> UnreadableError:
    """What is wrong at a place, where `text` is misread from `rest` on."""
    first_line, *more = text.rstrip(_BLANKS).split("\n", 1)
    if not rest.strip() and not more and first_line.endswith(("{", "[", ",")):
        what = f"line {line:,}: its JSON is spread over several lines"
        return UnreadableError(what, "write one object per line, such as with `jq -c .`")
    end = f"it ends with {snippet(text[-40:])}" if text else "the file ends"
    seen = snippet(rest) if rest.strip() else end
    what = f"line {line:,}, column {column:,}: {error.msg}: {seen}"
    return UnreadableError(what, "correct the line or replace the file")


def _too_deep(line: int) -> UnreadableError:
    what = f"line {line:,} nests lists or objects too deeply"
    return UnreadableError(what, "correct the line or replace the file")


class _Stream:
    """A text that is read as its values are taken from it."""

    def __init__(self, text: TextIO) -> None:
        self._text, self._held, self._at = text, "", 0
        self._line, self._column = 1, 1  # where `_held` begins

    def next_sign(self) -> str:
        """The next character that is no blank; it stays. Empty at the end."""
        while True:
            while self._at < len(self._held):
                if self._held[self._at] not in _BLANKS:
                    return self._held[self._at]
                self._at += 1
            if not self._read_on():
                return ""

    def skip(self) -> None:
        self._at += 1

    def value(self) -> Any:
        """The next value, which is taken."""
        self.next_sign()
        while True:
            try:
                value, end = _decoder.raw_decode(self._held, self._at)
            except json.JSONDecodeError as error:
                if len(self._held) - self._at < LONGEST_ROW and self._read_on():
                    continue
                raise self.misread(error) from error
            except RecursionError as error:
                raise _too_deep(self._place(self._at)[0]) from error
            if end == len(self._held) and self._read_on():  # a number may go on
                continue
            self._at = end
            return value

    def misread(self, error: json.JSONDecodeError) -> UnreadableError:
        held = self._held
        line, column = self._place(error.pos)
        return _misread(line, column, error, held[self._at :], held[error.pos :])

    def unexpected(self, wanted: str) -> UnreadableError:
        """That something else stands here."""
        return self.misread(json.JSONDecodeError(f"Expecting {wanted}", self._held, self._at))

    def _place(self, position: int) -> tuple[int, int]:
        """The line and the column of a position in `_held`."""
        lines = self._held.count("\n", 0, position)
        if not lines:
            return self._line, self._column + position
        return self._line + lines, position - self._held.rfind("\n", 0, position)

    def _read_on(self) -> bool:
        """Read more, at least as much as is held; whether there was more."""
        more = self._text.read(max(_CHUNK, len(self._held) - self._at))
        if more:
            self._line, self._column = self._place(self._at)
            self._held, self._at = self._held[self._at :] + more, 0
        return bool(more)


def _read_array(stream: _Stream) -> Iterator[Any]:
    stream.next_sign()
    stream.skip()  # the opening bracket
    if stream.next_sign() != "]":
        yield stream.value()
    while (sign := stream.next_sign()) == ",":
        stream.skip()
        yield stream.value()
    if sign != "]":
        raise stream.unexpected("',' or ']'")
    stream.skip()
    if stream.next_sign():
        raise stream.unexpected("nothing after the array")
