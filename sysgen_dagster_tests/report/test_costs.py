"""The costs as the page shows them."""

import polars as pl

from sysgen_dagster.report.costs import build_costs
from sysgen_dagster.report.view import Part

COSTS = pl.DataFrame(
    {
        "model": ["mine", "mine"],
        "phase": ["aligned_responses", "per 1,000 kept rows"],
        "requests": [150.0, 1034.4],
        "prompt_tokens": [250_000.0, 1_724_137.9],
        "completion_tokens": [30_000.0, 206_896.6],
        "hours": [0.25, 12.34],
        "gpu_hours": pl.Series([None, None], dtype=pl.Float64),
        "currency": pl.Series([None, None], dtype=pl.String),
    }
)


def test_costs_are_shown_as_far_as_they_are_known() -> None:
    section = build_costs(COSTS)
    [table] = section.tables

    assert section.part is Part.COST
    assert table.frame.columns == [
        *("model", "phase", "requests", "prompt_tokens", "completion_tokens", "time"),
    ]
    assert table.frame["phase"][0] == "Phase 4, aligned"
    assert table.frame["requests"].to_list() == [150, 1034]
    assert table.frame["time"].to_list() == ["15.0 min", "12.3 h"]
