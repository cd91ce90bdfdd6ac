"""Short tables of comparisons, as the report shows them."""

from typing import Any

import polars as pl

from sysgen_dagster.evaluation.comparisons.tables import COMPARISON_COLUMNS
from sysgen_dagster.report.score_summaries import summarize_comparison
from sysgen_dagster.tables.table import polars_schema
from sysgen_dagster_tests.report.statistics import DIFFERENT


def scored(subject: str = "base", metric: str = "solved", of: str = "total", **more: Any) -> Any:
    """A row of a comparison: a score with its interval."""
    said = {"score": 0.7, "low": 0.6, "high": 0.8, "items": 40, "dropped": 0}
    return {"subject": subject, "metric": metric, "of": of, **said, **more}


def summary(*rows: dict[str, Any]) -> pl.DataFrame:
    """The short table of these rows."""
    stored = pl.DataFrame(rows, schema=polars_schema(COMPARISON_COLUMNS))
    return summarize_comparison(stored)


BASE = scored()
TAUGHT = scored("taught", **{**DIFFERENT, "against": "base"})
