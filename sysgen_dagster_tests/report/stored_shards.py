"""Shards of rows as a run would store them, table after table."""

from collections.abc import Sequence
from pathlib import Path

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster_tests.lanes.sysgen.shards import Row, Shard

MODEL, SHARD = "phi-4", "capybara-000"


def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog(FULL_CATALOG)


def store_rows(
    folder: Path, rows: Sequence[Row], shard: str = SHARD, upto: Table = ALIGNED
) -> Store:
    """The store in the folder, after a shard of these rows was stored in each table up to one."""
    store = Store(folder)
    for table in STEPS[: STEPS.index(upto) + 1]:
        model = MODEL if "model" in table.by.value else None
        store.write(table, Partition(model, shard), Shard(rows).read(table, *table.names))
    return store
