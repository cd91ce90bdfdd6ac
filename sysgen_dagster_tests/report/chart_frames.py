"""A small table for each kind of chart, and what a chart's specification holds."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import polars as pl

from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.report import charts

MODELS = ["llama-3.1-8b", "qwen2.5-14b", "phi-4"]
SOURCES = ["capybara", "airoboros", "orca_math", "magicoder", "metamath"]
PHASES = ["1 annotated", "2 filtered", "3 verified", "4 aligned"]


def crossed(**columns: list[str]) -> pl.DataFrame:
    """Every model with every combination of the values."""
    frame = pl.DataFrame({"model": MODELS})
    for name, values in columns.items():
        frame = frame.join(pl.DataFrame({name: values}), how="cross")
    return frame


def with_shares(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """The frame with columns of these names, all of the same shares from 0 to 10/11."""
    share = (pl.int_range(pl.len()) * 7 % 11) / 11
    return frame.with_columns(share.alias(name) for name in names)


FRAMES = {
    "bars": with_shares(crossed(phase=PHASES), "kept_share", "paper"),
    "lined_bars": with_shares(crossed(source=SOURCES), "mean", "paper"),
    "tags": with_shares(crossed(tag=list(TAG_NAMES)), "filtered_share", "verified_share", "paper"),
    "verdicts": with_shares(
        crossed(source=SOURCES, tag=list(TAG_NAMES)), "bad", "none", "unreadable"
    ),
    "preferences": with_shares(
        crossed(source=SOURCES), "win_rate", "win_rate_low", "win_rate_high", "paper"
    ),
    "alignment": crossed(source=["metamath", "all"]).with_columns(
        pl.lit(share).alias(name)
        for name, share in {
            "aligned_share": 0.7,
            "not_aligned_share": 0.2,
            "unknown_share": 0.1,
            "aligned_share_paper": 0.9,
            "not_aligned_share_paper": 0.05,
        }.items()
    ),
}
DRAW: Mapping[str, Callable[..., Any]] = {
    "bars": partial(charts.draw_bars, y="phase", x="kept_share", title="share kept"),
    "lined_bars": partial(charts.draw_bars, y="source", x="mean", title="length", line_at=1),
    "tags": charts.draw_tags,
    "verdicts": charts.draw_verdicts,
    "preferences": charts.draw_preferences,
    "alignment": charts.draw_alignment,
}


def data_of(chart: Any) -> list[dict[str, Any]]:
    """The rows of the largest data set of a chart."""
    return max(chart.to_dict()["datasets"].values(), key=len)


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
