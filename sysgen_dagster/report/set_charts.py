"""The charts of the second lane: what preference sets are about, how long messages are.

Each takes a short table with a column ``model``, the names of all models, and ``narrow``, as those
of `charts` do.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from sysgen_dagster.lanes.multifaceted import paper
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS, label_of
from sysgen_dagster.report.chart_parts import (
    NARROW,
    colour_of,
    hues_of,
    line_at_value,
    panel_width,
    panels_of,
    rows_of,
)
from sysgen_dagster.report.drawing import HUES, Chart, ModuleOfExtra

if TYPE_CHECKING:
    import altair as alt
else:
    alt = ModuleOfExtra("altair")

_HEIGHT = 160  # pixels of the chart of lengths


def draw_subdimensions(
    summary: pl.DataFrame, models: Sequence[str], *, narrow: bool = False
) -> Chart:
    """A bar for each subdimension, in the colour of its dimension; a panel for each model.

    `summary` has ``dimension``, ``subdimension`` and ``share``.
    """
    hues = hues_of(summary["model"], models)
    labels = [label_of(each) for each in DIMENSIONS]
    is_in_several = pl.col("dimension").n_unique().over("subdimension") > 1
    label = pl.col("dimension").map_elements(label_of, pl.String)
    data = summary.with_columns(
        pl.when(is_in_several)
        .then(pl.format("{} ({})", "subdimension", label))
        .otherwise("subdimension")
        .alias("subdimension"),
        dimension=label,
    )
    colours = dict(zip(labels, HUES, strict=False))
    bars = (
        alt.Chart()
        .mark_bar(height=9)
        .encode(
            y=rows_of(data["subdimension"], "subdimension"),
            x=alt.X(
                "share:Q",
                axis=alt.Axis(title="share of sets", format=".0%", tickCount=4),
                scale=alt.Scale(domainMin=0, nice=True),
            ),
            color=colour_of(colours, "dimension").legend(columns=1 if narrow else 4),
        )
    )
    # On a phone the bars have what the names leave: see `rows_of`.
    left = NARROW - min(250, 8 * max(map(len, data["subdimension"]), default=0))
    return (
        alt.layer(bars, data=data)
        .properties(width=left if narrow else panel_width(hues, narrow), height=alt.Step(16))
        .facet(**panels_of(hues, narrow), spacing=24)
    )


def draw_lengths(summary: pl.DataFrame, models: Sequence[str], *, narrow: bool = False) -> Chart:
    """Bars of the share of messages by their length; a panel for each model.

    `summary` has ``from_characters``, ``to_characters`` and ``share``.
    """
    hues = hues_of(summary["model"], models)
    axis = alt.Axis(title="characters", format=",.0f", tickCount=4 if narrow else 6)
    bars = (
        alt.Chart()
        .mark_rect()
        .encode(
            x=alt.X("from_characters:Q", axis=axis, scale=alt.Scale(zero=False, nice=True)),
            x2="to_characters:Q",
            y=alt.Y("share:Q", axis=alt.Axis(title="share of messages", format=".0%", tickCount=4)),
            y2=alt.datum(0),
            color=colour_of(hues).legend(None),
        )
    )
    lines = [line_at_value(each) for each in paper.MESSAGE_CHARACTERS]
    return (
        alt.layer(bars, *lines, data=summary)
        .properties(width=panel_width(hues, narrow), height=_HEIGHT)
        .facet(**panels_of(hues, narrow), spacing=24)
    )
