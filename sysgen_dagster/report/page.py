"""The report as one HTML page that needs nothing else: figures, tables, and a browser of rows.

The page asks no server for anything. Its policy (``Content-Security-Policy``) lets it run only its
own style and script, known by their hashes, and load only images that stand in the page itself.
"""

import base64
import gzip
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jinja2
import polars as pl
from markupsafe import Markup

_FOLDER = Path(__file__).parent
NO_FIGURE = "\N{EN DASH}"

Format = Literal["percent", "count", "number", "ratio"]
_FORMATS: Mapping[Format, Callable[[Any], str]] = {
    "percent": lambda value: f"{value:.1%}",
    "count": lambda value: f"{value:,.0f}",
    "number": lambda value: f"{value:,.1f}",
    "ratio": lambda value: f"{value:.2f}",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A frame as it is shown.

    Attributes:
        formats: Of columns whose numbers are not to be shown as a count (whole numbers) or as a
            number with one decimal. Columns named ``paper`` or ``*_paper`` are set apart.
        folded: Only its caption is seen until it is opened.
    """

    frame: pl.DataFrame
    caption: str
    formats: Mapping[str, Format] = field(default_factory=dict)
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page; `charts` are SVG texts of `report.charts` and go in as they are."""

    title: str
    lead: str
    charts: Sequence[str] = ()
    tables: Sequence[Table] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What the page shows.

    Attributes:
        summary: Name and value of the figures at the top.
        notices: What must be known before any figure is read, such as simulated models.
        stories: Records of single rows, in the order in which they are listed.
        tags: The tags that a message can hold, in canonical order.
        steps: By table, in which phase its rows are made, such as ``in Phase 1``.
    """

    title: str
    made_at: str
    summary: Sequence[tuple[str, str]]
    notices: Sequence[str]
    sections: Sequence[Section]
    stories: Sequence[Mapping[str, Any]]
    tags: Sequence[str] = ()
    steps: Mapping[str, str] = field(default_factory=dict)


def render(report: Report) -> str:
    """The page; the same report gives the same bytes."""
    css, js = (_read(name) for name in ("page.css", "page.js"))
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {_source(css)}; script-src {_source(js)}"
    )
    return (
        _environment()
        .from_string(_read("page.html.j2"))
        .render(
            report=report,
            sections=list(zip(_anchors(report.sections), report.sections, strict=True)),
            rows_of=_rows_of,
            header_of=_header_of,
            policy=policy,
            css=Markup(css),  # noqa: S704 - a file of ours
            js=Markup(js),  # noqa: S704 - a file of ours
            svg=Markup,  # charts are of our own making
            stories=_pack(report.stories),
            words=json.dumps({"tags": list(report.tags), "steps": dict(report.steps)}),
        )
    )


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """A text of the page as the policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _pack(stories: Sequence[Mapping[str, Any]]) -> str:
    """The stories as compressed JSON in base 64, which no text in them can break out of."""
    text = json.dumps(list(stories), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _anchors(sections: Sequence[Section]) -> list[str]:
    """One for each section, made from its title; equal ones are numbered."""
    anchors: list[str] = []
    for section in sections:
        stem = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-") or "section"
        number = sum(other.rstrip("0123456789-") == stem for other in anchors)
        anchors.append(f"{stem}-{number + 1}" if number else stem)
    return anchors


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    kind: str  # classes of the style sheet
    title: str = ""


def _header_of(table: Table) -> list[_Cell]:
    return [
        _Cell(name.replace("_", " "), _kind(name, dtype))
        for name, dtype in table.frame.schema.items()
    ]


def _rows_of(table: Table) -> list[list[_Cell]]:
    kinds = [_kind(name, dtype) for name, dtype in table.frame.schema.items()]
    formats = [table.formats.get(name) for name in table.frame.columns]
    rows: list[list[_Cell]] = []
    for values in table.frame.iter_rows():
        row = [_cell(*each) for each in zip(values, kinds, formats, strict=True)]
        if rows and row and row[0].text == rows[-1][0].text and not kinds[0]:
            row[0] = _Cell(row[0].text, "again")  # shown faintly: the group goes on
        rows.append(row)
    return rows


def _kind(name: str, dtype: pl.DataType) -> str:
    papers = name == "paper" or name.endswith("_paper")
    return " ".join(["number"] * dtype.is_numeric() + ["paper"] * papers)


def _cell(value: Any, kind: str, format_: Format | None) -> _Cell:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return _Cell(NO_FIGURE, f"{kind} none".strip(), "no figure")
    return _Cell(_shown(value, format_), kind)


def _shown(value: Any, format_: Format | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _FORMATS[format_ or ("count" if isinstance(value, int) else "number")](value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
