"""Evidence made of rows in memory, for the tests of checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from sysgen_dagster.tables.table import Table


@dataclass(frozen=True)
class Rows:
    """Rows by the name of their table: columns left out are null, tables left out are empty."""

    rows: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    model: str | None = None

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        """These columns of a table."""
        rows = self.rows.get(table.name, ())
        assert all(row.keys() <= table.columns.keys() for row in rows), f"not of {table.name}"
        return pl.DataFrame(rows, schema=table.schema, orient="row").select(columns)
