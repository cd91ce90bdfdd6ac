"""Charts as the page holds them: each drawn for a wide and for a narrow screen."""

from collections.abc import Callable, Iterable, Sequence

import polars as pl

from sysgen_dagster.report import drawing
from sysgen_dagster.report.page import Chart

Draw = Callable[..., drawing.Chart | None]


def draw_pictures(
    draws: Iterable[Draw], rows: pl.DataFrame, names: Sequence[str], title: str
) -> list[Chart]:
    """The charts of which there is something to draw; none where they cannot be drawn here.

    Args:
        draws: Functions as those of `charts`.
        rows: What they draw.
        names: Of all models of the report, in the order that gives each its hue.
        title: What the charts show, for screen readers.
    """
    if rows.is_empty() or not drawing.available():
        return []
    drawn = [(draw(rows, names), draw(rows, names, narrow=True)) for draw in draws]
    return [
        Chart(drawing.svg(wide, title), drawing.svg(narrow, title))
        for wide, narrow in drawn
        if wide is not None and narrow is not None
    ]
