"""The tables of a bench: its items, answers to them, and gradings by rubric."""

from enum import StrEnum
from typing import NamedTuple

import polars as pl

from sysgen_dagster.evaluation.tables import SCORE_COLUMNS
from sysgen_dagster.lanes.multifaceted.bench.tables import RUBRICS
from sysgen_dagster.tables.columns import (
    COUNT,
    DROP_REASON,
    FLAG,
    GENERATION,
    MESSAGES,
    NUMBER,
    TEXT,
)
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Columns, Table


class NotGraded(StrEnum):
    """Values of ``drop_reason``: why nobody was asked, or there is no expected score."""

    NO_ANSWER = "no_answer"  # the subject gave none, for a reason that stands with the answers
    NO_PROBABILITIES = "no_probabilities"  # a score was read, without probabilities of its digits


_ITEM: Columns = {"item": Column(TEXT, "identifies an item by a hash of its content")}
_ASKED: Columns = {
    "source": Column(TEXT, "where the bench has the instruction from"),
    "system_message": Column(TEXT, "made of the four preferences"),
    "prompt": Column(TEXT, "the instruction"),
    "reference_answer": Column(TEXT, "the bench's own answer, which counts as a 5"),
    "rubrics": Column(
        RUBRICS,
        "for each preference its dimension and subdimension, the criterion, and what the "
        "scores 1 to 5 stand for",
    ),
}
_ANSWERED: Columns = {
    "messages": Column(MESSAGES, "what the subject was asked"),
    "answer": Column(TEXT, "what it answered; null: nothing, for the drop reason"),
    **DROP_REASON,
    **GENERATION,
}
# What is read of a grading.
_READ: Columns = {
    "score": Column(COUNT, "1 to 5, as the judge wrote it; null: for the drop reason"),
    "expected_score": Column(
        NUMBER, "mean of 1 to 5 by their probabilities at that place; null: none are known"
    ),
    "probabilities": Column(pl.List(NUMBER), "of the scores 1 to 5 at that place"),
    "grading": Column(TEXT, "what the judge wrote"),
    "round": Column(COUNT, "how often it was asked until this; null: not at all"),
    "judge": Column(TEXT, "the model that graded, as the catalogue names it"),
}
_GRADED: Columns = {
    "rubric": Column(COUNT, "which of the item's rubrics, from 1"),
    "dimension": Column(TEXT, "what kind of preference the rubric is about"),
    "subdimension": Column(TEXT, "and which kind of these"),
    "judge_sees_message": Column(FLAG, "whether the judge was shown the system message"),
    **_READ,
    "judge_is_generator": Column(FLAG, "whether the judge also wrote the answer"),
    **DROP_REASON,
    **GENERATION,
}


class BenchTables(NamedTuple):
    """The four tables of one bench."""

    items: Table
    answers: Table
    gradings: Table
    scores: Table


def _declare_tables(name: str, column: str) -> BenchTables:
    """The tables of a bench, whose names begin with its own.

    Args:
        name: Of the bench.
        column: Describes the column of an item.
    """
    identity: Columns = {**_ITEM, "column": Column(TEXT, column)}

    def table(what: str, columns: Columns, by: By = By.SUBJECT) -> Table:
        return Table(f"{name}_{what}", columns, by=by, group=Group.EVALUATION)

    return BenchTables(
        table(
            "items", {**identity, **_ASKED}, By.NOTHING
        ),  # one row per item, in the bench's order
        table("answers", {**identity, **_ANSWERED}),  # one row per item
        # One row per rubric of an item, for each way of showing it to the judge.
        table("gradings", {**identity, **_GRADED}),
        table("scores", SCORE_COLUMNS),  # means over items of all gradings of a subject
    )


MULTIFACET = _declare_tables(
    "multifacet",
    "the benchmark that the item is from, as the paper's tables have it; or unassigned",
)
MULTIFACET_ITEMS, MULTIFACET_ANSWERS, MULTIFACET_GRADINGS, MULTIFACET_SCORES = MULTIFACET
LANE_BENCH = _declare_tables(
    "multifaceted_bench", "the source of the instruction, or what the catalogue calls several"
)

# What the judge says of answers that people have graded by rubrics: one row per answer and rubric.
MULTIFACET_CALIBRATION = Table(
    "multifacet_calibration",
    {
        "item": _ITEM["item"],
        "labels": Column(pl.List(NUMBER), "what people gave, 1 to 5"),
        "label": Column(NUMBER, "the median of these"),
        **_READ,
        **DROP_REASON,
        **GENERATION,
    },
    by=By.NOTHING,
    group=Group.EVALUATION,
)
