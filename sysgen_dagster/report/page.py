"""The report as one HTML page that needs nothing else: figures, tables, and a browser of rows.

The page asks no server for anything. Its policy (``Content-Security-Policy``) lets it run only its
own style and script, which it names by their hashes, and load only images inside the page itself.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
from markupsafe import Markup

from sysgen_dagster.report.training_set import TrainingSet
from sysgen_dagster.report.view import Part, is_of_paper

_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Table:
    """A frame as it is shown; columns named ``paper`` or ``*_paper`` are set apart.

    Attributes:
        number_format: The format (of Python) of numbers that are not whole.
        folded: Only its caption is seen until it is opened.
    """

    frame: pl.DataFrame
    caption: str
    number_format: str = ",.1f"
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as SVG texts of `drawing.svg`, which are put in as they are.

    Attributes:
        wide: What a screen shows that has room for it.
        narrow: What a phone shows.
    """

    wide: str
    narrow: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    Attributes:
        title: Its heading, unlike that of every other section.
        part: The heading under which it stands with those beside it.
        rows: Instructions of the second lane as `lanes.multifaceted.stories` tells them.
    """

    title: str
    lead: str
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    note: str = ""
    part: str = ""
    rows: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What the page shows.

    Attributes:
        summary: Name and value of the figures at the top.
        notices: What must be known before anything is read, such as simulated models.
        notices_of: By the heading of a part, what must be known before its figures are read.
        stories: Records of single rows, in the order in which they are listed; the first is shown.
        tags: The tags that a message can hold, in canonical order.
        steps: By table, in which phase its rows are made, such as ``in Phase 1``.
        training_sets: What is exported.
        kept_rows: How many of the first stories are shown before anything else.
    """

    title: str
    made_at: str
    summary: Sequence[tuple[str, str]]
    notices: Sequence[str]
    sections: Sequence[Section]
    stories: Sequence[Mapping[str, Any]]
    tags: Sequence[str] = ()
    steps: Mapping[str, str] = field(default_factory=dict)
    training_sets: Sequence[TrainingSet] = ()
    kept_rows: int = 0
    notices_of: Mapping[str, Sequence[str]] = field(default_factory=dict)


def render(report: Report) -> str:
    """The page; the same report gives the same bytes.

    Raises:
        ValueError: A story holds a number that JSON has no word for.
    """
    parts = [
        (title, _anchor(title), [(_anchor(section.title), section) for section in sections])
        for title, sections in groupby(report.sections, key=lambda section: section.part)
    ]
    return fill_template(
        "report/page.html.j2",
        ("report/story.js", "report/sets.js", "report/page.js"),
        report=report,
        has_rows=bool(report.stories) or any(section.rows for section in report.sections),
        parts=[part for part in parts if part[0] != Part.PAPER],
        last_parts=[part for part in parts if part[0] == Part.PAPER],
        rows_of=_rows_of,
        kind_of=_kind,
        svg=Markup,  # charts are drawn by this package
        pack=_pack,
        words=words_of(report.tags, report.steps),
    )


def fill_template(
    name: str,
    scripts: Sequence[str],
    styles: Sequence[str] = ("report/page.css",),
    connect: str = "",
    **values: Any,
) -> str:
    """A page with its style and script inside it, and a policy that lets it run only these.

    Args:
        name: Of the template; files are named from the folder of the package.
        scripts: Names of the files that make its script, in order.
        styles: The same of its style sheet.
        connect: What the page may ask, as its policy says it; empty: nothing.
        values: What the template shows.
    """
    css, js = ("\n".join(map(_read, files)) for files in (styles, scripts))
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash_source(css)}; script-src {_hash_source(js)}"
        f"{connect and f'; connect-src {connect}'}"
    )
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(_read(name)).render(
        policy=policy,
        css=Markup(css),  # noqa: S704 - a file of this package
        js=Markup(js),  # noqa: S704 - a file of this package
        **values,
    )


def words_of(tags: Sequence[str], steps: Mapping[str, str]) -> str:
    """What `story.js` must know of the method, as JSON."""
    return json.dumps({"tags": list(tags), "steps": dict(steps)})


def _read(name: str) -> str:
    return (_PACKAGE / name).read_text(encoding="utf-8")


def _hash_source(text: str) -> str:
    """The style or script of the page as the policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _pack(stories: Sequence[Mapping[str, Any]]) -> str:
    """The stories as compressed JSON in base 64, which no text in them can break out of."""
    text = json.dumps(list(stories), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    kind: str  # classes of the style sheet
    title: str = ""


def _rows_of(table: Table) -> list[list[_Cell]]:
    kinds = [_kind(*column) for column in table.frame.schema.items()]
    rows: list[list[_Cell]] = []
    for values in table.frame.iter_rows():
        row = [
            _cell(value, kind, table.number_format)
            for value, kind in zip(values, kinds, strict=True)
        ]
        if rows and row[0].text == rows[-1][0].text and not kinds[0]:
            row[0] = _Cell(row[0].text, "again")  # shown faintly: the same name as in the row above
        rows.append(row)
    return rows


def _kind(name: str, dtype: pl.DataType) -> str:
    """The classes of the cells of a column."""
    return " ".join(["number"] * dtype.is_numeric() + ["paper"] * is_of_paper(name))


def _cell(value: Any, kind: str, number_format: str) -> _Cell:
    if value is None:
        return _Cell("\N{EN DASH}", f"{kind} none".strip(), "no figure")
    if isinstance(value, int | float):
        return _Cell(format(value, "," if isinstance(value, int) else number_format), kind)
    return _Cell(str(value), kind)
