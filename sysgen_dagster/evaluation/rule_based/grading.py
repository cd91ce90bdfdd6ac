"""What a subject is asked, what it answered, and which constraints its answers keep."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import ChatRequest, Sampling, derive_seed
from sysgen_dagster.evaluation.tables import NOT_VERIFIABLE
from sysgen_dagster.tables.table import Table, kept

# Whether an answer keeps a constraint with its arguments: strictly, and loosely where that is read.
Keeps = Callable[[str, str, Mapping[str, Any]], tuple[bool, bool | None]]

_YES = "yes"  # what the server of the floor says


def build_requests(items: pl.DataFrame, table: Table, sampling: Sampling) -> Iterator[ChatRequest]:
    """One request per item that has a constraint a rule can verify; its id is the item's.

    Args:
        items: Those of the benchmark.
        table: Of answers.
        sampling: How the benchmark asks for them.
    """
    for item, messages in kept(items).select("item", "messages").iter_rows():
        yield ChatRequest(item, messages, sampling, derive_seed(item, table.name))


def build_answers(items: pl.DataFrame, completions: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The table of answers: one row per item that was asked, in their order.

    Args:
        items: Those of the benchmark.
        completions: `chat.completions.COMPLETIONS` of `build_requests`.
        table: Of answers.
    """
    asked = kept(items).select("item", "messages")
    answered = add_completions(asked, completions, None, request_id="item")
    return answered.rename({"text": "answer"}).select(table.names)


def grade(items: pl.DataFrame, answers: pl.DataFrame, table: Table, keeps: Keeps) -> pl.DataFrame:
    """The table of gradings: one row per constraint of each item, in their order.

    Args:
        items: Those of the benchmark.
        answers: The answers to them; ``item``, ``answer`` and ``drop_reason`` are used.
        table: Of gradings.
        keeps: The benchmark's rules.
    """
    said = answers.select("item", "answer", unanswered="drop_reason")
    rows = (
        items.select("item", "cluster", "constraints")
        .explode("constraints")
        .unnest("constraints")
        .with_columns(number=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("item"))
        .join(said, on="item", how="left", maintain_order="left", validate="m:1")
        .with_columns(
            drop_reason=pl.when(pl.col("left_out").is_not_null())
            .then(pl.lit(NOT_VERIFIABLE))
            .otherwise("unanswered")
        )
    )
    verdicts = [_verdicts_of(row, keeps) for row in rows.iter_rows(named=True)]
    return rows.with_columns(
        pl.Series(name, [verdict[at] for verdict in verdicts], pl.Boolean)
        for at, name in enumerate(("strict", "loose"))
    ).select(table.names)


def _verdicts_of(row: Mapping[str, Any], keeps: Keeps) -> tuple[bool | None, bool | None]:
    if row["drop_reason"] is not None or row["answer"] is None:
        return None, None
    return keeps(row["answer"], row["constraint"], json.loads(row["arguments"]))


def grade_yes(items: pl.DataFrame, table: Table, keeps: Keeps) -> pl.DataFrame:
    """The gradings of a server that says "yes" to everything: the floor of every score."""
    answers = items.select("item", answer=pl.lit(_YES), drop_reason=pl.lit(None, dtype=pl.String))
    return grade(items, answers, table, keeps)
