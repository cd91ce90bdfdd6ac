"""Reads stored rows over one or many shards, for checks and statistics."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import polars as pl

from sysgen_dagster.catalog.catalog import BaseCatalog, split_shard
from sysgen_dagster.storage.cuts import (
    Cut,
    explain_other_number,
    materialize_again,
    summarize_shards,
)
from sysgen_dagster.storage.store import OtherCutError, Store
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import Partition, Table

# The tables that have every row of an upstream file, in the order of the file.
_EVERY_ROW = (Group.SOURCES, Group.CONVERSATIONS)


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """Reads the tables of a store over some shards; a `tables.checks.Evidence`.

    Attributes:
        store: The store to read from.
        shards: The shards to read, in this order.
        model: The model to read; None if no table that is read is partitioned by model.
        subject: The subject to read; None if no table that is read is partitioned by subject.
    """

    store: Store
    shards: tuple[str, ...]
    model: str | None = None
    subject: str | None = None

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
        places = [Partition(self.model, shard, subject=self.subject) for shard in shards]
        parts = [self.store.read(table, at, *columns) for at in places]
        return pl.concat(parts) if parts else table.empty().select(columns)


def finished_shards(
    store: Store, catalog: BaseCatalog, table: Table, model: str | None = None
) -> tuple[str, ...]:
    """Shards of the catalogue for which a partition of `table` is stored, in catalogue order.

    Raises:
        StoreUnavailableError: Storage did not answer.
        OtherCutError: They are not all of one cut, or of another one than the catalogue's.
        StoreError: One is damaged.
    """
    stored = store.shards(table, model)
    finished = [shard for shard in table.shards(catalog) if shard in set(stored)]
    by_source: dict[str, dict[Cut | None, list[str]]] = defaultdict(lambda: defaultdict(list))
    for shard in finished:
        source, _ = split_shard(shard)
        by_source[source][store.cut(table, Partition(model, shard))].append(shard)
    for source, cuts in by_source.items():
        _require_one_cut(table.name_of(model), source, cuts, catalog.shards_of[source])
        if None in cuts and table.group in _EVERY_ROW:
            _require_consecutive(store, table, source, stored, catalog.shards_of[source])
    return tuple(finished)


def _require_one_cut(
    table: str, source: str, cuts: dict[Cut | None, list[str]], number: int
) -> None:
    """Raise `OtherCutError` for shards of another number than the catalogue's, or of two files."""
    known = {cut: shards for cut, shards in cuts.items() if cut is not None}
    wrong = {cut: shards for cut, shards in known.items() if cut.shards != number}
    if wrong:
        raise OtherCutError(explain_other_number(table, wrong, number))
    if len(known) > 1:
        found = "; ".join(
            f"{summarize_shards(shards)} from {cut.revision}" for cut, shards in known.items()
        )
        raise OtherCutError(
            f"{table} for {source} comes from different files: {found}. {materialize_again(source)}"
        )


def _require_consecutive(
    store: Store, table: Table, source: str, stored: Collection[str], number: int
) -> None:
    """Raise `OtherCutError` if shards of unknown cuts cannot be of one cut into `number` shards.

    Versions that did not note the cut wrote them, so it has to follow from the rows: each shard
    begins where the one before it ends, and none that is left over continues the last one.
    """
    ends: dict[int, tuple[int, int]] = {}
    for shard in stored:
        name, index = split_shard(shard)
        at = Partition(shard=shard)
        if name == source and (index < number or store.cut(table, at) is None):
            rows = replace(store, shards_of={}).read(table, at, "source_row").to_series()
            if rows.len():
                ends[index] = (rows.min(), rows.max())  # type: ignore[assignment]
    for index, (_, last) in ends.items():
        if index + 1 in ends and (ends[index + 1][0] == last + 1) is (index + 1 == number):
            shards = summarize_shards(f"{source}-{each:03d}" for each in (index, index + 1))
            raise OtherCutError(
                f"{table.name} for {shards} cannot both be of a cut into {number} shards, as the "
                f"catalogue says: the first ends with row {last} of the file, the second begins "
                f"with row {ends[index + 1][0]}. {materialize_again(source)}"
            )
