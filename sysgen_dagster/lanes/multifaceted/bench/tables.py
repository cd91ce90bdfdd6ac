"""The tables of the bench, none of which has partitions: a bench is one thing of a deployment."""

import polars as pl

from sysgen_dagster.lanes.multifaceted.tables import LANE
from sysgen_dagster.tables.columns import DROP_REASON, IDENTITY, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Table

RUBRICS = pl.List(
    pl.Struct(
        {
            "dimension": TEXT,
            "subdimension": TEXT,
            "criterion": TEXT,
            "levels": pl.List(TEXT),
        }
    )
)

# One row per preference set of a held-out instruction; kept, it is an item.
MULTIFACETED_BENCH = Table(
    f"{LANE}/bench",
    {
        **IDENTITY,
        "item": Column(TEXT, "identifies an item by a hash of its content; null: it is none"),
        "system_message": Column(TEXT, "made of the four preferences"),
        "prompt": Column(TEXT, "the instruction"),
        "reference_answer": Column(TEXT, "the writer's answer under the system message"),
        "sibling_answer": Column(TEXT, "its answer under another message of the instruction"),
        "rubrics": Column(
            RUBRICS,
            "of an item: for each preference its dimension and subdimension, the criterion, and "
            "what the scores 1 to 5 stand for",
        ),
        **DROP_REASON,
    },
    By.NOTHING,
    Group.MULTIFACETED,
)
