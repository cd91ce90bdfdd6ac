"""The schedule and the automation sensors, which start runs once they are switched on in the UI.

The schedule starts runs of the phases and of `obedience` for missing partitions, a few a tick,
since a tick must not start a week of work at once. Assets that need no GPU are made by declarative
automation when all their inputs are stored. In the run queue small jobs start first, then
partitions that failed before, then the rest.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import dagster as dg

from sysgen_dagster.defs.conflicts import CONFLICTS
from sysgen_dagster.defs.exports import exports
from sysgen_dagster.defs.judgements import JUDGEMENTS
from sysgen_dagster.defs.measures import CORPUS, QUALITY
from sysgen_dagster.defs.multifaceted_bench import BENCH
from sysgen_dagster.defs.multifaceted_lane import MULTIFACETED
from sysgen_dagster.defs.multifaceted_training import JUDGED, MULTIFACETED_TRAINING
from sysgen_dagster.defs.obedience import JUDGE_STANDS_ASIDE, obedience, obedience_counts
from sysgen_dagster.defs.operations.staleness import (
    cut_otherwise,
    out_of_date,
    pilots,
    summarize_names,
    watching,
)
from sysgen_dagster.defs.operations.wanting import find_needed
from sysgen_dagster.defs.planted_faults import planted_faults
from sysgen_dagster.defs.plumbing.partitions import CATALOG, MODEL_SHARDS, MODELS, SHARDS
from sysgen_dagster.defs.plumbing.resources import tables_here
from sysgen_dagster.defs.review import review_decisions
from sysgen_dagster.defs.sysgen_lane import (
    PHASES,
    SOURCES,
    aligned_responses,
    annotated_system_messages,
    conversations,
)
from sysgen_dagster.defs.training_sets import TRAINING, mixtures

Condition = dg.AutomationCondition[Any]

# Holds when all inputs are stored and the rows of one of them have changed. For an asset with a
# partition for each model, all shards of the model are its inputs.
FOLLOWS = dg.AutomationCondition.eager().replace(
    "any_deps_updated",
    dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.data_version_changed() | dg.AutomationCondition.will_be_requested()
    ).with_label("any_deps_changed"),
)
_SOURCES = dg.AssetSelection.assets(*SOURCES)
# For assets that read the conversations: a changed source changes these first, and only then them.
FOLLOWS_CONVERSATIONS = FOLLOWS.ignore(_SOURCES)
# For assets that read what a model wrote: changed conversations do not change it until the phases
# are made again.
FOLLOWS_PHASES = FOLLOWS.ignore(_SOURCES | dg.AssetSelection.assets(conversations))
# Holds when an input was made, even if others are missing: a report names the missing ones.
WITH_WHAT_IS_THERE = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("with what is there")
# Holds at the schedule's ticks, when an input was made or the catalogue changed since the last run.
_CHANGED: Condition = (
    dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.newly_updated() | dg.AutomationCondition.code_version_changed()
    )
    | dg.AutomationCondition.code_version_changed()
)
_LOOKS_AGAIN = (
    dg.AutomationCondition.cron_tick_passed(CATALOG.filling.cron) & _CHANGED.since_last_handled()
).with_label("looks again")

# Tags of runs: the queued run with the highest priority starts first. Runs without the tag have 0.
SMALL = {"dagster/priority": "10"}
REPAIR = {"dagster/priority": "5"}

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_PARTITION = "dagster/partition"

OUT_OF_DATE = watching(
    [
        *(*SOURCES, conversations, *PHASES, obedience, obedience_counts),
        *(*JUDGEMENTS, *CONFLICTS, planted_faults),
        *(*QUALITY, *CORPUS, *TRAINING, review_decisions, mixtures, exports),
        *(*MULTIFACETED, *JUDGED, *MULTIFACETED_TRAINING, *BENCH),
    ],
    _LOOKS_AGAIN,
)


def automated(
    assets: Sequence[dg.AssetsDefinition], condition: Condition
) -> Sequence[dg.AssetsDefinition]:
    """The assets, each made when the condition holds and the automation sensor is on."""
    return [
        asset.map_asset_specs(lambda spec: spec.replace_attributes(automation_condition=condition))
        for asset in assets
    ]


def following(assets: Sequence[dg.AssetsDefinition]) -> Sequence[dg.AssetsDefinition]:
    """The assets, made after the phases if partitioned by model, else after the conversations."""
    by_model = [each for each in assets if each.partitions_def in (MODELS, MODEL_SHARDS)]
    rest = [each for each in assets if each not in by_model]
    return [*automated(by_model, FOLLOWS_PHASES), *automated(rest, FOLLOWS_CONVERSATIONS)]


SYSGEN_JOB = dg.define_asset_job(
    "sysgen",
    selection=dg.AssetSelection.assets(*PHASES, obedience),
    description=(
        "One model and one shard through all four phases, then whether the answers obey. "
        "`fill_gaps` starts it."
    ),
)


@dg.schedule(
    cron_schedule=CATALOG.filling.cron,
    job=SYSGEN_JOB,
    description=(
        "Starts the next missing partitions of the phases whose conversations are there, a few a "
        "tick, one model until it is complete, first what failed before; not those that keep "
        "failing, nor those that no recipe needs, as it has its `rows`. Then those of `obedience` "
        "that are missing yet; with `refill_changed` then the partitions whose conversations have "
        "changed since."
    ),
)
def fill_gaps(
    context: dg.ScheduleEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Requests for the next gaps, or why there is none."""
    instance, filling = context.instance, CATALOG.filling
    unfinished = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    busy = {run.tags[_PARTITION] for run in unfinished if _PARTITION in run.tags}
    changed = _changed(instance) if filling.refill_changed else []
    given_up: list[str] = []
    not_needed: list[str] = []
    for model, gaps, assets in _gaps(instance, changed, not_needed):
        failures = {key: _failures(instance, key, assets) for key in gaps if key not in busy}
        given_up += [key for key, (_, too_often) in failures.items() if too_often]
        repairs = [key for key, (before, too_often) in failures.items() if before and not too_often]
        waiting = repairs + [key for key, (before, _) in failures.items() if not before]
        room = filling.partitions_a_tick - sum(key in busy for key in gaps)
        for key in waiting[: max(room, 0)]:
            yield dg.RunRequest(
                run_key=f"{context.scheduled_execution_time:%Y%m%dT%H%M}/{key}",
                partition_key=key,
                asset_selection=assets,
                tags=REPAIR if key in repairs else {},
            )
        if waiting or any(key in busy for key in gaps):
            if room <= 0:
                yield dg.SkipReason(f"{model}: {filling.partitions_a_tick} runs are in flight")
            return  # one model until it is complete: another one would take its place on the GPU
    if not filling.refill_changed:
        changed = _changed(instance)  # only now: at 3,000 partitions it takes seconds
    other_cut = sorted(cut_otherwise(instance, conversations.key, CATALOG.shards_of))
    left_out = {
        "keep failing": given_up,
        "were made from conversations that have changed": changed,
        "are conversations of another cut, to be made again": other_cut,
    }
    reasons = [f"{summarize_names(keys)} {reason}" for reason, keys in left_out.items() if keys]
    yield dg.SkipReason("; ".join(["no gaps that can be filled", *not_needed, *reasons]))


class _Gaps(NamedTuple):
    """Partitions of one model that are made next, and which assets of them."""

    model: str
    keys: list[str]
    assets: list[dg.AssetKey]


_PHASES = [phase.key for phase in PHASES]
_AT_ONCE = [*_PHASES, *([] if JUDGE_STANDS_ASIDE else [obedience.key])]


def _gaps(
    instance: dg.DagsterInstance, changed: Sequence[str], not_needed: list[str]
) -> Iterator[_Gaps]:
    """Missing partitions and pilots of each model, obedience that is missing, then changed ones.

    What is of another cut of its source counts as missing, once its conversations are made again.
    Why partitions are missing and no recipe needs them is added to `not_needed`.
    """
    ready = instance.get_materialized_partitions(conversations.key)
    ready -= cut_otherwise(instance, conversations.key, CATALOG.shards_of)
    whole = instance.get_materialized_partitions(aligned_responses.key)
    whole -= pilots(instance, annotated_system_messages.key)
    whole -= cut_otherwise(instance, annotated_system_messages.key, CATALOG.shards_of)
    looked_at = instance.get_materialized_partitions(obedience.key)
    looked_at -= cut_otherwise(instance, obedience.key, CATALOG.shards_of)
    shards = [shard for shard in SHARDS.get_partition_keys() if shard in ready]
    keys = {model: [f"{model}|{shard}" for shard in shards] for model in CATALOG.models}
    missing = [key for of in keys.values() for key in of if key not in whole]
    need = find_needed(tables_here().store(), missing)
    not_needed += need.said
    for model, of in keys.items():
        yield _Gaps(model, [key for key in of if key in need.keys], _AT_ONCE)
    for model, of in keys.items():
        unseen = [key for key in of if key in whole and key not in looked_at]
        yield _Gaps(model, unseen, [obedience.key])
    for model in keys:
        yield _Gaps(model, [key for key in changed if key.startswith(f"{model}|")], _AT_ONCE)


def _changed(instance: dg.DagsterInstance) -> list[str]:
    """Partitions made from conversations that have other rows now, in their order."""
    upstream = [conversations.key]
    phases = (annotated_system_messages, aligned_responses)  # the two that read conversations
    stale = {key for phase in phases for key in out_of_date(instance, phase.key, upstream)}
    return [key for key in MODEL_SHARDS.get_partition_keys() if key in stale]


def _failures(
    instance: dg.DagsterInstance, key: str, assets: Sequence[dg.AssetKey]
) -> tuple[bool, bool]:
    """Whether a run of these assets failed before, and whether so often that it is left alone.

    Failures before its conversations were last made are not counted: the run may work now.
    """
    runs = instance.get_run_records(
        dg.RunsFilter(tags={_PARTITION: key}, statuses=[dg.DagsterRunStatus.FAILURE])
    )
    failed = [
        run for run in runs if not {*assets}.isdisjoint(run.dagster_run.asset_selection or assets)
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
