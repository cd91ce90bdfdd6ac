"""Asks a subject each row of Nemotron-RL-SysBench-v1 once, with its turns as they are."""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import ChatRequest, Sampling, derive_seed
from sysgen_dagster.evaluation.nemotron_sysbench.tables import NEMOTRON_SYSBENCH_ANSWERS

SAMPLING = Sampling(temperature=0.0, max_tokens=2048)


def build_answer_requests(items: pl.DataFrame) -> Iterator[ChatRequest]:
    """One request for each row that has a check left."""
    asked = items.filter(pl.col("drop_reason").is_null())
    for item, messages in asked.select("item", "messages").iter_rows():
        yield ChatRequest(
            item, messages, SAMPLING, derive_seed(item, NEMOTRON_SYSBENCH_ANSWERS.name)
        )


def build_answers(items: pl.DataFrame, completions: pl.DataFrame) -> pl.DataFrame:
    """`NEMOTRON_SYSBENCH_ANSWERS`: one row per row of `items`, in their order."""
    rows = items.select(
        "item",
        asked=pl.when(pl.col("drop_reason").is_null()).then("messages"),
        not_asked="drop_reason",
    )
    return (
        add_completions(rows, completions, None, "item")
        .with_columns(answer="text", drop_reason=pl.coalesce("not_asked", "drop_reason"))
        .select(NEMOTRON_SYSBENCH_ANSWERS.names)
    )
