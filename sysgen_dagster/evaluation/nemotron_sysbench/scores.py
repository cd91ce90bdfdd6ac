"""The scores of Nemotron-RL-SysBench-v1: checks that pass, and rows of which all do."""

import polars as pl

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.evaluation.nemotron_sysbench.grading import build_gradings
from sysgen_dagster.evaluation.nemotron_sysbench.tables import (
    NEMOTRON_SYSBENCH_ANSWERS,
    Kind,
)
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS, TOTAL

OF_KIND = {Kind.RULE: "rules", Kind.QUESTION: "questions"}


def build_items(gradings: pl.DataFrame) -> pl.DataFrame:
    """`ITEM_COLUMNS`: each check of a row, and each row.

    A row holds where all of its checks pass. One that fails decides, whatever is unknown beside it;
    else a row with an unknown check is unknown.
    """
    # Numbers of rules and of questions are those of two lists, and may be there twice.
    place = pl.int_range(1, pl.len() + 1).over("item", "kind")
    check = pl.concat_str("item", "kind", "check", place, separator="/")
    checks = gradings.select(
        metric=pl.lit("checks"),
        of=pl.col("kind").replace(OF_KIND),
        item=check,
        cluster="item",
        value=pl.col("passed").cast(pl.Float64),
        drop_reason="drop_reason",
        is_misalignment="is_misalignment",
    )
    conflicts = checks.filter("is_misalignment").with_columns(of=pl.lit("misaligned"))
    rows = gradings.group_by("item", maintain_order=True).agg(
        value=pl.col("passed").all(ignore_nulls=False).cast(pl.Float64),
        why=pl.col("drop_reason").drop_nulls().first(),
    )
    whole = rows.select(
        metric=pl.lit("rows"),
        of=pl.lit(TOTAL),
        item="item",
        cluster="item",
        value="value",
        drop_reason=pl.when(pl.col("value").is_null()).then("why"),
    )
    parts = [
        *(checks.filter(of=of) for of in OF_KIND.values()),
        conflicts,
        checks.with_columns(of=pl.lit(TOTAL)),
    ]
    return pl.concat([*(part.select(ITEM_COLUMNS.keys()) for part in parts), whole])


def build_floor(items: pl.DataFrame) -> pl.DataFrame:
    """`ITEM_COLUMNS` of the rules for a server that always says "yes"; not of questions."""
    said = items.select("item", asked="messages", answer=pl.lit("yes"))
    answers = pl.concat([NEMOTRON_SYSBENCH_ANSWERS.empty(), said], how="diagonal")
    nothing = pl.DataFrame(schema=COMPLETIONS)
    found = build_items(build_gradings(items, answers, nothing, None))
    return found.filter(metric="checks", of="rules")
