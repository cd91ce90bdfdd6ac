"""`sysgen inventory`: the stored files of a deployment, compared with its catalogue."""

import dagster as dg
import polars as pl
from rich.console import Console

from sysgen_dagster.commands.dagster_records import require_no_run
from sysgen_dagster.commands.deployment import use_dagster_home, use_deployment
from sysgen_dagster.commands.printing import add_lines, new_table
from sysgen_dagster.review.decisions import journal_of, read_decisions
from sysgen_dagster.storage.inventory import State, inventory
from sysgen_dagster.storage.store import StoreError


def show_inventory(console: Console, data: str) -> int:
    """0, or 1 where a file is not whole: files, rows and bytes of each table, then those files.

    Raises:
        StoreError: There is no such deployment.
    """
    store = use_deployment(data)
    # Here, because partitions are read from the catalogue when these are imported.
    from sysgen_dagster.defs.plumbing.partitions import CATALOG
    from sysgen_dagster.defs.plumbing.tables import TABLES

    stored = inventory(store, CATALOG, TABLES.values())
    numbers = ("files", "rows", "bytes", "not whole")
    table = new_table("What is stored", ("table", "model"), numbers)
    whole = pl.col("state") == State.WHOLE.value
    figures = [pl.len(), pl.col("rows").sum(), pl.col("bytes").sum(), (~whole).sum().alias("other")]
    sums = stored.group_by("table", "model").agg(figures).sort("table", "model", nulls_last=False)
    add_lines(table, sums.iter_rows())
    add_lines(table, [("all", "", *stored.select(figures).row(0))])
    console.print(table)
    decisions = read_decisions(store)
    if decisions.made or decisions.cut_off or decisions.damaged:
        console.print(f"{journal_of(store).path}: {decisions}")
    others = stored.filter(~whole)
    for row in others.sort("state", "path").iter_rows(named=True):
        console.print(f"{row['state']}: {row['path']}: {row['detail']}")
    return 0 if others.is_empty() and not decisions.damaged else 1


def record_inventory(console: Console, data: str) -> int:
    """0 when Dagster has a record of everything that is stored; 1 where a file is damaged.

    Raises:
        DagsterHomeError: Dagster's state cannot be kept where it should be, or a run is going.
        StoreError: There is no such deployment.
    """
    store = use_deployment(data)
    home = use_dagster_home(store)
    from sysgen_dagster.definitions import defs
    from sysgen_dagster.defs.operations.recording import record_stored

    require_no_run(home)
    with dg.DagsterInstance.get() as instance:
        damaged = 0
        for line in record_stored(instance, defs, store):
            console.print(str(line))
            damaged += isinstance(line, StoreError)
    without = f" but {damaged} damaged files" if damaged else ""
    console.print(f"{home} has a record of everything that is stored{without}.")
    return 1 if damaged else 0
