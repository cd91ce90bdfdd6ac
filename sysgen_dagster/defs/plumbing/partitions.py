"""The partitions: sources and conversations by shard, phases by model and shard.

A phase's key is ``phi-4|metamath-002``: Dagster orders the dimensions by their names. What depends
on Dagster's beta and preview APIs for partitions is in this module and in `checks`.
"""

import dagster as dg

from sysgen_dagster.catalog.catalog import load_catalog

# Partitions are definitions, so the catalogue is read once, when the code location is loaded.
CATALOG = load_catalog()

SOURCE_SHARDS = {
    source: dg.StaticPartitionsDefinition(CATALOG.shards(source)) for source in CATALOG.sources
}
SHARDS = dg.StaticPartitionsDefinition(
    [shard for source in CATALOG.sources for shard in CATALOG.shards(source)]
)
MODELS = dg.StaticPartitionsDefinition(list(CATALOG.models))
MODEL_SHARDS = dg.MultiPartitionsDefinition({"model": MODELS, "shard": SHARDS})

# The tag of runs that only look at what is stored: their failures are nobody's.
RESTORING = "sysgen/restoring"

RECIPES = dg.StaticPartitionsDefinition(list(CATALOG.mixtures))


def source_key(source: str) -> dg.AssetKey:
    """The asset key of a source."""
    return dg.AssetKey(["source", source])


def source_deps() -> list[dg.AssetDep]:
    """Every source, each shard feeding the partition of the same key."""
    return [
        dg.AssetDep(
            source_key(source),
            partition_mapping=dg.StaticPartitionMapping(
                {shard: shard for shard in CATALOG.shards(source)}
            ),
        )
        for source in CATALOG.sources
    ]


def every_partition(*upstream: dg.AssetsDefinition) -> list[dg.AssetDep]:
    """Assets all partitions of which are read; by itself Dagster takes those of the same key."""
    return [dg.AssetDep(asset, partition_mapping=dg.AllPartitionMapping()) for asset in upstream]


def model_and_shard(key: str) -> tuple[str, str]:
    """The two dimensions of a phase's partition key."""
    dimensions = MODEL_SHARDS.get_partition_key_from_str(key).keys_by_dimension
    return dimensions["model"], dimensions["shard"]
