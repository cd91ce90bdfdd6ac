"""The kinds of charts: our figures as bars, cells or points, the paper's as ticks beside them.

Which statistic is drawn in which kind is declared in `views`. A chart is a specification with its
data in it; `drawing.svg` makes a picture of it. Every function takes

- ``summary``: the short tables of one or several models below each other, with a column ``model``;
  shares are from 0 to 1, and a figure that there is not is null.
- ``models``: the names of all models of the report, in the order that gives each its hue.
- ``narrow``: whether it is drawn for a phone, with names above their bars instead of beside them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.obedience.alignment_judgement import Alignment
from sysgen_dagster.report.chart_parts import (
    BAND,
    FIGURE,
    NAME,
    axis_of,
    bar_width,
    colour_of,
    figures_at,
    has_paper_of,
    hues_of,
    line_at_value,
    panel_width,
    panels_of,
    rows_of,
    ticks_of_paper,
)
from sysgen_dagster.report.drawing import HUES, PALE, Chart, ModuleOfExtra

if TYPE_CHECKING:
    import altair as alt
else:
    alt = ModuleOfExtra("altair")


def draw_bars(
    summary: pl.DataFrame,
    models: Sequence[str],
    *,
    y: str,
    x: str,
    title: str,
    where: pl.Expr | bool = True,
    form: str = ".1%",
    hue: str = "model",
    line_at: float | None = None,
    narrow: bool = False,
) -> Chart:
    """A bar for each row, a tick for the paper's figure, and both figures in columns at the right.

    Args:
        summary: Has the columns `y`, `x` and `hue`; the paper's figures, if any, in ``paper``.
        models: See the module.
        y: The column whose values stand at the left, in their order.
        x: The column of the bars' lengths.
        title: What the lengths are.
        where: Which rows are drawn.
        form: The format (of d3) of the figures.
        hue: The column whose values have a colour each.
        line_at: Where a dashed line goes through all bars.
        narrow: See the module.
    """
    data = summary.filter(where)
    hues, has_paper = hues_of(data[hue], models), has_paper_of(data)
    width = bar_width(narrow, 1 + has_paper)
    base = alt.Chart(data).encode(
        y=rows_of(data[y], y, BAND * len(hues) if narrow else None),
        yOffset=alt.YOffset(f"{hue}:N", sort=list(hues), scale=alt.Scale(paddingInner=0.15)),
    )
    said = f"{title} (tick and second figure: the paper's)" if has_paper else title
    axis = axis_of(said, form, narrow)
    value = alt.X(f"{x}:Q", axis=axis, scale=alt.Scale(domainMin=0, nice=True))
    layers = [
        base.mark_bar().encode(x=value, color=colour_of(hues, hue)),
        figures_at(base, width + 12, x, form),
    ]
    if has_paper:
        layers += [
            *ticks_of_paper(base, BAND + 2),
            figures_at(base, width + 12 + FIGURE, "paper", form),
        ]
    if line_at is not None:
        layers.append(line_at_value(line_at))
    return alt.layer(*layers).properties(width=width, height=alt.Step(BAND, **{"for": "offset"}))


def draw_tags(summary: pl.DataFrame, models: Sequence[str], *, narrow: bool = False) -> Chart:
    """The share of messages that hold each key functionality, before and after Phase 3.

    `summary` has ``tag``, ``filtered_share``, ``verified_share`` and ``paper``.
    """
    hues, has_paper = hues_of(summary["model"], models), has_paper_of(summary)
    base = alt.Chart(summary).encode(y=rows_of(TAG_NAMES, "tag"))
    title = "pale: after Phase 2" + (", tick: paper" if has_paper else "")
    axis = alt.Axis(title=title, format=".0%", values=[0, 0.5, 1])
    scale, colour = alt.Scale(domain=[0, 1]), colour_of(hues).legend(None)
    before = base.mark_bar(opacity=0.35, height=16).encode(
        x=alt.X("filtered_share:Q", axis=axis, scale=scale), color=colour
    )
    after = base.mark_bar(height=8).encode(x=alt.X("verified_share:Q", scale=scale), color=colour)
    return (
        alt.layer(before, after, *(ticks_of_paper(base, 18) if has_paper else []), data=summary)
        .properties(width=panel_width(hues, narrow), height=alt.Step(22))
        .facet(**panels_of(hues, narrow), spacing=24)
    )


def draw_verdicts(summary: pl.DataFrame, models: Sequence[str], *, narrow: bool = False) -> Chart:
    """The share of the tags of each source that were not judged Good; a heat map for each model.

    `summary` has ``source``, ``tag``, ``bad``, ``none`` and ``unreadable``: shares of the messages
    that hold the tag, null where none does.
    """
    data = summary.filter(pl.col("source") != ALL).with_columns(
        not_good=pl.sum_horizontal("bad", "none", "unreadable", ignore_nulls=False)
    )
    hues = hues_of(data["model"], models)
    base = alt.Chart(data).encode(
        x=alt.X(
            "tag:N",
            sort=list(TAG_NAMES),
            title=None,
            axis=alt.Axis(labelAngle=-90 if narrow else -45),
        ),
        y=rows_of(data["source"], "source"),
    )
    scale = alt.Scale(domain=[0, 1], range=[0.04, 0.85])
    cells = base.mark_rect().encode(
        color=colour_of(hues).legend(None),
        opacity=alt.Opacity("not_good:Q", scale=scale, legend=None),
    )
    text = alt.Text("not_good:Q", format=".0%")
    figures = base.mark_text(fontSize=9 if narrow else 11).encode(text=text)
    figures = figures.transform_filter("isValid(datum.not_good)")
    cell = alt.Step(panel_width(hues, narrow) // len(TAG_NAMES) + (0 if narrow else 4))
    return (
        alt.layer(cells, figures, data=data)
        .properties(width=cell, height=alt.Step(26))
        .facet(**panels_of(hues, narrow), spacing=16)
    )


def draw_preferences(
    summary: pl.DataFrame, models: Sequence[str], *, narrow: bool = False
) -> Chart:
    """How often a judge prefers the new answer, by source, with the 95 % interval.

    `summary` has ``source``, ``win_rate``, ``win_rate_low``, ``win_rate_high`` and ``paper``.
    """
    hues, has_paper = hues_of(summary["model"], models), has_paper_of(summary)
    band, width = (BAND + 2) * len(hues), bar_width(narrow, 1)
    base = alt.Chart(summary).encode(
        y=rows_of(summary["source"], "source", band if narrow else None),
        yOffset=alt.YOffset("model:N", sort=list(hues)),
    )
    title = "win rate of the new answer, a tie as half a win; 95 % interval"
    axis = axis_of(f"{title} (tick: the paper's)" if has_paper else title, ".0%", narrow)
    low = alt.X("win_rate_low:Q", axis=axis, scale=alt.Scale(domain=[0, 1]))
    colour = colour_of(hues)
    layers = [
        line_at_value(0.5),
        base.mark_rule(strokeWidth=2).encode(x=low, x2="win_rate_high:Q", color=colour),
        base.mark_point(filled=True, size=70, opacity=1).encode(x="win_rate:Q", color=colour),
        *(ticks_of_paper(base, BAND) if has_paper else []),
        figures_at(base, width + 12, "win_rate", ".1%"),
    ]
    height = alt.Step(BAND + 2, **{"for": "offset"})
    return alt.layer(*layers).properties(width=width, height=height)


def draw_alignment(summary: pl.DataFrame, models: Sequence[str], *, narrow: bool = False) -> Chart:
    """How many new answers keep to their system messages: one bar a model, and the paper's below.

    `summary` has ``source`` and ``<verdict>_share`` for each of `Alignment`, and may have
    ``aligned_share_paper`` and ``not_aligned_share_paper``. The paper's share of the third verdict
    is what these two leave.
    """
    over_all = summary.filter(pl.col("source") == ALL)
    ends = {"": ""}
    if "aligned_share_paper" in summary.columns:
        ends[", paper"] = "_paper"
        both = pl.col("aligned_share_paper") + pl.col("not_aligned_share_paper")
        over_all = over_all.with_columns(unknown_share_paper=1 - both)
    data = pl.concat(
        over_all.select(
            bar=pl.concat_str("model", pl.lit(name)),
            **{verdict.value: f"{verdict.name.lower()}_share{end}" for verdict in Alignment},
        )
        for name, end in ends.items()
    )
    data = data.unpivot(index="bar", variable_name="verdict", value_name="share")
    data = data.drop_nulls("share")
    bars = [bar for name in models for bar in (name, f"{name}, paper") if bar in data["bar"]]
    # The palette's two most different hues, and grey; in the order in which they are stacked.
    colours: dict[str, str] = dict(zip(Alignment, (HUES[0], HUES[1], PALE), strict=True))
    axis, from_0_to_1 = axis_of("share of judged answers", ".0%", narrow), alt.Scale(domain=[0, 1])
    stacked = alt.Chart(data).mark_bar(height=18)
    stacked = stacked.encode(
        y=rows_of(bars, "bar", 18 if narrow else None),
        order=alt.Order("verdict:N"),
        x=alt.X("share:Q", stack="zero", axis=axis, scale=from_0_to_1),
        color=colour_of(colours, "verdict"),
    )
    width, step = bar_width(narrow, 0), 18 + NAME if narrow else 26
    return alt.layer(stacked).properties(width=width, height=alt.Step(step))
