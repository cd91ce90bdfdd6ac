"""The second lane's job, from instructions to pairs, and the schedule that fills its partitions.

A job of Dagster has partitions of one kind, and a schedule starts one job: the lane has its own of
both. The first lane comes first: while runs of its job are going, this schedule starts nothing,
since two models would take turns on the GPU.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from sysgen_dagster.defs.multifaceted_lane import STEPS, instructions
from sysgen_dagster.defs.multifaceted_training import (
    AFTER_ANSWERS,
    JUDGES_STAND_ASIDE,
    judged_pairs,
)
from sysgen_dagster.defs.operations.automation import REPAIR, SYSGEN_JOB, UNFINISHED
from sysgen_dagster.defs.operations.staleness import (
    cut_otherwise,
    out_of_date,
    pilots,
    summarize_names,
)
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.lanes.multifaceted.tables import LANE

_PARTITION = "dagster/partition"
_FIRST, _LAST = STEPS[0].key, STEPS[-1].key
_AFTER = [asset.key for asset in AFTER_ANSWERS]
_AT_ONCE = [*(step.key for step in STEPS), *([] if JUDGES_STAND_ASIDE else _AFTER)]

MULTIFACETED_JOB = dg.define_asset_job(
    LANE,
    selection=dg.AssetSelection.assets(*STEPS, *AFTER_ANSWERS),
    description=(
        "One model and one shard of instructions through preference sets, messages and answers, "
        "then to training rows and judged preference pairs. `fill_multifaceted` starts it."
    ),
)


@dg.schedule(
    cron_schedule=CATALOG.filling.cron,
    job=MULTIFACETED_JOB,
    description=(
        "Starts the next missing partitions of the second lane whose instructions are there, a few "
        "a tick, one model until it is complete, first what failed before; not those that keep "
        "failing. Then those whose answers are not made into pairs yet. It waits while runs of the "
        "first lane are going."
    ),
)
def fill_multifaceted(
    context: dg.ScheduleEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Requests for the next gaps, or why there is none."""
    instance, most = context.instance, CATALOG.filling.partitions_a_tick
    if instance.get_runs(dg.RunsFilter(job_name=SYSGEN_JOB.name, statuses=UNFINISHED), limit=1):
        yield dg.SkipReason("runs of the first lane are going")
        return
    unfinished = instance.get_runs(dg.RunsFilter(job_name=LANE, statuses=UNFINISHED))
    busy = {run.tags[_PARTITION] for run in unfinished if _PARTITION in run.tags}
    given_up: list[str] = []
    for gaps, assets in _gaps(instance):
        failed = {key: _failures(instance, key, assets) for key in gaps if key not in busy}
        given_up += [key for key, times in failed.items() if times >= CATALOG.filling.most_failures]
        waiting = sorted(failed.keys() - {*given_up}, key=lambda key: (not failed[key], key))
        for key in waiting[: max(most - len(busy & {*gaps}), 0)]:
            yield dg.RunRequest(
                run_key=f"{context.scheduled_execution_time:%Y%m%dT%H%M}/{key}",
                partition_key=key,
                asset_selection=assets,
                tags=REPAIR if failed[key] else {},
            )
        if waiting or busy & {*gaps}:
            return  # one model until it is complete
    left = f"; {summarize_names(given_up)} keep failing" if given_up else ""
    yield dg.SkipReason(f"no gaps that can be filled{left}")


def _gaps(instance: dg.DagsterInstance) -> Iterator[tuple[list[str], list[dg.AssetKey]]]:
    """Partitions whose instructions are made, model by model, and which assets of them to make.

    First those that are missing, or a pilot; then those whose answers were not made into pairs
    yet, or are others than those that were judged.
    """
    ready = instance.get_materialized_partitions(instructions.key)
    ready -= cut_otherwise(instance, instructions.key, CATALOG.shards_of)
    whole = instance.get_materialized_partitions(_LAST) - pilots(instance, _FIRST)
    whole -= cut_otherwise(instance, _FIRST, CATALOG.shards_of)
    paired = set.intersection(*map(instance.get_materialized_partitions, _AFTER))
    paired -= out_of_date(instance, judged_pairs.key, [_LAST]).keys()
    shards = [shard for shard in CATALOG.lane_shards[LANE] if shard in ready]
    keys = {model: [f"{model}|{shard}" for shard in shards] for model in CATALOG.models}
    for of in keys.values():
        yield [key for key in of if key not in whole], _AT_ONCE
    for of in keys.values():
        yield [key for key in of if key in whole and key not in paired], _AFTER


def _failures(instance: dg.DagsterInstance, key: str, assets: Sequence[dg.AssetKey]) -> int:
    """How often runs of these assets failed since a partition's instructions were last made."""
    runs = instance.get_run_records(
        dg.RunsFilter(job_name=LANE, tags={_PARTITION: key}, statuses=[dg.DagsterRunStatus.FAILURE])
    )
    wanted = dg.AssetRecordsFilter(
        asset_key=instructions.key, asset_partitions=[key.partition("|")[-1]]
    )
    [made] = instance.fetch_materializations(wanted, limit=1).records
    return sum(
        run.create_timestamp.timestamp() > made.timestamp
        and not {*assets}.isdisjoint(run.dagster_run.asset_selection or assets)
        for run in runs
    )
