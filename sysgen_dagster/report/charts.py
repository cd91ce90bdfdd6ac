"""The figures as charts: ours as bars, the paper's as ticks beside them.

A chart is a specification with its data in it; `drawing.svg` makes a picture of it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.report.drawing import HUES, INK, LINE, PALE, PAPER, Chart, ModuleOfExtra

if TYPE_CHECKING:
    import altair as alt
else:
    alt = ModuleOfExtra("altair")

_WIDTH = 500
_BAND = 14  # pixels of one bar


def retention_chart(frame: pl.DataFrame, models: Sequence[str]) -> Chart:
    """How many conversations each phase kept, beside Table 2.

    Args:
        frame: ``model``, ``phase``, ``kept_share`` (of the conversations begun, 0 to 1), ``paper``
            (the same, null where the paper has no figure); one row per model and phase, the phases
            in their order.
        models: All models of the report, in the order that gives each its hue.
    """
    return _bars(frame, models, y="phase", x="kept_share", title="share of conversations kept")


def similarity_chart(frame: pl.DataFrame, models: Sequence[str]) -> Chart:
    """How near the new answers are to the original ones, beside Table 1.

    Args:
        frame: ``model``, ``metric``, ``mean`` (0 to 1), ``paper``; one row per model and metric.
        models: See `retention_chart`.
    """
    return _bars(frame, models, y="metric", x="mean", title="mean over the answers")


def length_chart(frame: pl.DataFrame, models: Sequence[str]) -> Chart:
    """How long the new answers are beside the original ones, by source.

    Args:
        frame: ``model``, ``source``, ``length_ratio`` (new by original), ``paper``; one row per
            model and source.
        models: See `retention_chart`.
    """
    title = "length, new by original"
    return _bars(frame, models, y="source", x="length_ratio", title=title, form=".2f") + _rule(1)


def findings_chart(frame: pl.DataFrame, models: Sequence[str]) -> Chart:
    """How often each finding arose, of the rows in which it could.

    Args:
        frame: ``model``, ``finding``, ``share`` (0 to 1, null where it could not arise); one row
            per model and finding, in the order to be shown.
        models: See `retention_chart`.
    """
    return _bars(frame, models, y="finding", x="share", title="share of rows")


def distance_chart(frame: pl.DataFrame, models: Sequence[str]) -> Chart:
    """How far our figures lie from the paper's, by its tables.

    Args:
        frame: ``model``, ``published_in``, ``mean_distance`` (0 to 1); one row per model and table.
        models: See `retention_chart`.
    """
    title = "mean distance from the paper's figures"
    return _bars(frame, models, y="published_in", x="mean_distance", title=title)


def source_length_chart(frame: pl.DataFrame) -> Chart:
    """How long questions and original answers are, beside Table 9.

    Args:
        frame: ``source``, ``text`` (question or answer), ``chars`` (mean), ``paper``; one row per
            source and text.
    """
    kinds = frame["text"].unique(maintain_order=True).to_list()
    named = frame.rename({"text": "model"})
    return _bars(named, kinds, y="source", x="chars", title="mean characters", form=",.0f")


def _bars(
    frame: pl.DataFrame, models: Sequence[str], *, y: str, x: str, title: str, form: str = ".1%"
) -> Chart:
    """Bars by `y` and model, ticks for the paper, and both figures in columns at the right."""
    data = _without_nan(frame)
    shown, has_paper = _shown_models(data, models), _has_paper(data)
    base = alt.Chart(data).encode(
        y=_rows(data, y),
        yOffset=alt.YOffset("model:N", sort=shown, scale=alt.Scale(paddingInner=0.15)),
    )
    axis = _axis(f"{title} (tick and second figure: the paper's)" if has_paper else title, form)
    value = alt.X(f"{x}:Q", axis=axis, scale=alt.Scale(domainMin=0, nice=True))
    layers = [
        base.mark_bar().encode(x=value, color=_hue(models, shown)),
        _figures(base, _WIDTH + 12, x, form),
    ]
    if has_paper:
        layers += [*_ticks(base, _BAND + 2), _figures(base, _WIDTH + 64, "paper", form)]
    return alt.layer(*layers).properties(width=_WIDTH, height=alt.Step(_BAND, **{"for": "offset"}))


def _figures(base: "alt.Chart", at: int, column: str, form: str) -> "alt.Chart":
    """A column of figures at a place right of the bars, the paper's in italics."""
    style = "italic" if column == "paper" else "normal"
    marks = base.mark_text(align="left", fontStyle=style)
    there: alt.Chart = marks.transform_filter(f"isValid(datum.{column})")
    figures: alt.Chart = there.encode(x=alt.value(at), text=alt.Text(f"{column}:Q", format=form))
    return figures


def _ticks(base: "alt.Chart", size: int) -> list["alt.Chart"]:
    """Where the paper's figures lie; a rim keeps a tick apart from the bar that it stands on."""
    return [
        base.mark_tick(thickness=thickness, size=size, color=colour).encode(x="paper:Q")
        for thickness, colour in ((5, PAPER), (2.5, INK))
    ]


def _rows(frame: pl.DataFrame, column: str, order: Sequence[str] | None = None) -> "alt.Y":
    """The names at the left, in the order of the frame unless another is given."""
    names = list(order or _order(frame, column))
    # The page's font may be wider than the one the drawing was measured in.
    room = 8 * max(map(len, names), default=0)
    return alt.Y(f"{column}:N", sort=names, title=None, axis=alt.Axis(minExtent=min(room, 250)))


def _axis(title: str, form: str) -> "alt.Axis":
    return alt.Axis(title=title, format=form.replace(".1%", ".0%"), tickCount=6)


def _without_nan(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.selectors.float().fill_nan(None))


def _has_paper(frame: pl.DataFrame) -> bool:
    """Where the paper has no figure at all, a chart does not mention it."""
    return "paper" in frame.columns and frame["paper"].count() > 0


def _order(frame: pl.DataFrame, column: str) -> list[str]:
    return [str(value) for value in frame[column].unique(maintain_order=True)]


def _shown_models(frame: pl.DataFrame, models: Sequence[str]) -> list[str]:
    there = set(frame["model"])
    return [name for name in models if name in there]


def _hue(models: Sequence[str], shown: Sequence[str]) -> "alt.Color":
    """The hue of each model, the same in every chart whichever models it shows."""
    hues = [HUES[list(models).index(name) % len(HUES)] for name in shown]
    return alt.Color("model:N", scale=alt.Scale(domain=list(shown), range=hues), sort=None)


def tag_chart(frame: pl.DataFrame, models: Sequence[str]) -> Chart:
    """Which key functionalities the messages hold, before and after Phase 3, beside Table 8.

    Args:
        frame: ``model``, ``tag``, ``filtered_share``, ``verified_share``, ``paper`` (0 to 1); one
            row per model and tag.
        models: See `retention_chart`.
    """
    data = _without_nan(frame)
    shown = _shown_models(data, models)
    base = alt.Chart(data).encode(y=_rows(data, "tag", TAG_NAMES))
    title = "pale: after Phase 2" + (", tick: paper" if _has_paper(data) else "")
    axis = alt.Axis(title=title, format=".0%", values=[0, 0.5, 1])
    scale, hue = alt.Scale(domain=[0, 1]), _hue(models, shown).legend(None)
    before = base.mark_bar(opacity=0.35, height=16).encode(
        x=alt.X("filtered_share:Q", axis=axis, scale=scale), color=hue
    )
    after = base.mark_bar(height=8).encode(x=alt.X("verified_share:Q", scale=scale), color=hue)
    ticks = _ticks(base, 18) if _has_paper(data) else []
    return (
        alt.layer(before, after, *ticks, data=data)
        .properties(width=_panel(shown), height=alt.Step(22))
        .facet(column=alt.Column("model:N", sort=shown, title=None), spacing=24)
    )


def _panel(shown: Sequence[str]) -> int:
    """The width of one of several charts beside each other."""
    return min(360, 720 // max(1, len(shown)))


def verdict_chart(frame: pl.DataFrame, models: Sequence[str]) -> Chart:
    """Where Phase 3 takes phrases away: the share of tags not judged Good.

    Args:
        frame: ``model``, ``source``, ``tag``, ``not_good_share`` (0 to 1, of the messages that hold
            the tag; null where none does); one row per model, source and tag.
        models: See `retention_chart`.
    """
    data = _without_nan(frame)
    shown = _shown_models(data, models)
    base = alt.Chart(data).encode(
        x=alt.X("tag:N", sort=list(TAG_NAMES), title=None, axis=alt.Axis(labelAngle=-45)),
        y=_rows(data, "source"),
    )
    cells = base.mark_rect().encode(
        color=_hue(models, shown).legend(None),
        opacity=alt.Opacity(
            "not_good_share:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 0.85]), legend=None
        ),
    )
    figures = base.mark_text().encode(text=alt.Text("not_good_share:Q", format=".0%"))
    figures = figures.transform_filter("isValid(datum.not_good_share)")
    return (
        alt.layer(cells, figures, data=data)
        .properties(width=alt.Step(_panel(shown) // len(TAG_NAMES) + 4), height=alt.Step(26))
        .facet(column=alt.Column("model:N", sort=shown, title=None), spacing=16)
    )


def preference_chart(frame: pl.DataFrame, models: Sequence[str]) -> Chart:
    """How often a judge prefers the new answer, with the interval that chance explains.

    Args:
        frame: ``model``, ``source``, ``win_rate`` with the ends of its 95 % interval, ``low`` and
            ``high``, ``paper`` (all 0 to 1); one row
            per model and source.
        models: See `retention_chart`.
    """
    data = _without_nan(frame)
    shown, has_paper = _shown_models(data, models), _has_paper(data)
    base = alt.Chart(data).encode(
        y=_rows(data, "source"), yOffset=alt.YOffset("model:N", sort=shown)
    )
    title = "win rate of the new answer, a tie as half a win; 95 % interval"
    axis = _axis(f"{title} (tick: the paper's)" if has_paper else title, ".0%")
    low = alt.X("low:Q", axis=axis, scale=alt.Scale(domain=[0, 1]))
    hue = _hue(models, shown)
    layers = [
        _rule(0.5),
        base.mark_rule(strokeWidth=2).encode(x=low, x2="high:Q", color=hue),
        base.mark_point(filled=True, size=70, opacity=1).encode(x="win_rate:Q", color=hue),
        *(_ticks(base, _BAND) if has_paper else []),
        _figures(base, _WIDTH + 12, "win_rate", ".1%"),
    ]
    return alt.layer(*layers).properties(
        width=_WIDTH, height=alt.Step(_BAND + 2, **{"for": "offset"})
    )


def _rule(at: float) -> "alt.Chart":
    """A dashed line where neither side is ahead."""
    place = alt.Chart(pl.DataFrame({"at": [at]}))
    line: alt.Chart = place.mark_rule(color=INK, strokeDash=[3, 3]).encode(x="at:Q")
    return line


# Aligned and not aligned in the palette's two most different hues; the rest is grey.
_ALIGNMENT = {"Aligned": HUES[0], "Not aligned": HUES[1], "Unknown": PALE, "Unreadable": LINE}


def alignment_chart(frame: pl.DataFrame, models: Sequence[str]) -> Chart:
    """Whether the new answers obey their system messages, beside Figure 5.

    Args:
        frame: ``model``, ``whose`` (ours or paper), ``verdict``, ``share`` (0 to 1); one row per
            model, whose and verdict.
        models: See `retention_chart`.
    """
    data = _without_nan(frame).with_columns(
        bar=pl.col("model")
        + pl.when(pl.col("whose") == "paper").then(pl.lit(", paper")).otherwise(pl.lit("")),
        place=pl.col("verdict").replace_strict(
            list(_ALIGNMENT), list(range(len(_ALIGNMENT))), default=len(_ALIGNMENT)
        ),
    )
    there = set(data["bar"])
    bars = [bar for name in models for bar in (name, f"{name}, paper") if bar in there]
    found = [verdict for verdict in _ALIGNMENT if verdict in set(data["verdict"])]
    scale = alt.Scale(domain=found, range=[_ALIGNMENT[verdict] for verdict in found])
    stacked = (
        alt.Chart(data)
        .mark_bar(height=18)
        .encode(
            y=_rows(data, "bar", bars),
            order=alt.Order("place:Q"),
            x=alt.X(
                "share:Q",
                stack="zero",
                axis=_axis("share of judged answers", ".0%"),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color("verdict:N", scale=scale, sort=None),
        )
    )
    return alt.layer(stacked).properties(width=_WIDTH, height=alt.Step(26))
