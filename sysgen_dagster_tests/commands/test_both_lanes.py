"""Commands that make everything make what the second lane has, too."""

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.recipes import Lane
from sysgen_dagster.commands.demo import Trial
from sysgen_dagster.commands.work import work_of_lane
from sysgen_dagster.defs.plumbing.partitions import CATALOG, asset_key
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.multifaceted.tables import LANE, SELECTION


def test_whatever_is_made_of_a_shard_of_the_lane_is_made_again_after_a_deletion() -> None:
    made = {key for _, keys, _ in work_of_lane(CATALOG, ["multifaceted-000"]) for key in keys}
    of_lane = {asset_key(table) for table in TABLES.values() if table.of_lane == LANE}
    assert made == {asset_key(SELECTION), *of_lane}


def test_the_demo_takes_a_few_instructions_of_its_own_rows_and_every_source_whole() -> None:
    full, catalog = load_catalog(FULL_CATALOG), Trial().catalog()
    assert catalog.multifaceted is not None
    assert catalog.multifaceted.instructions == 12
    read = {source.name: source.path for source in catalog.instruction_sources}
    assert read == {name: source.path for name, source in catalog.sources.items()}
    assert {source.shards for source in catalog.sources.values()} == {1}
    own = {name for name, each in catalog.mixtures.items() if each.lane is Lane.MULTIFACETED}
    assert own == {"multifaceted", "multifaceted_pairs", "multifaceted_published"}
    assert catalog.mixtures.keys() <= full.mixtures.keys()
