"""What of a deployment holds rows of conversations, also of what its catalogue no longer names.

After a source was cut into fewer shards, or a model, a source or a recipe went from the catalogue,
files of it stay. They cannot be made again without a text: what holds one of them has to go.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from upath import UPath

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.inference.ledger_upkeep import find_conversations
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.sources.exclusions import is_of_rows_of, rows_of
from sysgen_dagster.storage.exports import reading_export, stored_exports
from sysgen_dagster.storage.inventory import State, inventory
from sysgen_dagster.storage.parquet import scan
from sysgen_dagster.storage.store import Store, StoreError, answering
from sysgen_dagster.tables.digests import DamagedFileError
from sysgen_dagster.tables.table import Table
from sysgen_dagster.training_sets.export.manifest import read_ids

_File = Mapping[str, Any]  # a row of `INVENTORY`
_ROW = ("conversation_id", "source_row")


@dataclass(frozen=True, slots=True)
class Holders:
    """What of a deployment holds rows of some conversations.

    Attributes:
        shards: Those of the catalogue of which a table does.
        wholes: Names of tables without partitions that do.
        gone_tables: Tables of what the catalogue does not name.
        gone_exports: Mixtures that the catalogue does not name.
    """

    shards: frozenset[str]
    wholes: frozenset[str]
    gone_tables: tuple[Path | UPath, ...]
    gone_exports: tuple[str, ...]


def find_holders(
    store: Store,
    work: Path,
    catalog: Catalog,
    tables: Collection[Table],
    conversations: Collection[str],
) -> Holders:
    """What holds rows of these conversations, or of the upstream rows that these are of.

    Raises:
        ExportError: An export cannot be read, so that nobody can tell what is in it.
        StoreError: The same for a table.
        StoreUnavailableError: Object storage did not answer.
    """
    stored = inventory(store, catalog, tables).filter(pl.col("state") != State.LEFT_OVER.value)
    held = list(_holding(store, stored, conversations))
    gone = [file for file in held if file["state"] == State.NOT_IN_CATALOG.value]
    known = [file for file in held if file not in gone]
    return Holders(
        frozenset(file["shard"] for file in known) - {None},
        frozenset(file["table"] for file in known if file["partition"] is None),
        tuple(_path(store, file) for file in gone),
        tuple(_gone_exports(store, work, catalog, conversations)),
    )


def _holding(store: Store, stored: pl.DataFrame, conversations: Collection[str]) -> Iterator[_File]:
    """The tables with these rows; those of sources know them by their position in the file only."""
    of_sources, positions = [], defaultdict[str, set[int]](set)
    for file in stored.iter_rows(named=True):
        found = _find(store, file, is_of_rows_of(conversations))
        if found is None:
            of_sources.append(file)
        elif found.height:
            yield file
            if "source_row" in found.columns and file["shard"]:
                positions[split_shard(file["shard"])[0]].update(found["source_row"])
    for file in of_sources:
        wanted = positions[split_shard(file["shard"])[0]] if file["shard"] else ()
        found = _find(store, file, pl.col("source_row").is_in(wanted), "source_row")
        if found is not None and found.height:
            yield file


def _find(
    store: Store, file: _File, are_wanted: pl.Expr, known_by: str = "conversation_id"
) -> pl.DataFrame | None:
    """The rows of a table, with what they are known by; None: it does not know them by that."""
    path = _path(store, file)
    with answering(path):
        try:
            rows = scan(path)
            columns = [name for name in _ROW if name in rows.collect_schema()]
            return (
                rows.filter(are_wanted).select(columns).collect() if known_by in columns else None
            )
        except (DamagedFileError, pl.exceptions.PolarsError) as error:
            raise StoreError(
                f"{path} is damaged ({error}), so that nobody can tell what is in it. Materialize "
                "it again, or remove it; then repeat this"
            ) from error


def find_answered(ledgers: Path, conversations: Collection[str]) -> dict[str, set[str]]:
    """What is answered about the upstream rows of these: each conversation, with its shards.

    A row may be in a ledger only: it went from its source since, or is in another shard now.

    Raises:
        LedgerError: A ledger cannot be read.
    """
    rows = set(rows_of(conversations))
    answered = find_conversations(ledgers)
    return {each: answered[each] for each in answered if not rows.isdisjoint(rows_of([each]))}


def _path(store: Store, file: _File) -> Path | UPath:
    return store.root / str(file["path"]).removeprefix(str(store.root)).lstrip("/")


def _gone_exports(
    store: Store, work: Path, catalog: Catalog, conversations: Collection[str]
) -> Iterator[str]:
    rows = set(rows_of(conversations))
    for name in sorted(stored_exports(store) - catalog.mixtures.keys()):
        with reading_export(store, name, work) as folder:
            if not rows.isdisjoint(rows_of(read_ids(folder))):
                yield name
