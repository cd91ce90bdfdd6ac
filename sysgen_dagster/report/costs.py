"""What the phases cost, as the page shows it."""

import polars as pl

from sysgen_dagster.report.page import Section, Table
from sysgen_dagster.report.view import Part, with_titles

_LONG_H, _LONG_MIN = 2, 2  # from which a time is told in hours, and in minutes


def build_costs(costs: pl.DataFrame) -> Section:
    """The section.

    Args:
        costs: `analysis.costs.COSTS` after a column ``model``.
    """
    return Section(
        "Requests, tokens and time",
        "What the phases asked of each model for the rows that are stored. Time is how long "
        "runs of a phase had requests in flight. GPU-hours and money are there where the "
        "model's entry in the catalogue says how fast its tokens are and what they cost.",
        tables=[Table(_filled(with_titles(costs)), "costs", ",.2f")],
        part=Part.COST,
    )


def _filled(costs: pl.DataFrame) -> pl.DataFrame:
    """Whole numbers, time in words, and no columns of what is known of no model."""
    counts = pl.col("requests", "prompt_tokens", "completion_tokens")
    known = [name for name in costs.columns if costs[name].count()]
    whole = costs.select(known).with_columns(counts.round().cast(pl.Int64))
    if "hours" not in known:
        return whole
    times = pl.col("hours").map_elements(_time, return_dtype=pl.String)
    return whole.with_columns(times).rename({"hours": "time"})


def _time(hours: float) -> str:
    """A time in the unit in which it is easily read."""
    if hours >= _LONG_H:
        return f"{hours:,.1f} h"
    minutes = hours * 60
    return f"{minutes:,.1f} min" if minutes >= _LONG_MIN else f"{minutes * 60:,.1f} s"
