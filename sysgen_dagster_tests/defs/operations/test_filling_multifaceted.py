"""The schedule of the second lane."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.multifaceted_lane import STEPS, instructions
from sysgen_dagster.defs.multifaceted_training import AFTER_ANSWERS
from sysgen_dagster.defs.operations.filling_multifaceted import fill_multifaceted
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.versions import CUT, PILOT

FIRST, SECOND, _ = CATALOG.models
SHARDS = CATALOG.lane_shards["multifaceted"]
JOB, FIRST_LANE = defs.resolve_job_def("multifaceted"), defs.resolve_job_def("sysgen")
NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """The instructions are made, and nothing else."""
    with dg.instance_for_test() as instance:
        for shard in SHARDS:
            _made(instance, instructions, shard)
        yield instance


def _made(
    instance: dg.DagsterInstance, asset: dg.AssetsDefinition, partition: str, **tags: str
) -> None:
    instance.report_runless_asset_event(
        dg.AssetMaterialization(asset.key, partition=partition, tags=tags)
    )


def _made_all(instance: dg.DagsterInstance, key: str, **tags: str) -> None:
    for asset in (*STEPS, *AFTER_ANSWERS):
        _made(instance, asset, key, **tags)


def _run(
    instance: dg.DagsterInstance,
    key: str,
    status: dg.DagsterRunStatus,
    job: dg.JobDefinition = JOB,
) -> None:
    instance.create_run_for_job(job, tags={"dagster/partition": key}, status=status)


def _tick(instance: dg.DagsterInstance) -> tuple[list[str], str]:
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=NOW) as context:
        said = list(fill_multifaceted(context))
    asked = [each.partition_key for each in said if isinstance(each, dg.RunRequest)]
    why = "; ".join(str(each.skip_message) for each in said if isinstance(each, dg.SkipReason))
    return [str(key) for key in asked], why


def _asked_assets(instance: dg.DagsterInstance) -> list[set[dg.AssetKey]]:
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=NOW) as context:
        said = list(fill_multifaceted(context))
    return [{*(each.asset_selection or ())} for each in said if isinstance(each, dg.RunRequest)]


def _keys(model: str) -> list[str]:
    return [f"{model}|{shard}" for shard in SHARDS]


def test_one_model_is_filled_before_the_next(instance: dg.DagsterInstance) -> None:
    assert _tick(instance) == (_keys(FIRST), "")

    for key in _keys(FIRST):
        _made_all(instance, key)
    assert _tick(instance) == (_keys(SECOND), "")


def test_only_shards_whose_instructions_are_there_are_asked_for() -> None:
    with dg.instance_for_test() as instance:
        assert _tick(instance) == ([], "no gaps that can be filled")

        _made(instance, instructions, SHARDS[1])
        assert _tick(instance)[0] == [f"{FIRST}|{SHARDS[1]}"]


def test_nothing_is_missing_when_every_partition_is_made(instance: dg.DagsterInstance) -> None:
    for model in CATALOG.models:
        for key in _keys(model):
            _made_all(instance, key)

    assert _tick(instance) == ([], "no gaps that can be filled")


@pytest.mark.parametrize("tags", [{PILOT: "true"}, {CUT: "7"}])
def test_a_pilot_and_rows_of_another_cut_are_gaps(
    instance: dg.DagsterInstance, tags: dict[str, str]
) -> None:
    for key in _keys(FIRST):
        _made_all(instance, key, **(tags if key.endswith(SHARDS[0]) else {}))

    assert _tick(instance)[0] == [f"{FIRST}|{SHARDS[0]}"]


@pytest.mark.parametrize("last", range(len(AFTER_ANSWERS)))
def test_answers_that_were_not_made_into_pairs_are_once_all_are_written(
    instance: dg.DagsterInstance, last: int
) -> None:
    """Also where a run was killed after the judge's verdicts."""
    first, second = _keys(FIRST)
    for model in CATALOG.models:
        for key in _keys(model):
            for asset in (*STEPS, *AFTER_ANSWERS[: last if key == second else None]):
                _made(instance, asset, key)

    assert _tick(instance) == ([second], "")
    assert _asked_assets(instance) == [{asset.key for asset in AFTER_ANSWERS}]
    for step in STEPS:
        _made(instance, step, first, **{PILOT: "true"})
    assert _tick(instance) == ([first], "")
    assert _asked_assets(instance) == [{asset.key for asset in (*STEPS, *AFTER_ANSWERS)}]


def test_it_waits_while_the_first_lane_is_filled(instance: dg.DagsterInstance) -> None:
    _run(instance, "x|y", dg.DagsterRunStatus.STARTED, FIRST_LANE)

    assert _tick(instance) == ([], "runs of the first lane are going")


def test_a_partition_in_flight_is_not_asked_for_again(instance: dg.DagsterInstance) -> None:
    first, second = _keys(FIRST)
    _run(instance, first, dg.DagsterRunStatus.STARTED)

    assert _tick(instance) == ([second], "")


def test_what_failed_goes_first_and_is_left_alone_after_too_many_times(
    instance: dg.DagsterInstance,
) -> None:
    first, second = _keys(FIRST)
    _run(instance, second, dg.DagsterRunStatus.FAILURE)
    assert _tick(instance) == ([second, first], "")

    for _ in range(CATALOG.filling.most_failures):
        _run(instance, second, dg.DagsterRunStatus.FAILURE)
    assert _tick(instance) == ([first], "")


def test_the_first_lane_s_schedule_and_job_know_nothing_of_it() -> None:
    made = {asset.key for asset in (*STEPS, *AFTER_ANSWERS)}
    assert {*JOB.asset_layer.selected_asset_keys} == made
    assert {*FIRST_LANE.asset_layer.selected_asset_keys}.isdisjoint(
        JOB.asset_layer.selected_asset_keys
    )
