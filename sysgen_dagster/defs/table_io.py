"""How an asset reads the table before it and writes its own."""

from typing import Any

import dagster as dg
import polars as pl

from sysgen_dagster.defs.metadata import check_metadata, table_metadata
from sysgen_dagster.defs.partitions import CATALOG, model_and_shard, source_key
from sysgen_dagster.defs.resources import Tables
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.store import Store
from sysgen_dagster.sysgen.checks import checks_of
from sysgen_dagster.sysgen.tables import TABLES, Columns, kept, source_columns


def locate(partition_key: str) -> tuple[str | None, str]:
    """The model, if the key has one, and the shard of any partition of the pipeline."""
    return model_and_shard(partition_key) if "|" in partition_key else (None, partition_key)


def evidence_of(store: Store, partition_key: str) -> StoredEvidence:
    """What the checks of a partition look at."""
    model, shard = locate(partition_key)
    return StoredEvidence(store, CATALOG, (shard,), model)


def read_kept(context: dg.AssetExecutionContext, tables: Tables, table: str) -> pl.DataFrame:
    """The rows of the table before that go on, once its contracts hold.

    A blocking check only blocks within its own run, so a phase that is started alone looks again.

    Raises:
        dg.Failure: A contract does not hold; nothing is read from a table that breaks one.
    """
    model, shard = locate(context.partition_key)
    evidence = evidence_of(tables.store(), context.partition_key)
    for check in checks_of(table):
        if check.blocking and not (finding := check.evaluate(evidence)).passed:
            raise dg.Failure(
                f"{table} breaks a contract for {context.partition_key}, {check.name}: "
                f"{check.statement} Found {finding.figure:g}, wanted {finding.wanted}. Look at the "
                f"check of that name on {table}, mend the cause and materialize it again",
                allow_retries=False,
            )
    owner = None if table == "conversations" else model
    return kept(tables.store().read(table, TABLES[table], shard, owner))


def write(
    context: dg.AssetExecutionContext, tables: Tables, frame: pl.DataFrame, **metadata: Any
) -> dg.MaterializeResult[None]:
    """Store the partition of the running asset; the result tells the UI about it."""
    model, shard = locate(context.partition_key)
    store, table = tables.store(), "/".join(context.asset_key.path)
    path = store.write(table, _columns(context.asset_key), shard, frame, model)
    found = check_metadata(checks_of(table), evidence_of(store, context.partition_key))
    return dg.MaterializeResult(metadata={**metadata, **found, **table_metadata(frame, path)})


def _columns(key: dg.AssetKey) -> Columns:
    for name, source in CATALOG.sources.items():
        if key == source_key(name):
            return source_columns(source)
    return TABLES[key.path[-1]]
