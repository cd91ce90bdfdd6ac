"""Checks of the leaderboard tasks: every item has a row, and nothing was left out unsaid."""

from typing import Final

import polars as pl

from sysgen_dagster.evaluation.leaderboard.tables import LEADERBOARD_GRADINGS
from sysgen_dagster.tables.checks import Check, Evidence, Finding, none_of


def _every_item_is_graded_or_dropped(evidence: Evidence) -> Finding:
    columns = ("part", "metric", "item", "value", "drop_reason", "items_asked")
    rows = evidence.read(LEADERBOARD_GRADINGS, *columns)
    of_parts = rows.drop_nulls("part").group_by("part", "metric", maintain_order=True)
    counted = of_parts.agg(
        expected=pl.col("items_asked").first(),
        there=pl.col("item").n_unique(),
        unsaid=(pl.col("value").is_null() == pl.col("drop_reason").is_null()).sum(),
    )
    return none_of(counted.filter((pl.col("expected") != pl.col("there")) | (pl.col("unsaid") > 0)))


def _whole_tasks_are_run(evidence: Evidence) -> Finding:
    columns = ("task", "part", "failure", "items_asked", "items_of_task")
    parts = evidence.read(LEADERBOARD_GRADINGS, *columns).unique(["task", "part"])
    cut = pl.col("items_asked") < pl.col("items_of_task")
    return none_of(parts.filter(pl.col("part").is_null() | cut).sort("task", "part"))


CHECKS: Final = (
    Check(
        "every_item_is_graded_or_dropped",
        LEADERBOARD_GRADINGS,
        "Each part of a task has as many items as were asked, each with a value or a reason.",
        True,
        _every_item_is_graded_or_dropped,
    ),
    Check(
        "whole_tasks_are_run",
        LEADERBOARD_GRADINGS,
        "No task was left out, and none was run on some of its items alone.",
        False,
        _whole_tasks_are_run,
    ),
)
