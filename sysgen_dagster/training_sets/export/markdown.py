"""Text and tables in Markdown that show what they are given, and nothing else."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import polars as pl

NO_FIGURE = "\N{EN DASH}"


Format = Literal["percent", "count", "number", "ratio"]


_FORMATS: Mapping[str, str] = {
    "percent": "{:.1%}",
    "count": "{:,.0f}",
    "number": "{:,.1f}",
    "ratio": "{:.2f}",
}


# What ends a line for somebody, what is not shown, and what turns the direction of writing.
_INVISIBLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


# Escaped text never begins a line, so signs that mean something only there stay as they are.
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~$&])")


def escape(text: object) -> str:
    """`text` in one line of Markdown that shows it as it is, and nothing else."""
    return _MARKDOWN.sub(r"\\\1", _INVISIBLE.sub(" ", str(text)).strip())


def code(text: object) -> str:
    """`text` as code in one line of Markdown, in a table too; a backtick becomes an apostrophe."""
    plain = _INVISIBLE.sub(" ", str(text)).strip().replace("`", "'").replace("|", r"\|")
    return f"`{plain}`" if plain else NO_FIGURE


def markdown_table(
    frame: pl.DataFrame, formats: Mapping[str, Format] | None = None, names: Sequence[str] = ()
) -> str:
    """`frame` as a Markdown table: numbers to the right, an en dash where there is none.

    `names` are columns that are shown as code.
    """
    header = [escape(name.replace("_", " ")) for name in frame.columns]
    rule = ["---:" if dtype.is_numeric() else "---" for dtype in frame.dtypes]
    rows = [
        [
            _cell(value, (formats or {}).get(name), name in names)
            for name, value in zip(frame.columns, values, strict=True)
        ]
        for values in frame.iter_rows()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, rule, *rows])


def _cell(value: Any, format_: Format | None, is_name: bool) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NO_FIGURE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _FORMATS[format_ or ("count" if isinstance(value, int) else "number")].format(value)
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return code(value) if is_name else escape(value)
