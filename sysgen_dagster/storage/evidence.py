"""What checks and statistics look at: the stored rows of one partition, or of many."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table, Values


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """Tables of `store` for some shards.

    Attributes:
        store: Where they are.
        shards: Whose rows are read, in this order.
        model: The model whose tables are read; None where no table of a model is.
    """

    store: Store
    shards: tuple[str, ...]
    model: str | None = None

    def by_shard(self) -> Iterator["StoredEvidence"]:
        """The same for one shard after the other: what is too much to be read at once."""
        return (replace(self, shards=(shard,)) for shard in self.shards)

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        """These columns of a table, over the shards; whole where it has no shards.

        Raises:
            StoreError: A partition is missing or damaged.
            TableError: It does not have its declared columns.
        """
        if "shard" not in table.by.value:
            return self.store.read(table, Partition(self.model), *columns)
        parts = [
            self.store.read(table, Partition(self.model, each), *columns) for each in self.shards
        ]
        return pl.concat(parts) if parts else table.empty().select(columns)


def finished_shards(
    store: Store, values: Values, table: Table, model: str | None = None
) -> tuple[str, ...]:
    """Shards of the catalogue whose partition of a table is stored, in their order."""
    stored = set(store.shards(table, model))
    return tuple(shard for shard in values.partition_values["shard"] if shard in stored)
