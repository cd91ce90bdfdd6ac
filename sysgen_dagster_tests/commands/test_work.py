"""The order in which commands make partitions."""

from sysgen_dagster.commands.work import work_on_rows
from sysgen_dagster.defs.plumbing.partitions import CATALOG, asset_key
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS


def test_pairs_are_made_once_and_after_the_answers_of_every_model() -> None:
    shards = CATALOG.partition_values["shard"][:2]
    answered, paired = set(), []
    for _, assets, partition in work_on_rows(CATALOG, shards):
        if asset_key(ALIGNED) in assets:
            answered.add(partition)
        if asset_key(PREFERENCE_PAIRS) in assets:
            _, _, shard = str(partition).partition("|")
            assert answered >= {f"{model}|{shard}" for model in CATALOG.models}
            paired.append(partition)
    assert sorted(paired) == sorted(f"{m}|{shard}" for m in CATALOG.models for shard in shards)
