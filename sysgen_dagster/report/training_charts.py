"""The chart of a training: how its loss fell."""

from typing import TYPE_CHECKING

import polars as pl

from sysgen_dagster.report.drawing import HUES, Chart, ModuleOfExtra

if TYPE_CHECKING:
    import altair as alt
else:
    alt = ModuleOfExtra("altair")

_WIDTH, _HEIGHT = 500, 220  # pixels
_MOST_POINTS = 500  # of a line: more of them are not seen, and make the picture heavy
_TRAIN, _VALIDATION = "training rows", "validation split"


def draw_losses(steps: pl.DataFrame) -> Chart:
    """The loss of training rows as a line, that of the validation split as points.

    Args:
        steps: One row a step, with ``step``, ``loss`` and ``eval_loss``; each may be null.
    """
    thinned = steps.drop_nulls("loss").gather_every(-(-steps.height // _MOST_POINTS) or 1)
    hue = alt.Color(
        "of:N", title=None, scale=alt.Scale(domain=[_TRAIN, _VALIDATION], range=[*HUES[:2]])
    )
    x = alt.X("step:Q", title="optimiser step", scale=alt.Scale(nice=False))
    scale = alt.Scale(zero=False)
    layers = [
        alt.Chart(rows.select("step", loss=pl.col(column), of=pl.lit(of)))
        .mark_line(point=point, strokeWidth=1.5)
        .encode(x=x, y=alt.Y("loss:Q", title="loss", scale=scale), color=hue)
        for rows, column, of, point in (
            (thinned, "loss", _TRAIN, False),
            (steps.drop_nulls("eval_loss"), "eval_loss", _VALIDATION, True),
        )
    ]
    return alt.layer(*layers).properties(width=_WIDTH, height=_HEIGHT)
