"""The table of decisions: the last one of each row."""

import polars as pl

from sysgen_dagster.tables.columns import FLAG, GENERATION, IDENTITY, TEXT
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

TABLES = (REVIEW_DECISIONS,)
