"""What runs by itself once it is switched on in the UI: the phases' gaps, and what follows them.

A schedule fills the phases a few partitions a tick, since a tick must not start a week of work at
once. What costs no GPU follows by declarative automation, when its inputs are all there. In the
queue what is small comes first, then what is repaired, then the rest.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from sysgen_dagster.defs.operations.staleness import named, out_of_date, pilots, watching
from sysgen_dagster.defs.plumbing.partitions import CATALOG, MODEL_SHARDS, MODELS, SHARDS
from sysgen_dagster.defs.sysgen_lane import (
    PHASES,
    SOURCES,
    aligned_responses,
    annotated_system_messages,
    conversations,
)

Condition = dg.AutomationCondition[Any]

# When all inputs are there and one of them has other rows; for a model that means all its shards.
FOLLOWS = dg.AutomationCondition.eager().replace(
    "any_deps_updated",
    dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.data_version_changed() | dg.AutomationCondition.will_be_requested()
    ).with_label("any_deps_changed"),
)
_SOURCES = dg.AssetSelection.assets(*SOURCES)
# Of what is measured of the sources: their conversations follow them, and it follows these.
FOLLOWS_CONVERSATIONS = FOLLOWS.ignore(_SOURCES)
# Of what a model wrote: other conversations mean nothing to it until the phases are made again.
FOLLOWS_PHASES = FOLLOWS.ignore(_SOURCES | dg.AssetSelection.assets(conversations))
# When an input is new, whatever else is missing: a report says what is not made.
WITH_WHAT_IS_THERE = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("with what is there")
# At the schedule's ticks, when something was made or the catalogue changed since the last look.
_LOOKS_AGAIN = (
    dg.AutomationCondition.cron_tick_passed(CATALOG.filling.cron)
    & dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.newly_updated() | dg.AutomationCondition.code_version_changed()
    ).since_last_handled()
).with_label("looks again")

# Of runs in the queue the one with the highest priority starts first; Dagster's own is 0.
_PRIORITY = "dagster/priority"
_SMALL = "10"
_REPAIR = "5"

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_PARTITION = "dagster/partition"

OUT_OF_DATE = watching([*SOURCES, conversations, *PHASES], _LOOKS_AGAIN)


def automated(
    assets: Sequence[dg.AssetsDefinition], condition: Condition
) -> Sequence[dg.AssetsDefinition]:
    """The assets, each made when the condition holds and the automation sensor is on."""
    return [
        asset.map_asset_specs(lambda spec: spec.replace_attributes(automation_condition=condition))
        for asset in assets
    ]


def following(assets: Sequence[dg.AssetsDefinition]) -> Sequence[dg.AssetsDefinition]:
    """The assets, each following the phases where it is of a model, else the conversations."""
    of_models = [each for each in assets if each.partitions_def in (MODELS, MODEL_SHARDS)]
    others = [each for each in assets if each not in of_models]
    return [
        *automated(of_models, FOLLOWS_PHASES),
        *automated(others, FOLLOWS_CONVERSATIONS),
    ]


def small_jobs(
    assets: Sequence[dg.AssetsDefinition],
) -> dg.AutomationConditionSensorDefinition:
    """The sensor that makes what follows and takes a minute at most, ahead of the queue."""
    return dg.AutomationConditionSensorDefinition(
        "small_jobs",
        target=dg.AssetSelection.assets(*assets),
        run_tags={_PRIORITY: _SMALL},
        description=(
            "Conversations follow their source; row measures, statistics, training rows and the "
            "report follow the phases, before the phases' next partitions start."
        ),
    )


def large_jobs(
    assets: Sequence[dg.AssetsDefinition],
) -> dg.AutomationConditionSensorDefinition:
    """The sensor that makes what follows and may take longer, in its turn."""
    return dg.AutomationConditionSensorDefinition(
        "large_jobs",
        target=dg.AssetSelection.assets(*assets),
        description="Diversity, like messages and benchmark items follow what they look at.",
    )


# One model and one shard through all four phases.
SYSGEN_JOB = dg.define_asset_job(
    "sysgen",
    selection=dg.AssetSelection.assets(*PHASES),
    description="One model and one shard through all four phases.",
)


@dg.schedule(
    cron_schedule=CATALOG.filling.cron,
    job=SYSGEN_JOB,
    description=(
        "Starts the next missing partitions of the phases whose conversations are there, a few a "
        "tick, one model until it is complete, first what failed before; not those that keep "
        "failing. With `refill_changed` then those whose conversations have changed since."
    ),
)
def fill_gaps(
    context: dg.ScheduleEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Requests for the next gaps, or why there is none."""
    instance, filling = context.instance, CATALOG.filling
    busy = _in_flight(instance)
    changed = _changed(instance) if filling.refill_changed else []
    given_up: list[str] = []
    for model, gaps in _gaps(instance, changed):
        failures = {key: _failures(instance, key) for key in gaps if key not in busy}
        given_up += [key for key, (_, too_often) in failures.items() if too_often]
        repairs = [key for key, (before, too_often) in failures.items() if before and not too_often]
        waiting = repairs + [key for key, (before, _) in failures.items() if not before]
        room = filling.partitions_a_tick - sum(key in busy for key in gaps)
        for key in waiting[: max(room, 0)]:
            yield dg.RunRequest(
                run_key=f"{context.scheduled_execution_time:%Y%m%dT%H%M}/{key}",
                partition_key=key,
                tags={_PRIORITY: _REPAIR} if key in repairs else {},
            )
        if waiting or any(key in busy for key in gaps):
            if room <= 0:
                yield dg.SkipReason(f"{model}: {filling.partitions_a_tick} runs are in flight")
            return  # one model until it is complete: another one would take its place on the GPU
    if not filling.refill_changed:
        changed = _changed(instance)  # only now: at 3,000 partitions it takes seconds
    told = {"keep failing": given_up, "were made from conversations that have changed": changed}
    said = [f"{named(keys)} {what}" for what, keys in told.items() if keys]
    yield dg.SkipReason("; ".join(["no gaps that can be filled", *said]))


def _gaps(instance: dg.DagsterInstance, changed: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each model's partitions to be made: missing ones and pilots, then what is made again."""
    ready = instance.get_materialized_partitions(conversations.key)
    made = instance.get_materialized_partitions(aligned_responses.key)
    made -= pilots(instance, annotated_system_messages.key)
    shards = [shard for shard in SHARDS.get_partition_keys() if shard in ready]
    for model in CATALOG.models:
        keys = (f"{model}|{shard}" for shard in shards)
        yield model, [key for key in keys if key not in made]
    for model in CATALOG.models:
        yield model, [key for key in changed if key.startswith(f"{model}|")]


def _changed(instance: dg.DagsterInstance) -> list[str]:
    """Partitions made from conversations that have other rows now, in their order."""
    upstream = [conversations.key]
    phases = (annotated_system_messages, aligned_responses)  # the two that read conversations
    found = {key for phase in phases for key in out_of_date(instance, phase.key, upstream)}
    keys = (f"{model}|{shard}" for model in CATALOG.models for shard in SHARDS.get_partition_keys())
    return [key for key in keys if key in found]


def _in_flight(instance: dg.DagsterInstance) -> set[str]:
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    return {run.tags[_PARTITION] for run in runs if _PARTITION in run.tags}


def _failures(instance: dg.DagsterInstance, key: str) -> tuple[bool, bool]:
    """Whether the partition failed before, and whether so often that it is left alone.

    What failed before its conversations were last made may work now.
    """
    runs = instance.get_run_records(
        dg.RunsFilter(tags={_PARTITION: key}, statuses=[dg.DagsterRunStatus.FAILURE])
    )
    phases = {asset.key for asset in PHASES}
    failed = [
        run for run in runs if not phases.isdisjoint(run.dagster_run.asset_selection or phases)
    ]
    made_at = _made_at(instance, key.partition("|")[-1]) if failed else 0.0
    since = sum(run.create_timestamp.timestamp() > made_at for run in failed)
    return bool(failed), since >= CATALOG.filling.most_failures


def _made_at(instance: dg.DagsterInstance, shard: str) -> float:
    """When the conversations of a shard were last made, in seconds of Unix time."""
    [record] = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=conversations.key, asset_partitions=[shard]), limit=1
    ).records
    return record.timestamp
