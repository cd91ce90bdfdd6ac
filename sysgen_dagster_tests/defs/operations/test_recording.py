"""Dagster's database is lost: what is stored is recorded as made, and nothing is made again."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from sysgen_dagster.analysis.tables import ROW_QUALITY
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.measures import (
    near_duplicate_questions,
    retention,
    row_quality,
    source_lengths,
)
from sysgen_dagster.defs.operations.automation import fill_gaps
from sysgen_dagster.defs.operations.recording import record_stored
from sysgen_dagster.defs.operations.staleness import out_of_date, pilots
from sysgen_dagster.defs.plumbing.partitions import SOURCE_TABLES, asset_key
from sysgen_dagster.defs.sysgen_lane import PHASES, conversations
from sysgen_dagster.defs.training_sets import splits
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.processes.state import running
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.dagster_internals import (
    AssetDaemonCursor,
    CachingStaleStatusResolver,
    LoadingContextForTest,
    StaleStatus,
)

MODEL, SHARD = "llama-3.1-8b", "capybara-000"
AT = Partition(MODEL, SHARD)
KEY = str(AT.key)
SOURCE = asset_key(SOURCE_TABLES["capybara"])
PHASE_KEYS = [phase.key for phase in PHASES]
FIRST_PHASE = PHASE_KEYS[0]
MADE = [
    (SHARD, [SOURCE]),
    (SHARD, [conversations.key]),
    (None, [source_lengths.key, near_duplicate_questions.key, splits.key]),
    (KEY, [*PHASE_KEYS, row_quality.key]),
    (MODEL, [retention.key]),
]
GRAPH = defs.resolve_asset_graph()
JOB = defs.resolve_implicit_global_asset_job_def()

Deployment = tuple[Path, dg.DagsterInstance]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One model and one shard through the pipeline, with the instance that the runs were in."""
    root = tmp_path_factory.mktemp("deployment")
    with dg.DagsterInstance.ephemeral() as instance:
        for partition, assets in MADE:
            assert run(instance, root, partition, assets).success
        yield root, instance
    for name in running(root / "engines"):
        stop(root / "engines", name)


@pytest.fixture
def root(made: Deployment, tmp_path: Path) -> Path:
    """A copy of what is stored, to be changed."""
    return shutil.copytree(made[0], tmp_path / "data", ignore=shutil.ignore_patterns("engines"))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster that knows of nothing."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def run(
    instance: dg.DagsterInstance, root: Path, partition: str | None, assets: list[dg.AssetKey]
) -> dg.ExecuteInProcessResult:
    return JOB.execute_in_process(
        run_config={
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            "resources": {key: {"config": {"root": str(root)}} for key in ("tables", "models")},
        },
        instance=instance,
        partition_key=partition,
        asset_selection=assets,
        raise_on_error=False,
    )


def record(instance: dg.DagsterInstance, root: Path) -> list[str]:
    return [str(line) for line in record_stored(instance, defs, Store(root))]


def recorded(instance: dg.DagsterInstance) -> list[tuple[str, str | None]]:
    """The asset and partition of every materialization, sorted."""
    found = [
        (asset.to_user_string(), each.partition_key)
        for asset in instance.get_asset_keys()
        for each in instance.fetch_materializations(asset, limit=1_000).records
    ]
    return sorted(found, key=str)


def marked(instance: dg.DagsterInstance) -> set[str]:
    """The assets of which the UI marks a partition as out of date."""
    resolver = CachingStaleStatusResolver(instance, GRAPH, LoadingContextForTest(instance))
    return {
        name
        for name, partition in recorded(instance)
        if resolver.get_status(dg.AssetKey(name.split("/")), partition) is StaleStatus.STALE
    }


def named(instance: dg.DagsterInstance, asset: dg.AssetKey, version: str | None = None) -> object:
    """What `out_of_date` finds, for a version of the code or that of now."""
    node = GRAPH.get(asset)
    return out_of_date(instance, asset, sorted(node.parent_keys), version or node.code_version)


def tags_of(instance: dg.DagsterInstance, asset: dg.AssetKey) -> dict[str, str]:
    [record] = instance.fetch_materializations(asset, limit=1).records
    assert record.asset_materialization is not None
    return dict(record.asset_materialization.tags or {})


def requested(
    instance: dg.DagsterInstance, cursor: AssetDaemonCursor | None = None
) -> tuple[set[str], AssetDaemonCursor]:
    """The assets that the automation sensors ask for, and the cursor after it."""
    found = dg.evaluate_automation_conditions(defs=defs, instance=instance, cursor=cursor)
    asked = {result.key for result in found.results if found.get_num_requested(result.key)}
    return {key.to_user_string() for key in asked}, found.cursor


def test_what_was_made_is_recorded_once(made: Deployment, instance: dg.DagsterInstance) -> None:
    lines = record(instance, made[0])
    assert recorded(instance) == recorded(made[1])
    assert "recorded annotated_system_messages: 1" in lines
    assert len(lines) == len(recorded(instance))
    for known in (instance, made[1]):
        before = recorded(known)
        assert record(known, made[0]) == []
        assert recorded(known) == before


def test_the_versions_are_those_of_the_runs_and_nothing_is_out_of_date(
    made: Deployment, instance: dg.DagsterInstance
) -> None:
    record(instance, made[0])
    assert marked(made[1]) == marked(instance) == set()
    for asset in (SOURCE, conversations.key, *PHASE_KEYS, row_quality.key):
        theirs, ours = tags_of(made[1], asset), tags_of(instance, asset)
        for tag in ("data_version", "input_data_version/conversations"):
            assert ours.get(f"dagster/{tag}") == theirs.get(f"dagster/{tag}"), (asset, tag)
        assert named(instance, asset) == {}


# Where the sensors were on all the time, these are made anew: they ask no model.
ANYWAY = {"paper_comparison", "report"}


def test_no_gap_is_left_and_no_automation_starts_anything(made: Deployment) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    with dg.instance_for_test() as instance:  # the schedule wants one in a folder
        _, before_the_loss = requested(instance)
        record(instance, made[0])
        with dg.build_schedule_context(instance=instance, scheduled_execution_time=now) as context:
            asked = [each for each in fill_gaps(context) if isinstance(each, dg.RunRequest)]
        assert KEY not in {each.partition_key for each in asked}
        assert requested(instance)[0] == set()
        assert requested(instance, before_the_loss)[0] <= ANYWAY


def test_inputs_that_are_made_again_and_come_out_the_same_change_nothing(
    root: Path, instance: dg.DagsterInstance
) -> None:
    record(instance, root)
    _, cursor = requested(instance)
    assert run(instance, root, SHARD, [SOURCE]).success
    assert run(instance, root, SHARD, [conversations.key]).success
    assert marked(instance) == set()
    assert requested(instance, cursor)[0] <= ANYWAY


def test_what_changes_later_is_named(
    root: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(instance, root)
    assert named(instance, FIRST_PHASE, "another prompt") == {KEY: ["its file or settings"]}
    excluded = Store(root).read(CONVERSATIONS, Partition(shard=SHARD))["conversation_id"][0]
    Store(root).exclude([excluded])
    assert run(instance, root, SHARD, [conversations.key]).success
    assert named(instance, FIRST_PHASE) == {KEY: ["conversations"]}
    assert {"annotated_system_messages", "source_lengths"} <= marked(instance)


def test_what_a_pilot_made_is_recorded_as_a_pilot_s(
    root: Path, instance: dg.DagsterInstance
) -> None:
    store = Store(root)
    rows = store.read(ANNOTATED, AT)
    left_out = pl.when(pl.int_range(pl.len()) > 2).then(pl.lit(NoAnswer.BEYOND_LIMIT.value))
    store.write(ANNOTATED, AT, rows.with_columns(drop_reason=left_out))
    record(instance, root)
    assert pilots(instance, FIRST_PHASE) == {KEY}


def test_damaged_files_and_those_with_other_columns_are_not_recorded(
    root: Path, instance: dg.DagsterInstance
) -> None:
    store = Store(root)
    other, cut, within = (Path(str(store.path(t, AT))) for t in (VERIFIED, ROW_QUALITY, FILTERED))
    pl.read_parquet(other, hive_partitioning=False).drop("engine").write_parquet(other)
    cut.write_bytes(b"PAR1")
    content = bytearray(within.read_bytes())
    content[100:400] = bytes(300)  # its footer is whole
    within.write_bytes(content)
    said = [line for line in record(instance, root) if not line.startswith("recorded ")]
    assert [line.split(" cannot be read")[0] for line in said] == [f"{FILTERED.name} for {KEY}"]
    lost = {VERIFIED.name, ROW_QUALITY.name, FILTERED.name}
    assert not lost & {name for name, _ in recorded(instance)}
