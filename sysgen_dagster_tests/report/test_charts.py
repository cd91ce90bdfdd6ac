"""Charts: the figures they are drawn from, their marks and their hues."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.report import charts, drawing

MODELS = ["llama-3.1-8b", "qwen2.5-14b", "phi-4"]
SOURCES = ["capybara", "airoboros", "orca_math", "magicoder", "metamath"]
PHASES = ["1 annotated", "2 filtered", "3 verified", "4 aligned"]


def crossed(**columns: list[str]) -> pl.DataFrame:
    frame = pl.DataFrame({"model": MODELS})
    for name, values in columns.items():
        frame = frame.join(pl.DataFrame({name: values}), how="cross")
    return frame


def with_shares(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    share = (pl.int_range(pl.len()) * 7 % 11) / 11
    return frame.with_columns(share.alias(name) for name in names)


FRAMES = {
    "retention": with_shares(crossed(phase=PHASES), "kept_share", "paper"),
    "tag": with_shares(crossed(tag=list(TAG_NAMES)), "filtered_share", "verified_share", "paper"),
    "verdict": with_shares(crossed(source=SOURCES, tag=list(TAG_NAMES)), "not_good_share"),
    "similarity": with_shares(crossed(metric=["rouge1", "gleu"]), "mean", "paper"),
    "length": with_shares(crossed(source=SOURCES), "length_ratio", "paper"),
    "preference": with_shares(crossed(source=SOURCES), "win_rate", "low", "high", "paper"),
    "alignment": with_shares(
        crossed(whose=["ours", "paper"], verdict=["Aligned", "Not aligned", "Unknown"]), "share"
    ),
    "findings": with_shares(crossed(finding=["languages differ", "repetitive"]), "share"),
}
DRAW: Mapping[str, Callable[..., Any]] = {name: getattr(charts, f"{name}_chart") for name in FRAMES}
SOURCE_LENGTHS = pl.DataFrame(
    {
        "source": ["capybara", "capybara", "metamath", "metamath"],
        "text": ["question", "answer"] * 2,
        "chars": [300.0, 1400.0, 210.0, 500.0],
        "paper": [300.24, 1423.28, 213.53, 498.24],
    }
)


def data_of(chart: Any) -> list[dict[str, Any]]:
    """The rows of the largest data set of a chart."""
    sets = chart.to_dict()["datasets"].values()
    return max(sets, key=len)


def marks_of(spec: Any) -> list[str]:
    """The marks of a chart, from the lowest to the highest layer."""
    if "mark" in spec:
        return [spec["mark"]["type"]]
    parts = spec.get("layer") or [spec["spec"]]
    return [mark for part in parts for mark in marks_of(part)]


def hues_of(spec: Any) -> set[tuple[str, str]]:
    """Name and colour of everything that a chart tells apart by colour."""
    if isinstance(spec, list):
        return {pair for part in spec for pair in hues_of(part)}
    if not isinstance(spec, dict):
        return set()
    scale = spec.get("color", {}).get("scale", {}) if isinstance(spec.get("color"), dict) else {}
    own = set(zip(scale.get("domain", []), scale.get("range", []), strict=True))
    return own | {pair for part in spec.values() for pair in hues_of(part)}


@pytest.mark.parametrize("name", FRAMES)
def test_a_chart_is_drawn_from_the_figures_it_was_given(name: str) -> None:
    frame = FRAMES[name]
    drawn = pl.DataFrame(data_of(DRAW[name](frame, MODELS))).select(frame.columns)
    assert drawn.equals(frame)


@pytest.mark.parametrize("name", FRAMES)
def test_a_model_has_the_same_hue_in_every_chart(name: str) -> None:
    only = FRAMES[name].filter(pl.col("model") == "phi-4")
    hues = hues_of(DRAW[name](only, MODELS).to_dict())
    if name == "alignment":
        assert {verdict for verdict, _ in hues} == {"Aligned", "Not aligned", "Unknown"}
    else:
        assert hues == {("phi-4", drawing.HUES[2])}


@pytest.mark.parametrize("name", ["retention", "tag", "similarity", "length", "preference"])
def test_the_paper_s_figures_are_ticks_and_absent_ones_are_not_mentioned(name: str) -> None:
    frame = FRAMES[name]
    without = frame.with_columns(paper=pl.lit(None, pl.Float64))
    ours, alone = DRAW[name](frame, MODELS).to_dict(), DRAW[name](without, MODELS).to_dict()
    assert "tick" in marks_of(ours)
    assert "tick" not in marks_of(alone)
    assert "paper" in str(ours["layer"] if "layer" in ours else ours["spec"])
    assert "paper" not in str(alone["layer"] if "layer" in alone else alone["spec"])


def test_lengths_of_the_sources_are_told_apart_by_text() -> None:
    spec = charts.source_length_chart(SOURCE_LENGTHS).to_dict()
    assert hues_of(spec) == {("question", drawing.HUES[0]), ("answer", drawing.HUES[1])}


def test_a_heat_map_shows_no_figure_where_no_message_holds_the_tag() -> None:
    frame = FRAMES["verdict"].with_columns(
        not_good_share=pl.when(pl.col("tag") != "Tool").then(pl.lit(0.25))
    )
    drawn = drawing.svg(charts.verdict_chart(frame, MODELS), "verdicts")
    assert drawn.count(">25%<") == len(MODELS) * len(SOURCES) * 7
    assert "null" not in drawn
    assert "NaN" not in drawn


def test_what_is_not_a_number_is_no_figure() -> None:
    frame = FRAMES["retention"].with_columns(kept_share=pl.lit(float("nan")))
    chart = charts.retention_chart(frame, MODELS)
    assert {row["kept_share"] for row in data_of(chart)} == {None}
    assert "NaN" not in drawing.svg(chart, "retention")


@pytest.mark.parametrize("name", FRAMES)
def test_a_chart_of_nothing_can_be_drawn(name: str) -> None:
    assert drawing.svg(DRAW[name](FRAMES[name].clear(), MODELS), name).startswith("<svg")
