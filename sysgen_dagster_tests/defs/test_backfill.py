"""Sources and all that follows chosen in the UI: the runs that Dagster's backfill asks for.

What is asked for comes from the daemon's own iterations. What a run would make is only recorded as
made.
"""

import logging
import sys
from collections import deque

import dagster as dg
import pytest

from sysgen_dagster.defs.measures import row_quality
from sysgen_dagster.defs.plumbing.partitions import MODEL_SHARDS
from sysgen_dagster.defs.sysgen_lane import PHASES, SOURCES, conversations
from sysgen_dagster_tests.dagster_internals import (
    BACKFILL_ID_TAG,
    AssetBackfillData,
    AssetGraphView,
    InProcessCodeLocationOrigin,
    InProcessWorkspaceLoadTarget,
    LoadableTargetOrigin,
    StepMaterializationData,
    TemporalContext,
    WorkspaceProcessContext,
    create_run_for_test,
    execute_asset_backfill_iteration_inner,
    instance_for_test,
)

ID = "everything"
OF_SHARDS = {*(phase.key for phase in PHASES), row_quality.key}
KEYS = {*(source.key for source in SOURCES), conversations.key, *OF_SHARDS}
MADE = dg.DagsterEventType.ASSET_MATERIALIZATION.value


def made_by(run: dg.RunRequest) -> frozenset[dg.AssetKey]:
    return frozenset(run.asset_selection or ())


class Backfill:
    """A backfill of every partition of these assets, of which nothing is made yet."""

    def __init__(self, instance: dg.DagsterInstance, workspace: WorkspaceProcessContext) -> None:
        self.instance = instance
        self.run_id = create_run_for_test(instance, tags={BACKFILL_ID_TAG: ID}).run_id
        self.graph = workspace.create_request_context().asset_graph
        self.data = AssetBackfillData.from_asset_partitions(
            asset_graph=self.graph,
            partition_names=None,
            asset_selection=sorted(KEYS),
            dynamic_partitions_store=instance,
            backfill_start_timestamp=0.0,
            all_partitions=True,
        )

    def iterate(self) -> list[dg.RunRequest]:
        """The runs that the daemon's next iteration asks for."""
        now = TemporalContext(effective_dt=self.data.backfill_start_datetime, last_event_id=None)
        view = AssetGraphView(temporal_context=now, instance=self.instance, asset_graph=self.graph)
        result = execute_asset_backfill_iteration_inner(
            ID, self.data, view, 0.0, logging.getLogger(ID), None
        )
        self.data = result.backfill_data.with_run_requests_submitted(result.run_requests, view)
        return list(result.run_requests)

    def finish(self, request: dg.RunRequest) -> None:
        """Record what a run would have made."""
        for key in made_by(request):
            made = dg.AssetMaterialization(key, partition=request.partition_key)
            data = StepMaterializationData(made)
            event = dg.DagsterEvent(MADE, "made", event_specific_data=data)
            self.instance.report_dagster_event(event, self.run_id)


def materialize() -> list[dg.RunRequest]:
    """All runs of a backfill, of which one ends between two iterations, as from a queue."""
    code = LoadableTargetOrigin(
        executable_path=sys.executable, module_name="sysgen_dagster.definitions"
    )
    target = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(code, location_name="here"))
    ended: list[dg.RunRequest] = []
    with instance_for_test() as instance, WorkspaceProcessContext(instance, target) as workspace:
        backfill = Backfill(instance, workspace)
        waiting = deque(backfill.iterate())
        while waiting:
            ended.append(waiting.popleft())
            backfill.finish(ended[-1])
            waiting += backfill.iterate()
    return ended


# The daemon itself uses what Dagster calls deprecated.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_one_run_takes_a_model_and_a_shard_through_all_phases_and_measures_the_rows() -> None:
    of_shards = [run for run in materialize() if not OF_SHARDS.isdisjoint(made_by(run))]
    assert {made_by(run) for run in of_shards} == {frozenset(OF_SHARDS)}
    partitions = [str(run.partition_key) for run in of_shards]
    assert sorted(partitions) == sorted(MODEL_SHARDS.get_partition_keys())
