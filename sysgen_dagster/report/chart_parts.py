"""What the charts of the report are put together from: names at the left, axes, hues, figures."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from sysgen_dagster.report.drawing import HUES, INK, PAPER, ModuleOfExtra

if TYPE_CHECKING:
    import altair as alt
else:
    alt = ModuleOfExtra("altair")

WIDTH, NARROW = 500, 320  # pixels: of the bars alone; of everything on a phone
BAND = 14  # pixels of one bar
NAME = 20  # pixels of a name above its bars
FIGURE = 52  # pixels of a column of figures


def hues_of(shown: Iterable[str], models: Sequence[str]) -> dict[str, str]:
    """The hue of each name that a chart shows, the same for a model in every chart."""
    present = set(shown)
    names = enumerate(dict.fromkeys([*models, *shown]))
    return {name: HUES[place % len(HUES)] for place, name in names if name in present}


def colour_of(hues: Mapping[str, str], column: str = "model") -> "alt.Color":
    """The colour of what a column names, with a legend in the order of the hues."""
    scale = alt.Scale(domain=list(hues), range=list(hues.values()))
    return alt.Color(f"{column}:N", scale=scale, sort=None)


def has_paper_of(data: pl.DataFrame) -> bool:
    """Whether the paper has any figure; where it has none, a chart does not mention it."""
    return "paper" in data.columns and data["paper"].count() > 0


def figures_at(base: "alt.Chart", at: int, column: str, form: str) -> "alt.Chart":
    """A column of figures at a place right of the bars, the paper's in italics."""
    style = "italic" if column == "paper" else "normal"
    marks = base.mark_text(align="left", fontStyle=style)
    valid = marks.transform_filter(f"isValid(datum.{column})")
    figures: alt.Chart = valid.encode(x=alt.value(at), text=alt.Text(f"{column}:Q", format=form))
    return figures


def ticks_of_paper(base: "alt.Chart", size: int) -> list["alt.Chart"]:
    """The paper's figures; a rim sets a tick apart from the bar that it stands on."""
    return [
        base.mark_tick(thickness=thickness, size=size, color=colour).encode(x="paper:Q")
        for thickness, colour in ((5, PAPER), (2.5, INK))
    ]


def rows_of(names: Iterable[str], column: str, band: int | None = None) -> "alt.Y":
    """The names at the left, which `column` holds, in the order in which they are first met.

    With a `band`, the pixels of the bars of one name, the names stand above the bars.
    """
    sort = list(dict.fromkeys(names))
    if band is not None:
        room = NAME / (NAME + band)
        above = alt.Axis(
            labelAlign="left",
            labelBaseline="bottom",
            labelPadding=0,
            labelOffset=-band / 2 - 1,
            labelLimit=NARROW,
            maxExtent=0,
        )
        scale = alt.Scale(paddingInner=room, paddingOuter=room)
        return alt.Y(f"{column}:N", sort=sort, title=None, axis=above, scale=scale)
    # The page's font may be wider than the one the drawing was measured in.
    room = 8 * max(map(len, sort), default=0)
    return alt.Y(f"{column}:N", sort=sort, title=None, axis=alt.Axis(minExtent=min(room, 250)))


def axis_of(title: str, form: str, narrow: bool = False) -> "alt.Axis":
    """The axis at the bottom; shares have no decimals on it."""
    form = form.replace(".1%", ".0%")
    if not narrow:
        return alt.Axis(title=textwrap.wrap(title, 90), format=form, tickCount=6)
    lines = textwrap.wrap(title, 44)
    return alt.Axis(title=lines, format=form, tickCount=4, titleAnchor="start", titleX=0)


def bar_width(narrow: bool, columns: int) -> int:
    """The pixels of the longest bar, where so many columns of figures stand at the right."""
    return NARROW - 12 - FIGURE * columns if narrow else WIDTH


def panels_of(hues: Mapping[str, str], narrow: bool) -> dict[str, Any]:
    """A chart for each model: beside each other, or below each other where it is narrow."""
    facet = alt.Facet("model:N", sort=list(hues), title=None)
    return {"facet": facet, "columns": 1 if narrow else max(1, len(hues))}


def panel_width(hues: Mapping[str, str], narrow: bool) -> int:
    """The width of the chart of one of several models, in pixels."""
    return 220 if narrow else min(360, 720 // max(1, len(hues)))


def line_at_value(at: float) -> "alt.Chart":
    """A dashed line at a value of the x axis."""
    place = alt.Chart(pl.DataFrame({"at": [at]}))
    line: alt.Chart = place.mark_rule(color=INK, strokeDash=[3, 3]).encode(x="at:Q")
    return line
