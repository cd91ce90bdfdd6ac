"""The figures of `compare.py` as a picture: a panel a figure, a bar a tool, whiskers for rounds."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, cast

import altair as alt
import polars as pl

from sysgen_dagster.report import drawing

_PANELS = (
    ("rows_per_second", "rows a second", ",.0f"),
    ("cpu_ms", "CPU ms a row", ".2f"),
    ("peak_mb", "peak memory, MB", ",.0f"),
)
_SENT_AGAIN = ("sent_again", "sent again after kill -9", ",.0f")
_WIDTH, _BAND = 175, 11
_OURS, _OTHERS = drawing.HUES[0], drawing.PALE
_DOES_NOT = "does not go on"


def draw(figures: Mapping[str, Any]) -> str:
    """An SVG that stands alone, readable on light and dark pages."""
    trials, killed = figures["trials"], figures["killed"]
    tools = list(dict.fromkeys(each["tool"] for each in trials))
    most = max(figures["work"]["in_flight"])
    panels = [
        _panel(_spread(trials, name), tools, title, form, most=most, first=number == 0)
        for number, (name, title, form) in enumerate(_PANELS)
    ]
    if killed:
        name, title, form = _SENT_AGAIN
        panels.append(_panel(_spread(killed, name), tools, title, form, most=most, first=False))
    work = figures["work"]
    in_flight = " and ".join(str(number) for number in work["in_flight"])
    label = (
        f"One answer a row for {work['rows']:,} rows from a local server by {len(tools)} tools, "
        f"with {in_flight} requests in flight: rows a second, CPU time, memory and requests sent "
        "again."
    )
    said = (
        f"{work['rows']:,} rows, {in_flight} requests in flight (pale: the fewer); the whole "
        "process from its start to its end; median, least and most of the rounds"
    )
    whole = alt.hconcat(*panels, spacing=26).properties(
        title=alt.TitleParams(said, fontSize=12, fontWeight="normal", color=drawing.INK, offset=10)
    )
    return drawing.svg(cast(drawing.Chart, whole), label, alone=True)


def _spread(trials: Sequence[Mapping[str, Any]], name: str) -> pl.DataFrame:
    """``tool``, ``in_flight``, ``value``, ``low``, ``high``, ``instead``: a row a tool and load."""
    rounds: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for each in trials:
        rounds.setdefault((each["tool"], each["in_flight"]), []).append(each)
    rows = []
    for (tool, in_flight), found in rounds.items():
        values = [float(each[name]) for each in found if each.get("goes_on", True)]
        spread = (median(values), min(values), max(values)) if values else (None,) * 3
        rows.append((tool, in_flight, *spread, "" if values else _DOES_NOT))
    schema = {"tool": pl.String, "in_flight": pl.Int64}
    schema |= dict.fromkeys(("value", "low", "high"), pl.Float64)
    return pl.DataFrame(rows, {**schema, "instead": pl.String}, orient="row")


def _panel(
    frame: pl.DataFrame,
    tools: Sequence[str],
    title: str,
    form: str,
    *,
    most: int,
    first: bool,
) -> drawing.Chart:
    """Bars with whiskers and figures, pale with fewer than `most`; the first names the tools."""
    data = frame.with_columns(
        ours=pl.col("tool").str.starts_with("sysgen"), few=pl.col("in_flight") < most
    )
    axis = alt.Axis(labels=first, minExtent=150 if first else 0)
    base = alt.Chart(data).encode(y=alt.Y("tool:N", sort=list(tools), title=None, axis=axis))
    height: Any = 2 * _BAND * len(tools) * 1.2
    if data["in_flight"].n_unique() > 1:
        base = base.encode(yOffset=alt.YOffset("in_flight:N", scale=alt.Scale(paddingInner=0.12)))
    value = alt.X("value:Q", axis=alt.Axis(title=None, format=",~f", tickCount=3))
    bars = base.mark_bar(size=_BAND - 1).encode(
        x=value,
        color=alt.condition("datum.ours", alt.value(_OURS), alt.value(_OTHERS)),
        opacity=alt.condition("datum.few", alt.value(0.5), alt.value(1)),
    )
    whiskers = base.mark_rule(color=drawing.INK, strokeWidth=1.2).encode(x="low:Q", x2="high:Q")
    figures = base.mark_text(align="left", dx=5, color=drawing.INK).encode(
        x="high:Q", text=alt.Text("value:Q", format=form)
    )
    instead = base.mark_text(align="left", dx=5, fontStyle="italic", color=drawing.INK).encode(
        x=alt.datum(0), text="instead:N"
    )
    return alt.layer(
        bars, whiskers, figures.transform_filter("isValid(datum.value)"), instead
    ).properties(
        width=_WIDTH,
        height=height,
        title=alt.TitleParams(title, fontSize=12, color=drawing.INK, anchor="start"),
    )
