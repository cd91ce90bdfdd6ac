"""What checks and statistics look at: the stored rows of one partition, or of many."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from sysgen_dagster.catalog.catalog import Catalog, Generator, Method
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import (
    ALL_MODELS,
    OF_NO_MODEL,
    STATISTICS,
    TABLES,
    Columns,
    source_columns,
)


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """Tables of `store` for some shards.

    Attributes:
        model_name: The model of the phase tables; None where no phase table is read.
    """

    store: Store
    catalog: Catalog
    shards: tuple[str, ...]
    model_name: str | None = None

    @property
    def model(self) -> Generator | None:
        """The catalogue entry of the model."""
        return self.catalog.models[self.model_name] if self.model_name else None

    @property
    def method(self) -> Method:
        """The method settings of the catalogue."""
        return self.catalog.method

    def by_shard(self) -> Iterator["StoredEvidence"]:
        """The same for one shard after the other: what is too much to be read at once."""
        return (replace(self, shards=(shard,)) for shard in self.shards)

    def read(self, table: str, *columns: str) -> pl.DataFrame:
        """These columns of a table over the shards; the table ``source`` is each shard's own.

        A table of statistics is read as it is stored, once for the model or once at all.

        Raises:
            StoreError: A partition is missing or damaged.
            TableError: It does not have its declared columns.
        """
        if table in STATISTICS:
            declared = {name: TABLES[table][name] for name in columns}
            key = ALL_MODELS if table in OF_NO_MODEL else self.model_name
            return self.store.read(table, declared, key or ALL_MODELS)
        parts = [self._read_shard(table, columns, shard) for shard in self.shards]
        if parts:
            return pl.concat(parts)
        return pl.DataFrame(schema={name: TABLES[table][name].dtype for name in columns})

    def _read_shard(self, table: str, columns: tuple[str, ...], shard: str) -> pl.DataFrame:
        source, _ = self.catalog.locate(shard)
        if table == "source":
            declared: Columns = source_columns(self.catalog.sources[source])
            name, model = f"source/{source}", None
        else:
            declared, name = TABLES[table], table
            model = None if table == "conversations" else self.model_name
        return self.store.read(name, {each: declared[each] for each in columns}, shard, model)


def finished_shards(
    store: Store, catalog: Catalog, model: str | None, table: str = "aligned_responses"
) -> tuple[str, ...]:
    """Shards of the catalogue whose `table` is stored, in their order.

    The last phase stands for all four; the table of no model has None for it.
    """
    stored = set(store.shards(table, model))
    every = (shard for source in catalog.sources for shard in catalog.shards(source))
    return tuple(shard for shard in every if shard in stored)
