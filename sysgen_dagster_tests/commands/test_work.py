"""The order in which commands make partitions."""

import pytest

from sysgen_dagster.commands.work import work_on_rows
from sysgen_dagster.defs.planted_faults import planted_faults
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


@pytest.mark.parametrize("rows", [0, 5])
def test_planted_faults_are_asked_about_where_anything_is_judged(rows: int) -> None:
    nothing = dict.fromkeys(("preference_rows", "alignment_rows", "obedience"), 0)
    judging = CATALOG.judging.model_copy(update=nothing | {"alignment_rows": rows})
    catalog = CATALOG.model_copy(update={"judging": judging})
    made = {key for _, assets, _ in work_on_rows(catalog, []) for key in assets}

    assert (planted_faults.key in made) == (rows > 0)
