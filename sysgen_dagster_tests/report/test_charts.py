"""The kinds of charts: the figures they are drawn from, their marks and their hues."""

import re

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.report import charts, drawing
from sysgen_dagster_tests.report.chart_frames import (
    DRAW,
    FRAMES,
    MODELS,
    SOURCES,
    data_of,
    hues_of,
    marks_of,
)


@pytest.mark.parametrize("name", sorted(FRAMES.keys() - {"alignment"}))
def test_a_chart_is_drawn_from_the_figures_it_was_given(name: str) -> None:
    frame = FRAMES[name]
    drawn = pl.DataFrame(data_of(DRAW[name](frame, MODELS))).select(frame.columns)
    assert drawn.equals(frame)


def test_a_bar_of_verdicts_is_drawn_for_each_model_and_the_paper_over_all_sources() -> None:
    rows = data_of(DRAW["alignment"](FRAMES["alignment"], MODELS))
    assert len(rows) == 3 * 2 * len(MODELS)
    shares = {(row["bar"], row["verdict"]): row["share"] for row in rows}
    assert shares["phi-4", "Not aligned"] == 0.2
    assert shares["phi-4, paper", "Aligned"] == 0.9


def test_the_paper_s_share_of_unknown_verdicts_is_what_its_two_figures_leave() -> None:
    rows = data_of(DRAW["alignment"](FRAMES["alignment"], MODELS))
    [share] = {row["share"] for row in rows if (row["bar"], row["verdict"]) == _PAPERS_UNKNOWN}
    assert share == pytest.approx(0.05)


_PAPERS_UNKNOWN = ("phi-4, paper", "Unknown")


def test_a_model_that_the_paper_does_not_know_has_no_bar_of_the_paper() -> None:
    nothing = pl.lit(None, pl.Float64)
    frame = FRAMES["alignment"].with_columns(
        aligned_share_paper=nothing, not_aligned_share_paper=nothing
    )
    assert {row["bar"] for row in data_of(DRAW["alignment"](frame, MODELS))} == set(MODELS)


@pytest.mark.parametrize("name", FRAMES)
def test_a_model_has_the_same_hue_in_every_chart(name: str) -> None:
    only = FRAMES[name].filter(pl.col("model") == "phi-4")
    hues = hues_of(DRAW[name](only, MODELS).to_dict())
    if name == "alignment":
        assert {verdict for verdict, _ in hues} == {"Aligned", "Not aligned", "Unknown"}
    else:
        assert hues == {("phi-4", drawing.HUES[2])}


def test_a_name_that_is_no_model_of_the_report_takes_the_next_hue() -> None:
    hues = hues_of(DRAW["bars"](FRAMES["bars"], MODELS[1:]).to_dict())
    assert hues == set(zip([*MODELS[1:], MODELS[0]], drawing.HUES, strict=False))


@pytest.mark.parametrize("name", ["bars", "lined_bars", "tags", "preferences"])
def test_the_paper_s_figures_are_ticks_and_absent_ones_are_not_mentioned(name: str) -> None:
    frame = FRAMES[name]
    without = frame.with_columns(paper=pl.lit(None, pl.Float64))
    ours, alone = DRAW[name](frame, MODELS).to_dict(), DRAW[name](without, MODELS).to_dict()
    assert "tick" in marks_of(ours)
    assert "tick" not in marks_of(alone)
    assert "paper" in str(ours["layer"] if "layer" in ours else ours["spec"])
    assert "paper" not in str(alone["layer"] if "layer" in alone else alone["spec"])


def test_a_line_goes_through_the_bars_where_one_is_asked_for() -> None:
    assert "rule" in marks_of(DRAW["lined_bars"](FRAMES["lined_bars"], MODELS).to_dict())
    assert "rule" not in marks_of(DRAW["bars"](FRAMES["bars"], MODELS).to_dict())


def test_bars_are_drawn_of_the_rows_that_are_asked_for() -> None:
    chart = DRAW["bars"](FRAMES["bars"], MODELS, where=pl.col("phase") == "2 filtered")
    assert {row["phase"] for row in data_of(chart)} == {"2 filtered"}


def test_a_heat_map_shows_no_figure_where_no_message_holds_the_tag() -> None:
    held = pl.col("tag") != "Tool"
    frame = FRAMES["verdicts"].with_columns(
        bad=pl.when(held).then(0.25), none=pl.when(held).then(0), unreadable=pl.when(held).then(0)
    )
    drawn = drawing.svg(charts.draw_verdicts(frame, MODELS), "verdicts")
    assert drawn.count(">25%<") == len(MODELS) * len(SOURCES) * (len(TAG_NAMES) - 1)
    assert "null" not in drawn
    assert "NaN" not in drawn


@pytest.mark.parametrize("name", FRAMES)
def test_a_chart_of_nothing_can_be_drawn(name: str) -> None:
    assert drawing.svg(DRAW[name](FRAMES[name].clear(), MODELS), name).startswith("<svg")


WIDTH = re.compile(r'<svg[^>]* width="(\d+)"')
PHONE = 358  # pixels that a phone of 390 has for a chart, between margins


@pytest.mark.parametrize("name", FRAMES)
def test_a_narrow_chart_fits_a_phone_and_shows_the_same_figures(name: str) -> None:
    wide, narrow = (
        DRAW[name](FRAMES[name], MODELS, narrow=is_narrow) for is_narrow in (False, True)
    )
    drawn = drawing.svg(narrow, name)
    assert int(WIDTH.search(drawn)[1]) <= PHONE  # type: ignore[index]
    assert int(WIDTH.search(drawing.svg(wide, name))[1]) > PHONE  # type: ignore[index]
    assert data_of(narrow) == data_of(wide)
    for label in {"phi-4"} | set(FRAMES[name].columns) & {"phase", "source", "tag"}:
        values = {"phi-4"} if label == "phi-4" else set(FRAMES[name][label]) - {"metamath"}
        assert all(f">{value}<" in drawn for value in values) or name == "alignment"
