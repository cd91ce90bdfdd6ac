"""Runs of killed processes are ended, those that live are not, and their partitions are gaps."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.operations import dead_runs as module
from sysgen_dagster.defs.operations.automation import fill_gaps
from sysgen_dagster.defs.operations.dead_runs import dead_runs, end_dead_runs
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SHARDS
from sysgen_dagster.defs.sysgen_lane import conversations
from sysgen_dagster_tests.dagster_internals import instance_for_test
from sysgen_dagster_tests.defs.plumbing.test_run_workers import LOCAL, begun_by, mark_of, working

KEY = f"{next(iter(CATALOG.models))}|{SHARDS.get_partition_keys()[0]}"
JOB = defs.resolve_job_def("sysgen")
NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
Status = dg.DagsterRunStatus


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """The conversations of one shard are made, and nothing else."""
    with instance_for_test() as instance:
        made = dg.AssetMaterialization(conversations.key, partition=KEY.partition("|")[-1])
        instance.report_runless_asset_event(made)
        yield instance


def begin(instance: dg.DagsterInstance, status: Status = Status.STARTED) -> dg.DagsterRun:
    tags = {"dagster/partition": KEY, **LOCAL}
    return instance.create_run_for_job(JOB, status=status, tags=tags)


def kill(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    with working(instance, run):
        pass


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Status:
    [now] = instance.get_runs(dg.RunsFilter(run_ids=[run.run_id]))
    return now.status


def asked_for(instance: dg.DagsterInstance) -> list[str]:
    """The partitions that the schedule asks for."""
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=NOW) as context:
        said: Any = fill_gaps(context)
        return [str(each.partition_key) for each in said if isinstance(each, dg.RunRequest)]


def test_the_code_location_has_the_sensor_and_it_is_on() -> None:
    found = defs.resolve_sensor_def("dead_runs")
    assert found.default_status is dg.DefaultSensorStatus.RUNNING


def test_the_sensor_fails_a_killed_run_and_its_partition_is_asked_for_again(
    instance: dg.DagsterInstance,
) -> None:
    run = begin(instance)
    with working(instance, run):
        said = [_tick(instance)]
        assert status(instance, run) is Status.STARTED
    assert asked_for(instance) == []
    said += [_tick(instance), _tick(instance)]
    lives = "every run that was begun here lives"
    assert said == [lives, f"failed {run.run_id} {KEY}", lives]
    assert status(instance, run) is Status.FAILURE
    assert asked_for(instance) == [KEY]
    assert not mark_of(instance, run).exists()


def _tick(instance: dg.DagsterInstance) -> str:
    with dg.build_sensor_context(instance=instance) as context:
        return str(dead_runs.evaluate_tick(context).skip_message)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Status.STARTING, Status.FAILURE),
        (Status.STARTED, Status.FAILURE),
        (Status.CANCELING, Status.CANCELED),
        (Status.SUCCESS, Status.SUCCESS),
        (Status.FAILURE, Status.FAILURE),
        (Status.CANCELED, Status.CANCELED),
        (Status.NOT_STARTED, Status.NOT_STARTED),
    ],
)
def test_what_becomes_of_a_run_whose_process_is_gone(
    instance: dg.DagsterInstance, before: Status, after: Status
) -> None:
    run = begin(instance, before)
    kill(instance, run)
    list(end_dead_runs(instance))
    assert status(instance, run) is after


def test_a_run_that_ends_while_it_is_looked_at_is_not_failed(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(instance)

    def ends(*_: object) -> bool:
        instance.report_run_canceled(run)
        return True

    monkeypatch.setattr(module, "is_dead", ends)
    assert list(end_dead_runs(instance)) == []
    assert status(instance, run) is Status.CANCELED


def test_of_many_runs_those_that_live_go_on(instance: dg.DagsterInstance) -> None:
    dead, alive, unknown = begin(instance), begin(instance), begin(instance)
    kill(instance, dead)
    begun_by(instance, unknown, os.getpid())
    with working(instance, alive):
        assert len(list(end_dead_runs(instance))) == 1
        assert [status(instance, run) for run in (dead, alive, unknown)] == [
            Status.FAILURE,
            Status.STARTED,
            Status.STARTED,
        ]


def test_runs_of_another_deployment_are_none_of_ours(instance: dg.DagsterInstance) -> None:
    with instance_for_test() as other:
        run = begin(other)
        kill(other, run)
        assert list(end_dead_runs(instance)) == []
        assert status(other, run) is Status.STARTED


def test_a_launcher_that_watches_its_runs_is_left_to_it(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(instance)
    kill(instance, run)
    launcher = type(instance.run_launcher)
    monkeypatch.setattr(launcher, "supports_check_run_worker_health", property(lambda _: True))
    assert list(end_dead_runs(instance)) == []
    assert status(instance, run) is Status.STARTED
