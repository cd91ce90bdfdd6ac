"""Reads the rows of a CSV or TSV file, whose first line names the columns.

Every value is the text that stands in the file: an empty one is an empty text, ``007`` stays. What
is quoted wrongly, or has more or fewer values than there are columns, is an error that says where:
such a file has most often lost a quote, and every row after it would be another one.
"""

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from sysgen_dagster.sources.json_rows import LONGEST_ROW
from sysgen_dagster.sources.recognition import UnreadableError, snippet
from sysgen_dagster.sources.text_files import open_text

_DELIMITERS = ",;\t|"  # of a .csv; spreadsheets of many countries write semicolons
_LONGEST_NAME = 200  # characters; a column with a longer name is the text of a row
_NO_HEADER = "give it a first line that names the columns"


def read_csv_rows(file: Path, delimiter: str | None = None) -> Iterator[dict[str, str]]:
    """The rows of a file, each with its columns; a column without a name is left out.

    Args:
        file: A text file.
        delimiter: What stands between values; None: what the first line shows or says.

    Raises:
        UnreadableError: The file is no text, has no header, or is quoted wrongly; it says where.
    """
    with open_text(file, newline="") as text:
        yield from read_csv(text, delimiter)


def read_csv(text: TextIO, delimiter: str | None = None) -> Iterator[dict[str, str]]:
    """The same of a text."""
    csv.field_size_limit(min(LONGEST_ROW, sys.maxsize))  # of the process; its own is 128 KiB
    if (first := text.read(1)) in "[{" and first:
        raise UnreadableError("it is JSON", "end its name in .jsonl")
    text.seek(0)
    yield from _rows(text, _find_delimiter(text, delimiter))


def _find_delimiter(text: TextIO, given: str | None) -> str:
    """The delimiter by which the first line has most values, unless the first says it (Excel)."""
    first = text.readline(LONGEST_ROW)
    if said := re.fullmatch(r"sep=(.)\s*", first):
        return said[1]
    text.seek(0)
    if given is not None:
        return given
    return max(_DELIMITERS, key=lambda each: len(next(csv.reader([first], delimiter=each), [])))


def _rows(text: TextIO, delimiter: str) -> Iterator[dict[str, str]]:
    records = _records(text, delimiter)
    names = _check_names(next(records, (1, []))[1])
    for line, values in records:
        if not values:  # a blank line
            continue
        if len(values) != len(names):
            raise UnreadableError(
                f"line {line:,} has {len(values)} values where the first line names {len(names)} "
                f"columns: {snippet(delimiter.join(values))}",
                "remove the lines above the names of the columns"
                if len(names) == 1
                else "correct the line; a value with a delimiter or a line end stands in quotes",
            )
        yield {name: value for name, value in zip(names, values, strict=True) if name}


def _records(text: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The values of each record, with the line that it begins in."""
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableError(
                f"the row that begins in line {line:,} is quoted wrongly: {error}",
                "correct the line; a quote within quotes is written twice",
            ) from error
        yield line, values


def _check_names(header: Sequence[str]) -> list[str]:
    """The names of the columns, empty for one without a name, as an index often is."""
    names = [name.strip() for name in header]
    if not any(names):
        raise UnreadableError("it has no first line that names the columns", _NO_HEADER)
    if long := [name for name in names if len(name) > _LONGEST_NAME or "\n" in name]:
        what = f"its first line is no header but a row: {snippet(long[0])}"
        raise UnreadableError(what, _NO_HEADER)
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        what = f"its first line names {', '.join(map(repr, twice))} more than once"
        raise UnreadableError(what, f"rename one of them; if the line is a row, {_NO_HEADER}")
    return names
