"""Shards of stored rows without a store, each row with the outcome that a test gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.lanes.sysgen.tables import VERIFIED
from sysgen_dagster.tables.table import Table


@dataclass(frozen=True)
class Row:
    """One conversation: how it ended, and the columns that differ from those of other rows."""

    identity: str
    stopped_at: str = ""
    drop_reason: str = ""
    verdict: str = "Good"
    source: str = "capybara"
    columns: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Shard:
    """The rows of one shard, read as if they were stored in the five tables."""

    rows: Sequence[Row]
    model: str | None = "phi-4"

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        """These columns of the rows that reached the table."""
        rows = [row for row in self.rows if not row.stopped_at or _reaches(row, table)]
        return frame(table, [_record(row, table) for row in rows]).select(columns)


def _reaches(row: Row, table: Table) -> bool:
    steps = [step.name for step in STEPS]
    return steps.index(table.name) <= steps.index(row.stopped_at)


def _record(row: Row, table: Table) -> dict[str, Any]:
    verdicts = [{"tag": "Role", "verdict": row.verdict, "confidence": None}]
    return {
        "conversation_id": row.identity,
        "source": row.source,
        "question": "Q",
        "answer": "A",
        "verdicts": verdicts if table == VERIFIED else None,
        "engine": "simulated",
        **(row.columns or {}),
        "drop_reason": row.drop_reason if row.stopped_at == table.name else None,
    }


def frame(table: Table, records: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of a table; columns that a record lacks are null."""
    rows = [{name: each.get(name) for name in table.columns} for each in records]
    return pl.DataFrame(rows, schema=table.schema)


def kept(number: int, **changes: Any) -> list[Row]:
    """Rows ``kept-0``, ``kept-1``, ... with a new answer."""
    return [replace(Row(f"kept-{at}"), **changes) for at in range(number)]


def dropped(number: int, reason: str, at: str = "filtered_system_messages") -> list[Row]:
    """Rows that were dropped in this table, named for the reason."""
    return [Row(f"{reason}-{each}", at, reason) for each in range(number)]
