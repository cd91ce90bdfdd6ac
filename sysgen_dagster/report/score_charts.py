"""The charts of students' scores: points with whiskers, by what is scored and by subject.

Each takes the short table of a comparison (`score_summaries`), the names that have hues already,
and ``narrow``; what there is nothing to draw of is None.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from sysgen_dagster.report.chart_parts import (
    BAND,
    FIGURE,
    axis_of,
    bar_width,
    colour_of,
    figures_at,
    has_paper_of,
    hues_of,
    line_at_value,
    rows_of,
    ticks_of_paper,
)
from sysgen_dagster.report.drawing import PALE, Chart, ModuleOfExtra
from sysgen_dagster.report.score_summaries import LABEL, label_scores

if TYPE_CHECKING:
    import altair as alt
else:
    alt = ModuleOfExtra("altair")

_ROW = BAND + 2  # pixels of one subject
_MOST_POINTS = 90  # of a chart; where there are more, only scores over all items are drawn
_HEIGHT = 240  # pixels of a chart of lines


def draw_scores(
    summary: pl.DataFrame, models: Sequence[str], *, form: str, narrow: bool = False
) -> Chart | None:
    """A point with its 95 % interval for each score of each subject.

    A grey tick is the score of a server that says nothing but "yes", a black one the paper's.
    """
    data = label_scores(summary.drop_nulls("score"), _MOST_POINTS)
    if data.is_empty():
        return None
    title = "score, 95 % interval"
    title += "; grey tick: a server that always says yes" * (data["floor"].count() > 0)
    title += "; black tick and second figure: the paper's" * has_paper_of(data)
    return _draw_points(data, models, ("score", "low", "high"), title, form, narrow=narrow)


def draw_differences(
    summary: pl.DataFrame, models: Sequence[str], *, form: str, narrow: bool = False
) -> Chart | None:
    """A point with its 95 % interval for each difference from the subject compared with."""
    differences = summary.drop_nulls("difference").drop("floor")
    if "difference_paper" in differences.columns:
        differences = differences.with_columns(paper="difference_paper")
    data = label_scores(differences, _MOST_POINTS).with_columns(
        subject=pl.format("{} \N{MINUS SIGN} {}", "subject", "against")
    )
    if data.is_empty():
        return None
    title = "difference over the same items, 95 % interval"
    title += " (black tick and second figure: the paper's)" * has_paper_of(data)
    ends = ("difference", "difference_low", "difference_high")
    return _draw_points(data, models, ends, title, f"+{form}", line=0, narrow=narrow)


def draw_rounds(
    summary: pl.DataFrame, models: Sequence[str], *, narrow: bool = False
) -> Chart | None:
    """A line for each subject: the share of sessions without a failure through each turn."""
    data = summary.filter(pl.col("metric").str.contains(r"^R[1-5]$"), of="total")
    data = data.drop_nulls("score")
    if data.is_empty():
        return None
    hues = hues_of(data["subject"], models)
    base = alt.Chart(data).encode(
        x=alt.X("metric:N", title=None, axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("subject:N", sort=list(hues)),
        color=colour_of(hues, "subject"),
    )
    axis = alt.Axis(title="sessions without a failure, 95 % interval", format=".0%", tickCount=5)
    y = alt.Y("score:Q", axis=axis, scale=alt.Scale(domain=[0, 1]))
    whiskers = base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q")
    layers = [
        base.mark_line(strokeWidth=1.5, opacity=0.6).encode(y=y),
        whiskers.transform_filter("isValid(datum.low)"),
        base.mark_point(filled=True, size=50, opacity=1).encode(y=y),
    ]
    return alt.layer(*layers).properties(width=bar_width(narrow, 1), height=_HEIGHT)


def _draw_points(
    data: pl.DataFrame,
    models: Sequence[str],
    ends: tuple[str, str, str],
    title: str,
    form: str,
    *,
    line: float | None = None,
    narrow: bool,
) -> Chart:
    """Points with whiskers: `ends` are the columns of the point and of its interval."""
    point, low, high = ends
    hues, has_paper = hues_of(data["subject"], models), has_paper_of(data)
    width = bar_width(narrow, 1 + has_paper)
    base = alt.Chart(data).encode(
        y=rows_of(data[LABEL], LABEL, _ROW * len(hues) if narrow else None),
        yOffset=alt.YOffset("subject:N", sort=list(hues)),
    )
    value = alt.X(f"{point}:Q", axis=axis_of(title, form, narrow), scale=alt.Scale(zero=False))
    whiskers = base.mark_rule(strokeWidth=2).encode(
        x=alt.X(f"{low}:Q"), x2=f"{high}:Q", color=colour_of(hues, "subject")
    )
    dots = base.mark_point(filled=True, size=70, opacity=1)
    layers = [
        *([] if line is None else [line_at_value(line)]),
        *_floors(base, data),
        whiskers.transform_filter(f"isValid(datum.{low})"),
        dots.encode(x=value, color=colour_of(hues, "subject")),
        *(ticks_of_paper(base, BAND) if has_paper else []),
        figures_at(base, width + 12, point, form),
        *([figures_at(base, width + 12 + FIGURE, "paper", form)] if has_paper else []),
    ]
    height = alt.Step(_ROW, **{"for": "offset"})
    return alt.layer(*layers).properties(width=width, height=height)


def _floors(base: "alt.Chart", data: pl.DataFrame) -> list["alt.Chart"]:
    if "floor" not in data.columns or not data["floor"].count():
        return []
    ticks = base.mark_tick(thickness=3, size=BAND, color=PALE).encode(x="floor:Q")
    return [ticks.transform_filter("isValid(datum.floor)")]
