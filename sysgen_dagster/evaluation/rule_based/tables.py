"""The tables of a benchmark that rules grade: its items, answers to them, gradings, scores.

The three benchmarks have the same columns: an item is a chat with constraints, and a rule says of
each constraint whether an answer keeps it.
"""

from enum import StrEnum
from typing import NamedTuple

import polars as pl

from sysgen_dagster.evaluation.tables import SCORE_COLUMNS
from sysgen_dagster.tables.columns import COUNT, DROP_REASON, FLAG, GENERATION, MESSAGES, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Columns, Table


class StandsIn(StrEnum):
    """Which of the messages an item's constraint is stated in."""

    SYSTEM = "system"
    USER = "user"
    BOTH = "both"  # in Tensor Trust: once more behind what the user says
    UNKNOWN = "unknown"  # neither shows the words that such a constraint is stated with


CONSTRAINTS = pl.List(
    pl.Struct(
        {
            "constraint": pl.String(),
            "arguments": pl.String(),
            "stands_in": pl.String(),
            "left_out": pl.String(),
        }
    )
)

_ITEM: Columns = {"item": Column(TEXT, "identifies an item of the benchmark")}
_CLUSTER: Columns = {
    "cluster": Column(TEXT, "items of one cluster, such as of one defence, are drawn together")
}
_ITEMS: Columns = {
    **_ITEM,
    **_CLUSTER,
    "messages": Column(MESSAGES, "what is asked"),
    "constraints": Column(
        CONSTRAINTS,
        "for each its name, its arguments as JSON, the message that it is stated in, and why no "
        "rule can verify it; null: one can",
    ),
    **DROP_REASON,
}
_ANSWERS: Columns = {
    **_ITEM,
    "messages": Column(MESSAGES, "what was asked; where the subject saw it is in its protocol"),
    "answer": Column(TEXT, "what the subject answered; null: nothing, for the drop reason"),
    **DROP_REASON,
    **GENERATION,
}
_GRADINGS: Columns = {
    **_ITEM,
    **_CLUSTER,
    "number": Column(COUNT, "which of the item's constraints, from 1"),
    "constraint": Column(TEXT, "its name in the benchmark"),
    "stands_in": Column(TEXT, "the message that it is stated in: system, user, both or unknown"),
    "strict": Column(FLAG, "whether the answer keeps it; null: for the drop reason"),
    "loose": Column(FLAG, "whether it does without its first line, its last line or its asterisks"),
    **DROP_REASON,
}


class SuiteTables(NamedTuple):
    """The four tables of one benchmark."""

    items: Table
    answers: Table
    gradings: Table
    scores: Table


def declare_tables(suite: str) -> SuiteTables:
    """The tables of a benchmark, whose names begin with its own."""

    def table(what: str, columns: Columns, by: By = By.SUBJECT) -> Table:
        return Table(f"{suite}_{what}", columns, by=by, group=Group.EVALUATION)

    return SuiteTables(
        table("items", _ITEMS, By.NOTHING),  # one row per item that is wanted
        table("answers", _ANSWERS),  # one row per item that is asked
        table("gradings", _GRADINGS),  # one row per constraint of each item that is wanted
        table("scores", SCORE_COLUMNS),
    )
