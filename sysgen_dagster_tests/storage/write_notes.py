"""A table of notes, and a program that writes so many rows of it to a store.

Usage: ``python -m sysgen_dagster_tests.storage.write_notes URL ROWS``
"""

import sys

import polars as pl

from sysgen_dagster.storage.store import open_store
from sysgen_dagster.tables.table import By, Column, Partition, Table

NOTES = Table(
    "notes",
    {
        "conversation_id": Column(pl.String(), "which"),
        "length": Column(pl.Float64(), "how long"),
    },
    By.SHARD,
    "trial",
)
FIRST = Partition(shard="chats-000")


if __name__ == "__main__":
    numbers = pl.select(length=pl.int_range(int(sys.argv[2])).shuffle().cast(pl.Float64))
    rows = numbers.select(pl.lit("x").alias("conversation_id"), "length")
    open_store(sys.argv[1]).write(NOTES, FIRST, rows)
