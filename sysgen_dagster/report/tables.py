"""The table that holds every figure of ours beside the paper's."""

from sysgen_dagster.tables.columns import NUMBER, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Table

# One row per model and figure that the paper has too.
PAPER_COMPARISON = Table(
    "paper_comparison",
    {
        "model": Column(TEXT, "the model; empty for figures of no model"),
        "published_in": Column(TEXT, "table or figure of the paper"),
        "of": Column(TEXT, "phase, tag, source or metric"),
        "figure": Column(TEXT, "which one of the statistic's columns"),
        "ours": Column(NUMBER, "our value"),
        "paper": Column(NUMBER, "the paper's"),
        "difference": Column(NUMBER, "ours less the paper's"),
    },
    by=By.NOTHING,
    group=Group.REPORT,
)

TABLES = (PAPER_COMPARISON,)
