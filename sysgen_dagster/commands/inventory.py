"""What is stored of a deployment, beside its catalogue."""

import polars as pl
from rich.console import Console
from rich.table import Table

from sysgen_dagster.commands.deployment import use_deployment
from sysgen_dagster.storage.inventory import State, inventory
from sysgen_dagster.storage.store import Store


def read_inventory(store: Store) -> pl.DataFrame:
    """`storage.inventory.INVENTORY`, one row per stored file, beside the catalogue in use."""
    # Here, because partitions are read from the catalogue when these are imported.
    from sysgen_dagster.defs.plumbing.partitions import CATALOG
    from sysgen_dagster.defs.plumbing.tables import TABLES

    return inventory(store, CATALOG, TABLES.values())


def show_inventory(console: Console, data: str) -> int:
    """0, or 1 where a file is not whole: files, rows and bytes of each table, then those files.

    Raises:
        StoreError: There is no such deployment.
    """
    stored = read_inventory(use_deployment(data))
    table = Table(title="What is stored", title_justify="left")
    for name in ("table", "model"):
        table.add_column(name, no_wrap=True)
    for name in ("files", "rows", "bytes", "not whole"):
        table.add_column(name, justify="right", no_wrap=True)
    whole = pl.col("state") == State.WHOLE.value
    figures = [pl.len(), pl.col("rows").sum(), pl.col("bytes").sum(), (~whole).sum().alias("other")]
    sums = stored.group_by("table", "model").agg(figures).sort("table", "model", nulls_last=False)
    for name, model, *numbers in sums.iter_rows():
        table.add_row(name, model or "", *(f"{number:,}" for number in numbers))
    table.add_section()
    table.add_row("all", "", *(f"{number:,}" for number in stored.select(figures).row(0)))
    console.print(table)
    others = stored.filter(~whole)
    for row in others.sort("state", "path").iter_rows(named=True):
        console.print(f"{row['state']}: {row['path']}: {row['detail']}")
    return 0 if others.is_empty() else 1
