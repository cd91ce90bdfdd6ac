"""Which runs of the queue start, in which order, under the settings that are shipped."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.commands.dagster_home import write_settings
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.judgements import pool_of_judges
from sysgen_dagster.defs.measures import CORPUS, near_duplicate_questions, row_quality
from sysgen_dagster.defs.plumbing.partitions import CATALOG, MODEL_SHARDS, SHARDS
from sysgen_dagster.defs.sysgen_lane import PHASES, SOURCES, conversations
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster_tests.dagster_internals import (
    ConfigurableClass,
    ConfigurableClassData,
    EmptyWorkspaceTarget,
    LaunchRunContext,
    QueuedRunCoordinatorDaemon,
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
    RunLauncher,
    WorkspaceProcessContext,
)

FIRST, SECOND, _ = CATALOG.models
SHARD, OTHER, *_ = SHARDS.get_partition_keys()
EVERYTHING = defs.resolve_implicit_global_asset_job_def()
ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("sysgen"), "__repository__"),
    EVERYTHING.name,
)
PHASE_KEYS = [phase.key for phase in PHASES]


class NeverEnds(RunLauncher, ConfigurableClass):
    """Notes which runs are started; they stay as they are until the test ends them."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__()
        self._inst_data = inst_data
        self.started: list[str] = []

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "NeverEnds":
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        self.started.append(context.dagster_run.run_id)

    def terminate(self, run_id: str) -> bool:
        raise NotImplementedError


class Queue:
    """The run queue of one instance, one look of its daemon at a time."""

    def __init__(self, home: Path) -> None:
        write_settings(home)
        with (home / "dagster.yaml").open("a") as settings:
            settings.write(f"run_launcher: {{module: {__name__}, class: NeverEnds}}\n")
        self.home = home
        self.instance = dg.DagsterInstance.from_config(str(home))
        self._names: dict[str, str] = {}

    def add(self, name: str, assets: list[dg.AssetKey], partition: str, priority: int = 0) -> None:
        """Put a run of these assets at the end."""
        tags = {"dagster/partition": partition}
        if "|" in partition:
            tags = dict(MODEL_SHARDS.get_tags_for_partition_key(partition))
        job = EVERYTHING.get_subset(asset_selection=set(assets))
        run = self.instance.create_run_for_job(
            job,
            tags=tags | ({"dagster/priority": str(priority)} if priority else {}),
            status=dg.DagsterRunStatus.QUEUED,
            remote_job_origin=ORIGIN,
        )
        self._names[run.run_id] = name

    def look(self) -> set[str]:
        """What the daemon starts now, all at the same time."""
        launcher = self.instance.run_launcher
        assert isinstance(launcher, NeverEnds)
        launcher.started.clear()
        with (
            WorkspaceProcessContext(self.instance, EmptyWorkspaceTarget()) as workspace,
            QueuedRunCoordinatorDaemon(interval_seconds=1) as daemon,
        ):
            for _ in daemon.run_iteration(workspace):
                pass
        return {self._names[run_id] for run_id in launcher.started}

    def end(self, name: str) -> None:
        """The run of that name comes to its end."""
        [run_id] = [run_id for run_id, each in self._names.items() if each == name]
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        self.instance.report_run_canceled(run)


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Queue]:
    """The queue of an instance that has never run anything."""
    queue = Queue(tmp_path)
    with queue.instance:
        yield queue


@pytest.fixture
def queue(new: Queue) -> Queue:
    """The queue of an instance that has used every pool before."""
    for pool in ("gpu", "hub", "judge"):
        new.instance.event_log_storage.initialize_concurrency_limit_to_default(pool)
    return new


def test_dagster_limits_a_pool_only_after_it_has_seen_it_once(new: Queue) -> None:
    """So a new DAGSTER_HOME is given its limits when it is made; engines have locks besides."""
    new.add("first", PHASE_KEYS, f"{FIRST}|{SHARD}")
    new.add("second", PHASE_KEYS, f"{SECOND}|{SHARD}")
    assert new.look() == {"first", "second"}
    new.end("first")
    new.add("third", PHASE_KEYS, f"{FIRST}|{OTHER}")
    assert new.look() == set()


def test_two_models_never_use_the_gpu_at_once_and_what_needs_none_runs_beside_them(
    queue: Queue,
) -> None:
    queue.add("first", PHASE_KEYS, f"{FIRST}|{SHARD}")
    queue.add("second", PHASE_KEYS, f"{SECOND}|{SHARD}")
    queue.add("conversations", [conversations.key], OTHER)
    queue.add("row_quality", [row_quality.key], f"{SECOND}|{OTHER}")
    assert queue.look() == {"first", "conversations", "row_quality"}
    assert queue.look() == set()
    queue.end("conversations")
    assert queue.look() == set()
    queue.end("first")
    assert queue.look() == {"second"}


def test_what_is_small_starts_first_then_what_is_repaired_then_the_rest(queue: Queue) -> None:
    queue.add("rest", PHASE_KEYS, f"{FIRST}|{SHARD}")
    queue.add("repair", PHASE_KEYS, f"{FIRST}|{OTHER}", priority=5)
    queue.add("small", [row_quality.key], f"{FIRST}|{SHARD}", priority=10)
    assert queue.look() == {"small", "repair"}
    queue.end("repair")
    assert queue.look() == {"rest"}


def test_small_jobs_however_many_leave_the_gpu_its_place(queue: Queue) -> None:
    queue.add("phases", PHASE_KEYS, f"{FIRST}|{SHARD}")
    for shard in SHARDS.get_partition_keys()[:4]:
        queue.add(shard, [row_quality.key], f"{FIRST}|{shard}", priority=10)
    assert queue.look() == {SHARD, OTHER, "phases"}


def test_one_model_never_takes_every_place(queue: Queue) -> None:
    for shard in SHARDS.get_partition_keys()[:4]:
        queue.add(shard, [row_quality.key], f"{FIRST}|{shard}")
    queue.add("another", [row_quality.key], f"{SECOND}|{SHARD}")
    assert queue.look() == {*SHARDS.get_partition_keys()[:3], "another"}


def test_one_command_lets_two_runs_use_gpus_at_once(queue: Queue) -> None:
    for name, model in {"first": FIRST, "second": SECOND}.items():
        queue.add(name, PHASE_KEYS, f"{model}|{SHARD}")
    command = ["instance", "concurrency", "set", "gpu", "2"]
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "dagster", *command],
        env={"DAGSTER_HOME": str(queue.home), "PATH": ""},
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert queue.look() == {"first", "second"}


def test_of_the_hub_one_run_at_a_time_fetches(queue: Queue) -> None:
    for name, shard in {"one": SHARD, "two": OTHER}.items():
        queue.add(name, [SOURCES[0].key], shard)
    assert queue.look() == {"one"}


# Pools and priorities


def _judged_by(judge: str | None, *remote: str) -> Catalog:
    served = {
        name: model.model_copy(
            update={"engine": Engine.ENDPOINT if name in remote else Engine.VLLM}
        )
        for name, model in CATALOG.models.items()
    }
    judging = CATALOG.judging.model_copy(update={"judge": judge})
    return CATALOG.model_copy(update={"models": served, "judging": judging})


@pytest.mark.parametrize(
    ("judge", "remote", "pool"),
    [
        (FIRST, [FIRST], "judge"),
        (FIRST, [SECOND], "gpu"),
        (None, list(CATALOG.models), "judge"),
        (None, [FIRST], "gpu"),
    ],
    ids=["one_elsewhere", "one_here", "each_itself_elsewhere", "each_itself_some_here"],
)
def test_a_judge_that_is_served_elsewhere_leaves_the_gpu_to_others(
    judge: str | None, remote: list[str], pool: str
) -> None:
    assert pool_of_judges(_judged_by(judge, *remote)) == pool


def test_what_follows_by_itself_goes_ahead_of_the_queue_unless_it_may_take_long() -> None:
    small, large = (
        next(each for each in defs.sensors or () if each.name == name)
        for name in ("small_jobs", "large_jobs")
    )
    assert isinstance(small, dg.AutomationConditionSensorDefinition)
    assert isinstance(large, dg.AutomationConditionSensorDefinition)
    graph = defs.resolve_asset_graph()
    automated = {
        key for key in graph.materializable_asset_keys if graph.get(key).automation_condition
    }
    may_take_long = {asset.key for asset in CORPUS} - {near_duplicate_questions.key}
    assert large.asset_selection.resolve(graph) == may_take_long
    assert small.asset_selection.resolve(graph) == automated - may_take_long
    assert small.run_tags == {"dagster/priority": "10"}
    assert "dagster/priority" not in large.run_tags
