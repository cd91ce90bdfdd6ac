"""The leaderboard tasks as a suite, whose items and answers the harness keeps in its own files."""

import json
from typing import Final

import polars as pl

from sysgen_dagster.evaluation.leaderboard.checks import CHECKS
from sysgen_dagster.evaluation.leaderboard.tables import (
    LEADERBOARD_GRADINGS,
    LEADERBOARD_SCORES,
    Dropped,
)
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS
from sysgen_dagster.tables.table import polars_schema


def build_items(gradings: pl.DataFrame) -> pl.DataFrame:
    """`ITEM_COLUMNS` of `LEADERBOARD_GRADINGS`: the metric is the task, of it is what is measured.

    All parts of a task are pooled, as the harness pools them. Instructions of one item are drawn
    together.
    """
    return gradings.select(
        metric="task",
        of="metric",
        item=pl.format("{}#{}", "item", "number"),
        cluster="item",
        value="value",
        drop_reason="drop_reason",
    ).cast(polars_schema(ITEM_COLUMNS))  # type: ignore[arg-type]


def describe_protocol(gradings: pl.DataFrame) -> str:
    """How a subject was asked, in words; a run of some of the items alone says so."""
    run = gradings.drop_nulls("part")
    if run.is_empty():
        return "nothing was run"
    first = run.row(0, named=True)
    words = [f"lm_eval {json.loads(first['versions'])['lm_eval']}", f"profile {first['profile']}"]
    likelihoods = set(run["chat_template"]) - {"server"}
    words += ["with the chat template"] if "client" in likelihoods else []
    words += ["without chat template but for texts"] if "none" in likelihoods else []
    parts = run.unique("part")
    asked, there = parts["items_asked"].sum(), parts["items_of_task"].sum()
    return ", ".join(words + ([f"limited: {asked:,} of {there:,} items"] if asked < there else []))


ANSWERS: Final = "leaderboard"  # in the working folder: what each subject has answered

SUITE: Final = Suite(
    name="leaderboard",
    title="Leaderboard tasks",
    items=None,
    answers=None,
    gradings=LEADERBOARD_GRADINGS,
    scores=LEADERBOARD_SCORES,
    build_items=build_items,
    checks=CHECKS,
    drop_reasons=(*Dropped,),
)
