"""What the report shows of the second lane: where its rows are, and which of them it shows."""

from collections.abc import Iterator

from sysgen_dagster.defs.plumbing.excluded import excluded_ids
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.lanes.multifaceted import stories
from sysgen_dagster.lanes.multifaceted.counts import Shards
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    JUDGED_PAIRS,
    PREFERENCE_SETS,
    SELECTION,
)
from sysgen_dagster.report.second_lane import SecondLane
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS

# In the order in which a row passes through them.
READ_FOR_REPORT = (INSTRUCTIONS, *stories.TABLES, JUDGED_PAIRS, MULTIFACETED_PAIRS)
_ROWS = 4  # instructions that are shown of each model


def read_second_lane(store: Store) -> SecondLane:
    """What is stored of the lane; nothing where the catalogue does not have it."""
    if CATALOG.multifaceted is None:
        return SecondLane()
    models = {model: shards for model in CATALOG.models if (shards := _find_shards(store, model))}
    is_selected = store.holds(SELECTION, Partition())
    return SecondLane(
        models,
        store.read(SELECTION, Partition(), "source", "drop_reason") if is_selected else None,
        [story for shards in models.values() for story in _tell(store, shards)],
        [
            model
            for model, shards in models.items()
            if "simulated" in shards[PREFERENCE_SETS][0].read(PREFERENCE_SETS, "engine")["engine"]
        ],
    )


def _find_shards(store: Store, model: str) -> Shards:
    """By table, the shards that are stored; nothing of a model that has none."""
    found = {
        table: list(StoredEvidence(store, shards, model).by_shard())
        for table in READ_FOR_REPORT
        if (shards := finished_shards(store, CATALOG, table, model))
    }
    return found if PREFERENCE_SETS in found else {}


def _tell(store: Store, shards: Shards) -> Iterator[stories.Story]:
    """A few instructions of the first shard that is through all steps."""
    for shard in shards.get(GOLD_ANSWERS, [])[:1]:
        ids = stories.choose_instructions(shard, _ROWS, excluded=excluded_ids(store))
        yield from stories.build_stories(shard, str(shard.model), ids)
