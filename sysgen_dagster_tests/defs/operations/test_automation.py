"""What runs by itself: gaps are filled a few at a time, and what follows waits for its inputs."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import dagster as dg
import pytest

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.obedience import obedience
from sysgen_dagster.defs.operations.automation import OUT_OF_DATE, fill_gaps
from sysgen_dagster.defs.plumbing.partitions import CATALOG, MODEL_SHARDS, SHARDS
from sysgen_dagster.defs.plumbing.versions import CUT, PILOT
from sysgen_dagster.defs.sysgen_lane import (
    PHASES,
    SOURCES,
    aligned_responses,
    annotated_system_messages,
    conversations,
)

FIRST, SECOND, _ = CATALOG.models
READY = SHARDS.get_partition_keys()[:6]
JOB = defs.resolve_job_def("sysgen")
NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Conversations of six shards are made, and nothing else."""
    with dg.instance_for_test() as instance:
        for shard in READY:
            _made(instance, conversations, shard)
        yield instance


def _made(
    instance: dg.DagsterInstance,
    asset: dg.AssetsDefinition,
    partition: str,
    rows: str | None = None,
    **tags: str,
) -> None:
    """The partition is made, with other rows than ever before unless it is said which."""
    version = {"dagster/data_version": rows or uuid4().hex}
    instance.report_runless_asset_event(
        dg.AssetMaterialization(asset.key, partition=partition, tags=version | tags)
    )


def _run(instance: dg.DagsterInstance, key: str, status: dg.DagsterRunStatus) -> None:
    instance.create_run_for_job(JOB, tags={"dagster/partition": key}, status=status)


def _tick(instance: dg.DagsterInstance) -> tuple[list[str], str]:
    """The partitions that are asked for, and why there are no more."""
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=NOW) as context:
        said = list(fill_gaps(context))
    asked = [each for each in said if isinstance(each, dg.RunRequest)]
    assert len({each.run_key for each in asked}) == len(asked)
    skipped = [each.skip_message or "" for each in said if isinstance(each, dg.SkipReason)]
    return [str(each.partition_key) for each in asked], " ".join(skipped)


def test_the_next_few_missing_partitions_of_one_model_are_asked_for(
    instance: dg.DagsterInstance,
) -> None:
    asked, _ = _tick(instance)
    assert asked == [f"{FIRST}|{shard}" for shard in READY[:4]]


def test_what_is_made_is_not_asked_for_again(instance: dg.DagsterInstance) -> None:
    _made(instance, aligned_responses, f"{FIRST}|{READY[1]}")
    asked, _ = _tick(instance)
    assert asked == [f"{FIRST}|{READY[place]}" for place in (0, 2, 3, 4)]


def test_what_only_a_pilot_has_made_is_a_gap(instance: dg.DagsterInstance) -> None:
    key = f"{FIRST}|{READY[0]}"
    _made(instance, annotated_system_messages, key, **{PILOT: "true"})
    _made(instance, aligned_responses, key)
    assert _tick(instance)[0][0] == key
    _made(instance, annotated_system_messages, key)
    assert key not in _tick(instance)[0]


def test_failures_of_what_follows_are_not_the_phases(instance: dg.DagsterInstance) -> None:
    key = f"{FIRST}|{READY[0]}"
    quality = frozenset({dg.AssetKey("row_quality")})
    of_quality = defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection=quality)
    for _ in range(2):
        instance.create_run_for_job(
            of_quality,
            asset_selection=quality,
            tags={"dagster/partition": key},
            status=dg.DagsterRunStatus.FAILURE,
        )
    assert _tick(instance)[0][0] == key


def test_shards_without_conversations_wait(instance: dg.DagsterInstance) -> None:
    for shard in READY:
        _made(instance, aligned_responses, f"{FIRST}|{shard}")
    asked, _ = _tick(instance)
    assert asked == [f"{SECOND}|{shard}" for shard in READY[:4]]


def test_no_more_than_a_few_are_in_flight(instance: dg.DagsterInstance) -> None:
    for shard in READY[:3]:
        _run(instance, f"{FIRST}|{shard}", dg.DagsterRunStatus.STARTED)
    assert _tick(instance)[0] == [f"{FIRST}|{READY[3]}"]
    _run(instance, f"{FIRST}|{READY[3]}", dg.DagsterRunStatus.STARTING)
    assert _tick(instance) == ([], f"{FIRST}: 4 runs are in flight")


def test_the_next_model_waits_for_the_last_run_of_this_one(instance: dg.DagsterInstance) -> None:
    for shard in READY[:-1]:
        _made(instance, aligned_responses, f"{FIRST}|{shard}")
    _run(instance, f"{FIRST}|{READY[-1]}", dg.DagsterRunStatus.STARTED)
    assert _tick(instance)[0] == []


def test_what_keeps_failing_is_left_alone_and_named_when_nothing_else_is_left(
    instance: dg.DagsterInstance,
) -> None:
    stuck = f"{FIRST}|{READY[0]}"
    _run(instance, stuck, dg.DagsterRunStatus.FAILURE)
    assert _tick(instance)[0][0] == stuck
    _run(instance, stuck, dg.DagsterRunStatus.FAILURE)
    assert stuck not in _tick(instance)[0]

    for key in MODEL_SHARDS.get_partition_keys():
        if key != stuck:
            _made(instance, aligned_responses, str(key))
            _made(instance, obedience, str(key))
    assert _tick(instance) == ([], f"no gaps that can be filled; 1 ({stuck}) keep failing")


def test_what_failed_before_comes_first_and_goes_ahead_in_the_queue(
    instance: dg.DagsterInstance,
) -> None:
    repair = f"{FIRST}|{READY[3]}"
    _run(instance, repair, dg.DagsterRunStatus.FAILURE)
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=NOW) as context:
        asked = [each for each in fill_gaps(context) if isinstance(each, dg.RunRequest)]
    assert [each.partition_key for each in asked] == [
        repair,
        *(f"{FIRST}|{shard}" for shard in READY[:3]),
    ]
    assert [each.tags.get("dagster/priority") for each in asked] == ["5", None, None, None]


@pytest.fixture
def far_west(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock shows another hour than UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/Los_Angeles")
        time.tzset()
        yield
    time.tzset()


def test_conversations_that_were_made_anew_get_new_tries(
    instance: dg.DagsterInstance, far_west: None
) -> None:
    stuck = f"{FIRST}|{READY[0]}"
    for _ in range(2):
        _run(instance, stuck, dg.DagsterRunStatus.FAILURE)
    _made(instance, conversations, READY[0])
    assert _tick(instance)[0][0] == stuck


def test_when_all_is_made_nothing_is_asked_for(instance: dg.DagsterInstance) -> None:
    for key in MODEL_SHARDS.get_partition_keys():
        _made(instance, aligned_responses, str(key))
        _made(instance, obedience, str(key))
    assert _tick(instance) == ([], "no gaps that can be filled")


def _asked_assets(instance: dg.DagsterInstance) -> dict[str, set[str]]:
    """The assets that are asked for, by partition."""
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=NOW) as context:
        asked = [each for each in fill_gaps(context) if isinstance(each, dg.RunRequest)]
    return {
        str(each.partition_key): {key.to_user_string() for key in each.asset_selection or ()}
        for each in asked
    }


def test_a_missing_partition_is_made_up_to_whether_its_answers_obey(
    instance: dg.DagsterInstance,
) -> None:
    names = {*(phase.key.to_user_string() for phase in PHASES), "obedience"}
    assert _asked_assets(instance) == {f"{FIRST}|{shard}": names for shard in READY[:4]}


def test_where_only_obedience_is_missing_the_phases_are_not_made_again(
    instance: dg.DagsterInstance,
) -> None:
    for model in CATALOG.models:
        for shard in READY:
            _made(instance, aligned_responses, f"{model}|{shard}")
            if shard != READY[2]:
                _made(instance, obedience, f"{model}|{shard}")
    assert _asked_assets(instance) == {f"{FIRST}|{READY[2]}": {"obedience"}}


def test_failures_of_the_phases_are_not_those_of_obedience(instance: dg.DagsterInstance) -> None:
    key = f"{FIRST}|{READY[0]}"
    for _ in range(2):
        instance.create_run_for_job(
            JOB,
            asset_selection=frozenset(phase.key for phase in PHASES),
            tags={"dagster/partition": key},
            status=dg.DagsterRunStatus.FAILURE,
        )
    for model in CATALOG.models:
        for shard in READY:
            _made(instance, aligned_responses, f"{model}|{shard}")
    assert key in _asked_assets(instance)


# Declarative automation


def _requested(
    instance: dg.DagsterInstance, cursor: object, *assets: str
) -> tuple[dict[str, set[str]], object]:
    result = dg.evaluate_automation_conditions(
        defs=defs,
        instance=instance,
        asset_selection=dg.AssetSelection.assets(*assets),
        cursor=cursor,  # type: ignore[arg-type]
    )
    found = {
        each.key.to_user_string(): {
            str(key) for key in each.true_subset.expensively_compute_partition_keys()
        }
        if each.true_subset.is_partitioned
        else set[str]()
        for each in result.results
        if not each.true_subset.is_empty
    }
    return found, result.cursor


def test_a_model_s_statistics_follow_when_its_last_shard_is_in(
    instance: dg.DagsterInstance,
) -> None:
    *others, last = SHARDS.get_partition_keys()
    _, cursor = _requested(instance, None, "retention")
    for shard in others:
        _made(instance, aligned_responses, f"{FIRST}|{shard}")
    found, cursor = _requested(instance, cursor, "retention")
    assert found == {}
    _made(instance, aligned_responses, f"{FIRST}|{last}")
    found, cursor = _requested(instance, cursor, "retention")
    assert found == {"retention": {FIRST}}
    assert _requested(instance, cursor, "retention")[0] == {}


def test_a_row_s_measures_follow_its_own_partition(instance: dg.DagsterInstance) -> None:
    key = f"{FIRST}|{READY[0]}"
    _, cursor = _requested(instance, None, "row_quality")
    for phase in PHASES:
        _made(instance, phase, key)
    assert _requested(instance, cursor, "row_quality")[0] == {"row_quality": {key}}


def test_conversations_follow_the_shard_of_their_source(instance: dg.DagsterInstance) -> None:
    _, cursor = _requested(instance, None, "conversations")
    _made(instance, SOURCES[0], READY[1], rows="these")
    found, cursor = _requested(instance, cursor, "conversations")
    assert found == {"conversations": {READY[1]}}
    assert _requested(instance, cursor, "conversations")[0] == {}


def test_nothing_follows_what_was_made_again_and_came_out_the_same(
    instance: dg.DagsterInstance,
) -> None:
    _made(instance, SOURCES[0], READY[1], rows="these")
    _, cursor = _requested(instance, None, "conversations")
    _made(instance, SOURCES[0], READY[1], rows="these")
    found, cursor = _requested(instance, cursor, "conversations")
    assert found == {}
    _made(instance, SOURCES[0], READY[1], rows="others")
    assert _requested(instance, cursor, "conversations")[0] == {"conversations": {READY[1]}}


def test_what_is_out_of_date_is_looked_for_at_a_tick_after_something_was_made(
    instance: dg.DagsterInstance,
) -> None:
    def looked_at(cursor: object, minutes: int) -> tuple[bool, object]:
        result = dg.evaluate_automation_conditions(
            defs=defs,
            instance=instance,
            asset_selection=dg.AssetSelection.assets(OUT_OF_DATE),
            evaluation_time=NOW + timedelta(minutes=minutes),
            cursor=cursor,  # type: ignore[arg-type]
        )
        [found] = result.results
        return not found.true_subset.is_empty, result.cursor

    _, cursor = looked_at(None, 1)
    asked, cursor = looked_at(cursor, 31)
    assert not asked
    _made(instance, conversations, READY[0])
    asked, cursor = looked_at(cursor, 32)
    assert not asked
    asked, cursor = looked_at(cursor, 61)
    assert asked
    asked, _ = looked_at(cursor, 91)
    assert not asked


def test_what_a_model_wrote_is_not_measured_again_until_the_phases_are_made_again(
    instance: dg.DagsterInstance,
) -> None:
    key = f"{FIRST}|{READY[0]}"
    for phase in PHASES:
        _made(instance, phase, key)
    _, cursor = _requested(instance, None, "row_quality")
    _made(instance, conversations, READY[0])
    found, cursor = _requested(instance, cursor, "row_quality")
    assert found == {}
    _made(instance, aligned_responses, key)
    assert _requested(instance, cursor, "row_quality")[0] == {"row_quality": {key}}


def test_splits_follow_conversations_after_the_like_questions_that_they_are_made_of(
    instance: dg.DagsterInstance,
) -> None:
    wanted = ("source_lengths", "near_duplicate_questions", "splits")
    for shard in SHARDS.get_partition_keys():
        for source in SOURCES:
            if shard in (source.partitions_def or SHARDS).get_partition_keys():
                _made(instance, source, shard)
        _made(instance, conversations, shard)
    _, cursor = _requested(instance, None, *wanted)
    _made(instance, SOURCES[0], READY[0])
    found, cursor = _requested(instance, cursor, *wanted)
    assert found == {}
    _made(instance, conversations, READY[0])
    found, _ = _requested(instance, cursor, *wanted)
    assert found.keys() == set(wanted)


def test_what_costs_tokens_or_leaves_the_house_is_started_by_hand() -> None:
    graph = defs.resolve_asset_graph()
    judged = ("judged_preferences", "judged_alignment", "obedience")
    by_hand = (*judged, "mixtures", "exports", "hub_datasets")
    for name in (*by_hand, *(phase.key.path[-1] for phase in PHASES)):
        assert graph.get(dg.AssetKey(name)).automation_condition is None


def test_shards_of_another_cut_wait_until_their_conversations_are_made_again(
    instance: dg.DagsterInstance,
) -> None:
    now = str(CATALOG.source_of(READY[0]).shards)
    key = f"{FIRST}|{READY[0]}"
    _made(instance, conversations, READY[0], **{CUT: "1000"})
    assert key not in _tick(instance)[0]
    _made(instance, annotated_system_messages, key, **{CUT: "1000"})
    _made(instance, aligned_responses, key, **{CUT: "1000"})
    _made(instance, conversations, READY[0], **{CUT: now})
    assert _tick(instance)[0][0] == key
    _made(instance, annotated_system_messages, key, **{CUT: now})
    assert key not in _tick(instance)[0]
