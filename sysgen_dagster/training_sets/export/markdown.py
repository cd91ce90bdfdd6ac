"""Text and tables in Markdown that show what they are given, and nothing else."""

import re
from collections.abc import Sequence
from typing import Any

import polars as pl

NO_FIGURE = "\N{EN DASH}"
# Characters that end a line for some program, are not shown, or turn the direction of writing.
_INVISIBLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
# Escaped text never begins a line, so characters that mean something only there stay as they are.
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~$&])")


def escape(text: object) -> str:
    """`text` in one line of Markdown that shows it as it is, and nothing else."""
    return _MARKDOWN.sub(r"\\\1", _INVISIBLE.sub(" ", str(text)).strip())


def code(text: object) -> str:
    """`text` as code in one line of Markdown, in a table too; a backtick becomes an apostrophe."""
    plain = _INVISIBLE.sub(" ", str(text)).strip().replace("`", "'").replace("|", r"\|")
    return f"`{plain}`" if plain else NO_FIGURE


def markdown_table(
    frame: pl.DataFrame, number_format: str = ",.1f", names: Sequence[str] = ()
) -> str:
    """`frame` as a Markdown table: numbers to the right, an en dash for null and NaN.

    Args:
        frame: The table.
        number_format: The format (of Python) of numbers that are not whole.
        names: Columns that are shown as code.
    """
    header = [escape(name.replace("_", " ")) for name in frame.columns]
    rule = ["---:" if dtype.is_numeric() else "---" for dtype in frame.dtypes]
    rows = [
        [
            _cell(value, number_format, name in names)
            for name, value in zip(frame.columns, values, strict=True)
        ]
        for values in frame.fill_nan(None).iter_rows()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, rule, *rows])


def _cell(value: Any, number_format: str, is_name: bool) -> str:
    if value is None:
        return NO_FIGURE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return format(value, "," if isinstance(value, int) else number_format)
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return code(value) if is_name else escape(value)
