"""The catalogue of this code location, and the partitions that follow from it.

How a table's asset is partitioned, and which partitions of another table it reads, follow from what
the tables have partitions for (`tables.table.By`). What depends on Dagster's beta and preview APIs
for partitions is in this module and in `asset_checks`.
"""

from collections.abc import Collection, Mapping

import dagster as dg

from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.sources.tables import CONVERSATIONS, source_table
from sysgen_dagster.tables.table import By, Table

# Partitions are definitions, so the catalogue is read once, when the code location is loaded.
CATALOG = load_catalog()

_VALUES = CATALOG.partition_values
SHARDS = dg.StaticPartitionsDefinition(_VALUES["shard"])
MODELS = dg.StaticPartitionsDefinition(_VALUES["model"])
RECIPES = dg.StaticPartitionsDefinition(_VALUES["recipe"])
TRAININGS = dg.StaticPartitionsDefinition(_VALUES["training"])
SUBJECTS = dg.StaticPartitionsDefinition(_VALUES["subject"])
MODEL_SHARDS = dg.MultiPartitionsDefinition({"model": MODELS, "shard": SHARDS})

SOURCE_TABLES: Mapping[str, Table] = {
    name: source_table(source) for name, source in CATALOG.sources.items()
}
_SOURCE_SHARDS = {
    name: dg.StaticPartitionsDefinition(CATALOG.shards(name)) for name in CATALOG.sources
}
_LANE_SHARDS = {
    lane: dg.StaticPartitionsDefinition(shards) for lane, shards in CATALOG.lane_shards.items()
}
_LANE_MODEL_SHARDS = {
    lane: dg.MultiPartitionsDefinition({"model": MODELS, "shard": shards})
    for lane, shards in _LANE_SHARDS.items()
}
_PARTITIONS: Mapping[By, dg.PartitionsDefinition[str] | None] = {
    By.NOTHING: None,
    By.MODEL: MODELS,
    By.SHARD: SHARDS,
    By.MODEL_SHARD: MODEL_SHARDS,
    By.RECIPE: RECIPES,
    By.TRAINING: TRAININGS,
    By.SUBJECT: SUBJECTS,
}


def asset_key(table: Table) -> dg.AssetKey:
    """The key of the asset that makes a table."""
    return dg.AssetKey(table.name.split("/"))


def partitions_of(table: Table) -> dg.PartitionsDefinition[str] | None:
    """The partitions of the asset of a table; None if it has no partitions."""
    if table.of_lane:
        of_lane = _LANE_MODEL_SHARDS if table.by is By.MODEL_SHARD else _LANE_SHARDS
        return of_lane[table.of_lane]
    return _SOURCE_SHARDS[table.of_source] if table.of_source else _PARTITIONS[table.by]


def read_through(table: Table, reads: Collection[Table]) -> list[Table]:
    """The tables of `reads` that the others of the same model and shard were made from already.

    They are no dependency of the asset in Dagster. A backfill asks for a partition together with
    what it depends on only where all of that has the same partitions: with an edge from a phase to
    the conversations, every phase that has one would get a run of its own for each shard.
    """
    if table.by is not By.MODEL_SHARD or all(each.by is not By.MODEL_SHARD for each in reads):
        return []
    return [each for each in reads if each.by is By.SHARD]


def dependency(table: Table, upstream: Table) -> dg.AssetDep:
    """The dependency of `table` on `upstream`, with the upstream partitions that a partition reads.

    Without a mapping Dagster takes the upstream partition with the same key, or with the shard in
    the key. If the two tables have no dimension in common, all upstream partitions are read.
    """
    mapping: dg.PartitionMapping | None = None
    if upstream.of_source and table == CONVERSATIONS:
        shards = CATALOG.shards(upstream.of_source)
        mapping = dg.StaticPartitionMapping({shard: shard for shard in shards})
    elif table.by.value and set(table.by.value).isdisjoint(upstream.by.value):
        mapping = dg.AllPartitionMapping() if upstream.by.value else None
    return dg.AssetDep(asset_key(upstream), partition_mapping=mapping)
