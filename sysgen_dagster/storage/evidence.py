"""Reads stored rows over one or many shards, for checks and statistics."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from sysgen_dagster.catalog.catalog import BaseCatalog
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """Reads the tables of a store over some shards; a `tables.checks.Evidence`.

    Attributes:
        store: The store to read from.
        shards: The shards to read, in this order.
        model: The model to read; None if no table that is read is partitioned by model.
    """

    store: Store
    shards: tuple[str, ...]
    model: str | None = None

    def by_shard(self) -> Iterator["StoredEvidence"]:
        """One `StoredEvidence` per shard, for what would not fit into memory at once."""
        return (replace(self, shards=(shard,)) for shard in self.shards)

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        """The rows of a table over the shards, with these columns.

        A table that is not partitioned by shard is read whole.

        Raises:
            StoreError: A partition is missing or damaged.
            TableError: It does not have its declared columns.
        """
        shards = self.shards if "shard" in table.by.value else (None,)
        parts = [self.store.read(table, Partition(self.model, shard), *columns) for shard in shards]
        return pl.concat(parts) if parts else table.empty().select(columns)


def finished_shards(
    store: Store, catalog: BaseCatalog, table: Table, model: str | None = None
) -> tuple[str, ...]:
    """Shards of the catalogue for which a partition of `table` is stored, in catalogue order."""
    stored = set(store.shards(table, model))
    return tuple(shard for shard in catalog.partition_values["shard"] if shard in stored)
