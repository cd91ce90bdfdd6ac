"""Consoles, empty tables and errors as the commands print them; imports nothing that is slow."""

import math
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.table import Table

from sysgen_dagster.chat.quoting import made_visible
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.tables.file_errors import explain

_LEAST_WIDTH = 96  # columns that the printed tables need


def open_console(extra: int = 0) -> Console:
    """The terminal, or a page at least as wide as the tables need, with `extra` columns more."""
    console = open_fluid_console()
    console.width = max(console.width, _LEAST_WIDTH + extra)
    return console


def open_fluid_console() -> Console:
    """The terminal as wide as it is, or a page as wide as tables need; for what fits any width.

    A terminal that cannot move its cursor gets what a page gets: lines one after the other.
    """
    is_page = os.environ.get("TERM") in ("dumb", "unknown") or not sys.stdout.isatty()
    console = Console(file=_terminal(), force_terminal=False if is_page else None)
    if not sys.stdout.isatty():
        console.width = max(console.width, _LEAST_WIDTH)
    return console


def _terminal() -> IO[str] | None:
    """The terminal that stdout is, if it is one.

    Dagster redirects the stdout of a process while it makes a partition: what is drawn in this time
    would not be seen to go to a terminal.
    """
    if not sys.stdout.isatty():
        return None
    return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding)


def open_plain_console() -> Console:
    """A console for lines that are copied or read by programs: not coloured, not broken."""
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.width = max(console.width, _LEAST_WIDTH)
    return console


def say(console: Console, line: str) -> None:
    """Print a line as it is, inert and not broken: files, models and servers may have named it."""
    console.print(made_visible(line), soft_wrap=True, markup=False, highlight=False)


def new_table(
    title: str, words: Iterable[str], numbers: Iterable[str], wrapped: Iterable[str] = ()
) -> Table:
    """A table without rows.

    Args:
        title: Printed above it.
        words: Headings of the first columns, aligned left.
        numbers: Headings of the columns after them, aligned right.
        wrapped: Headings of the last columns, whose text is broken into lines.
    """
    table = Table(title=title, title_justify="left")
    for name in words:
        table.add_column(name, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    for name in wrapped:
        table.add_column(name)
    return table


def add_lines(table: Table, rows: Iterable[Iterable[str | float | None]]) -> None:
    """Add a line for each row, and a rule below them.

    Whole numbers have a comma after each thousand, other numbers are shares and shown in percent,
    and a cell without a figure (None or NaN) stays empty.
    """
    for row in rows:
        table.add_row(*map(_shown, row))
    table.add_section()


def _shown(value: str | float | None) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.1%}"
    return f"{value:,}" if isinstance(value, int) else value or ""


def message_of(error: SysgenError | OSError) -> str | None:
    """What a user is told of an error; None where it is of no file, and so a fault of ours."""
    if isinstance(error, SysgenError):
        return "\n".join(map(made_visible, str(error).split("\n")))
    return explain(error, Path(error.filename)).message if error.filename is not None else None
