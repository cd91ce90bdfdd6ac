"""The tables of what people say: the last decision of each row, scores of the lane's bench."""

import polars as pl

from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_RUBRICS, MULTIFACETED_BENCH
from sysgen_dagster.lanes.multifaceted.tables import LANE
from sysgen_dagster.tables.columns import (
    COUNT,
    DROP_REASON,
    FLAG,
    GENERATION,
    IDENTITY,
    TEXT,
)
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Table

LABELS = pl.List(pl.Struct({"tag": TEXT, "verdict": TEXT, "label": TEXT}))

# One row per row that a reviewer has decided or labelled.
REVIEW_DECISIONS = Table(
    "review_decisions",
    {
        **IDENTITY,
        "model": GENERATION["model"],
        "choice": Column(TEXT, "accepted, rejected or open (only labelled)"),
        "system_message": Column(TEXT, "as the reviewer wrote it; null: as it was"),
        "new_answer": Column(TEXT, "as the reviewer wrote it; null: as it was"),
        "labels": Column(
            LABELS, "what the judge of Phase 3 and the reviewer say of the phrases of a tag"
        ),
        "reviewer": Column(TEXT, "who decided last"),
        "decided_at": Column(TEXT, "when, in UTC"),
        "is_current": Column(
            FLAG, "whether the row still has the texts that the reviewer saw; else it has no effect"
        ),
    },
    by=By.NOTHING,
    group=Group.TRAINING_SETS,
)

# One row per row of the sheet of the lane's bench that was read last of each reviewer.
BENCH_REVIEWS = Table(
    f"{LANE}/bench_reviews",
    {
        **IDENTITY,
        "item": MULTIFACETED_BENCH.columns["item"],
        "dimension": BENCH_RUBRICS.columns["dimension"],
        "reviewer": Column(TEXT, "whose sheet, as its file is called"),
        "read_at": Column(TEXT, "when it was read, in UTC"),
        "reference_score": Column(COUNT, "1 to 5, what the reviewer gives the reference"),
        "sibling_score": Column(COUNT, "and the sibling's answer"),
        "fits": Column(FLAG, "whether the reviewer says that the rubric fits the preference"),
        "judge_reference_score": BENCH_RUBRICS.columns["reference_score"],
        "judge_sibling_score": BENCH_RUBRICS.columns["sibling_score"],
        "judge": BENCH_RUBRICS.columns["judge"],
        **DROP_REASON,
    },
    by=By.NOTHING,
    group=Group.MULTIFACETED,
)

TABLES = (REVIEW_DECISIONS, BENCH_REVIEWS)
