"""How an asset reads the table before it and writes its own."""

from dataclasses import dataclass
from typing import Any

import dagster as dg
import polars as pl

from sysgen_dagster.analysis.sampling import draw_stratified_sample
from sysgen_dagster.catalog.catalog import Generator
from sysgen_dagster.defs.operations.staleness import data_version, pilot_tags
from sysgen_dagster.defs.plumbing.metadata import check_metadata, summary_metadata, table_metadata
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SHARDS, model_and_shard, source_key
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.lanes.sysgen.checks import checks_of
from sysgen_dagster.report.views import view_of
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import Store, StoreError, scan
from sysgen_dagster.tables.table import (
    ALL_MODELS,
    OF_NO_MODEL,
    TABLES,
    Columns,
    Frame,
    kept,
    source_columns,
)


def locate(partition_key: str) -> tuple[str | None, str]:
    """The model, if the key has one, and the shard of any partition of the pipeline."""
    return model_and_shard(partition_key) if "|" in partition_key else (None, partition_key)


def evidence_of(store: Store, partition_key: str) -> StoredEvidence:
    """What the checks of a partition look at."""
    model, shard = locate(partition_key)
    return StoredEvidence(store, CATALOG, (shard,), model)


def evidence_of_model(
    tables: TablesResource, model: str, table: str = "aligned_responses"
) -> StoredEvidence:
    """All rows of a model's shards whose `table` is stored.

    Raises:
        StoreError: It is stored for none.
    """
    store = tables.store()
    shards = finished_shards(store, CATALOG, model, table)
    return StoredEvidence(store, CATALOG, _some(shards, table, model), model)


def evidence_of_sources(tables: TablesResource) -> StoredEvidence:
    """All rows of the shards whose conversations are stored.

    Raises:
        StoreError: They are for none.
    """
    store = tables.store()
    shards = finished_shards(store, CATALOG, None, "conversations")
    return StoredEvidence(store, CATALOG, _some(shards, "conversations", "the sources"))


def _some(shards: tuple[str, ...], table: str, whose: str) -> tuple[str, ...]:
    if not shards:
        raise StoreError(f"{table} is not materialized for any shard of {whose}: do that first")
    return shards


def sample_pairs(tables: TablesResource, model: str, per_source: int, seed: int) -> pl.DataFrame:
    """So many rows of each source that a model has answered, with question and both answers.

    Returns:
        ``conversation_id``, ``source``, ``system_message``, ``new_answer``, ``question``,
        ``history``, ``answer``.
    """
    new = ("conversation_id", "source", "system_message", "new_answer", "drop_reason")
    old = ("conversation_id", "question", "history", "answer")
    evidence = evidence_of_model(tables, model)
    which = ("conversation_id", "source", "drop_reason")
    answered = (kept(part.read("aligned_responses", *which)) for part in evidence.by_shard())
    drawn = draw_stratified_sample(pl.concat(answered), per_source, seed).select("conversation_id")
    parts = (
        kept(part.read("aligned_responses", *new))
        .drop("drop_reason")
        .join(drawn, on="conversation_id", how="semi")
        .join(part.read("conversations", *old), on="conversation_id", validate="1:1")
        for part in evidence.by_shard()
    )
    # Row by row, since a few rows taken of a frame of Polars keep the texts of all in memory.
    pairs = pl.concat(pl.DataFrame(part.to_dicts(), schema=part.schema) for part in parts)
    return draw_stratified_sample(pairs, per_source, seed)


def require_contracts(evidence: StoredEvidence, table: str) -> None:
    """Nothing, when every blocking check of a table holds of one shard.

    Raises:
        dg.Failure: One does not; nothing is read from a table that breaks a contract.
    """
    [shard] = evidence.shards
    partition = f"{evidence.model_name}|{shard}" if evidence.model_name else shard
    for check in checks_of(table):
        if check.blocking and not (finding := check.evaluate(evidence)).passed:
            raise dg.Failure(
                f"{table} breaks a contract for {partition}, {check.name}: {check.statement} "
                f"Found {finding.figure:g}, wanted {finding.wanted}. Look at the check of that "
                f"name on {table}, mend the cause and materialize it again",
                allow_retries=False,
            )


def read_kept(
    context: dg.AssetExecutionContext, tables: TablesResource, table: str
) -> pl.DataFrame:
    """The rows of the table before that go on, once its contracts hold.

    A blocking check only blocks within its own run, so a phase that is started alone looks again.

    Raises:
        dg.Failure: A contract does not hold; nothing is read from a table that breaks one.
    """
    model, shard = locate(context.partition_key)
    require_contracts(evidence_of(tables.store(), context.partition_key), table)
    owner = None if table == "conversations" else model
    return kept(tables.store().read(table, TABLES[table], shard, owner))


def write(
    context: dg.AssetExecutionContext,
    tables: TablesResource,
    frame: Frame,
    settings: str = "",
    /,
    **metadata: Any,
) -> dg.MaterializeResult[None]:
    """Store the partition of the running asset; the result tells the UI about it.

    What is too much to be held in memory comes as a lazy frame, and is then looked at in its file.
    `settings` are what the next asset reads beside the rows: they are part of the data version.
    """
    model, shard = locate(context.partition_key)
    store, table = tables.store(), "/".join(context.asset_key.path)
    columns = _columns(context.asset_key)
    path = store.write(table, columns, shard, frame, model)
    found = check_metadata(checks_of(table), evidence_of(store, context.partition_key))
    stored = frame if isinstance(frame, pl.DataFrame) else scan(path)
    return dg.MaterializeResult(
        metadata={**metadata, **found, **table_metadata(stored, path)},
        data_version=data_version(stored.select(columns.keys()), settings),
        tags=pilot_tags(stored),
    )


@dataclass(frozen=True, slots=True)
class StoredStatistics:
    """The statistics of one model, or those of no model."""

    store: Store
    model: str = ""

    @property
    def entry(self) -> Generator | None:
        """The model's catalogue entry."""
        return CATALOG.models.get(self.model)

    def read(self, table: str) -> pl.DataFrame | None:
        """A whole stored table; None where it is not made."""
        key = ALL_MODELS if table in OF_NO_MODEL else self.model
        if not self.store.holds(table, key):
            return None
        return self.store.read(table, TABLES[table], key)


def publish(
    context: dg.AssetExecutionContext,
    tables: TablesResource,
    frame: pl.DataFrame,
    read: str = "aligned_responses",
) -> dg.MaterializeResult[None]:
    """Store the statistics of the running asset, and show them as its view has it.

    `read` is the table of which a model's statistics are: its shards are counted.
    """
    table, store = context.asset_key.path[-1], tables.store()
    model = context.partition_key if context.has_partition_key else ""
    path = store.write(table, TABLES[table], model or ALL_MODELS, frame)
    made, view = StoredStatistics(store, model), view_of(table)
    counted = "dagster/partition_row_count" if model else "dagster/row_count"
    return dg.MaterializeResult(
        metadata={
            counted: frame.height,
            **_shards(tables, model, read),
            **summary_metadata(view, view.summary(frame, made), model),
            "file": dg.MetadataValue.path(str(path)),
        },
        data_version=data_version(frame.select(TABLES[table].keys())),
    )


def _shards(tables: TablesResource, model: str, read: str) -> dict[str, str]:
    of_a_model = model and read != "conversations"
    evidence = evidence_of_model(tables, model, read) if of_a_model else evidence_of_sources(tables)
    return {"shards": f"{len(evidence.shards)} of {len(SHARDS.get_partition_keys())} read"}


def _columns(key: dg.AssetKey) -> Columns:
    for name, source in CATALOG.sources.items():
        if key == source_key(name):
            return source_columns(source)
    return TABLES[key.path[-1]]
