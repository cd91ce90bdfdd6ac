"""The second lane on a real instance: bundled rows, the simulated models behind real HTTP."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.multifaceted_lane import MULTIFACETED, STEPS, instructions, selection
from sysgen_dagster.defs.multifaceted_training import JUDGED
from sysgen_dagster.defs.operations.forecast import sets_done
from sysgen_dagster.defs.operations.staleness import out_of_date, pilots
from sysgen_dagster.defs.plumbing.assets import also_read
from sysgen_dagster.defs.plumbing.checks import CHECKS
from sysgen_dagster.defs.plumbing.partitions import CATALOG, asset_key
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    JUDGED_PAIRS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    SELECTION,
)
from sysgen_dagster.lanes.multifaceted.tables import TABLES as OF_LANE
from sysgen_dagster.storage.inventory import inventory
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.checks import checks_of
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import Table, kept
from sysgen_dagster_tests.defs.step_errors import errors_of

MODEL, SHARD, OTHER = "llama-3.1-8b", "multifaceted-000", "multifaceted-001"
KEY = f"{MODEL}|{SHARD}"
WRITTEN = (PREFERENCE_SETS, PREFERENCE_MESSAGES, GOLD_ANSWERS)
STORE = Store(Path(os.environ["SYSGEN_DATA"]))
JOB = defs.resolve_implicit_global_asset_job_def()


def _run(
    instance: dg.DagsterInstance, partition: str | None, assets: list[dg.AssetKey], **config: object
) -> dg.ExecuteInProcessResult:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return JOB.execute_in_process(
        run_config={**quiet, **config},
        instance=instance,
        partition_key=partition,
        asset_selection=assets,
        raise_on_error=False,
    )


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        chosen = _run(instance, None, [selection.key])
        assert chosen.success, errors_of(chosen)
        for shard in (SHARD, OTHER):
            cut = _run(instance, shard, [instructions.key])
            assert cut.success, errors_of(cut)
        yield instance


@pytest.fixture(scope="module")
def run(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """One model and one shard through all three steps."""
    return _run(instance, KEY, [step.key for step in STEPS])


def _read(table: Table, key: str | None = KEY) -> pl.DataFrame:
    return STORE.read(table, table.partition_of(key))


def test_one_run_takes_one_partition_through_all_steps(run: dg.ExecuteInProcessResult) -> None:
    assert run.success, errors_of(run)
    made = [event.asset_key for event in run.get_asset_materialization_events()]
    assert made == [step.key for step in STEPS]


def test_the_ui_shows_of_each_step_what_it_made_of_a_few_sets(
    run: dg.ExecuteInProcessResult,
) -> None:
    shown = {
        event.asset_key: event.step_materialization_data.materialization.metadata
        for event in run.get_asset_materialization_events()
    }
    last = {PREFERENCE_SETS: "Harmlessness", PREFERENCE_MESSAGES: "Message", GOLD_ANSWERS: "Answer"}
    for table, title in last.items():
        metadata = shown[asset_key(table)]
        assert f"**{title}** " in str(metadata["row_3"].value)
        assert ("chart" in metadata) == (table != GOLD_ANSWERS)


def test_the_lane_s_keys_have_its_prefix_and_a_group_after_the_first_lane_s() -> None:
    assets = [*MULTIFACETED, *JUDGED]
    keys = [key.to_user_string() for key in (asset.key for asset in assets)]

    assert keys == [table.name for table in OF_LANE]
    assert all(key.startswith("multifaceted/") for key in keys)
    groups = sorted(Group)
    assert groups.index(Group.MULTIFACETED) == groups.index(Group.SYSGEN_PHASES) + 1


def test_every_upstream_row_is_taken_or_has_a_reason_and_the_shards_hold_what_is_taken(
    run: dg.ExecuteInProcessResult,
) -> None:
    chosen = _read(SELECTION, None)
    shards = pl.concat([_read(INSTRUCTIONS, shard) for shard in (SHARD, OTHER)])

    taken = chosen.drop_nulls("position").sort("position")
    assert taken.height == 12
    assert chosen.filter(pl.col("position").is_null())["drop_reason"].null_count() == 0
    assert shards["conversation_id"].to_list() == taken["conversation_id"].to_list()
    assert shards["question"].null_count() == 0


def test_rows_in_are_rows_kept_plus_rows_dropped(run: dg.ExecuteInProcessResult) -> None:
    asked = _read(INSTRUCTIONS, SHARD)
    sets, messages, gold = map(_read, WRITTEN)

    assert sets.height == 3 * asked.height
    assert messages["conversation_id"].to_list() == kept(sets)["conversation_id"].to_list()
    assert gold["conversation_id"].to_list() == kept(messages)["conversation_id"].to_list()
    assert kept(gold).height > 10
    assert kept(gold)["answer"].null_count() == 0
    assert set(gold["question"]) <= set(asked["question"])


def test_every_check_of_a_table_is_recorded_for_the_partition(
    run: dg.ExecuteInProcessResult,
) -> None:
    for table in WRITTEN:
        recorded = {
            check.check_name: check
            for check in run.get_asset_check_evaluations()
            if check.asset_key == asset_key(table)
        }
        assert recorded.keys() == {check.name for check in checks_of(CHECKS, table)}
        assert all(check.partition == KEY for check in recorded.values())
        assert all(check.passed for check in recorded.values() if check.blocking)


def test_a_run_again_asks_nothing_and_makes_the_same_rows(
    run: dg.ExecuteInProcessResult, instance: dg.DagsterInstance
) -> None:
    before = [*map(_read, WRITTEN)]
    again = _run(instance, KEY, [step.key for step in STEPS])

    assert again.success, errors_of(again)
    after = [*map(_read, WRITTEN)]
    assert all(first.equals(second) for first, second in zip(before, after, strict=True))
    shown = again.get_asset_materialization_events()[0].materialization.metadata
    assert shown["engine/times_sent"].value == 0
    assert (STORE.root / "ledger" / "multifaceted" / "preference_sets").is_dir()


def test_nothing_is_out_of_date_after_it_was_made(
    run: dg.ExecuteInProcessResult, instance: dg.DagsterInstance
) -> None:
    for asset in (instructions, *STEPS):
        upstream = [*asset.asset_deps[asset.key], *also_read(asset.metadata_by_key[asset.key])]
        version = asset.code_versions_by_key[asset.key]
        assert out_of_date(instance, asset.key, sorted(upstream), version) == {}


def test_a_forecast_counts_what_the_stored_rows_needed(run: dg.ExecuteInProcessResult) -> None:
    done = sets_done(STORE, MODEL)

    assert done["phase"].to_list() == [table.name for table in WRITTEN]
    assert done["conversations"].to_list() == [6.0] * 3
    sets = _read(PREFERENCE_SETS)
    assert done["requests"][0] == sets.height + sets["attempt"].sum()
    assert (done["completion_tokens"] > 0).all()


def test_a_pilot_asks_for_a_few_instructions_and_is_marked(
    instance: dg.DagsterInstance,
) -> None:
    key = f"{MODEL}|{OTHER}"
    first = STEPS[0].key
    config = {"ops": {first.to_python_identifier(): {"config": {"limit": 2}}}}
    piloted = _run(instance, key, [first], **config)

    assert piloted.success, errors_of(piloted)
    rows = _read(PREFERENCE_SETS, key)
    assert rows.filter(drop_reason="beyond_limit").height == 3 * (6 - 2)
    assert pilots(instance, first) == {key}


def test_a_stored_partition_is_listed_as_whole(run: dg.ExecuteInProcessResult) -> None:
    listed = inventory(STORE, CATALOG, TABLES.values()).filter(
        pl.col("table").is_in([table.name for table in OF_LANE])
    )

    assert set(listed["state"]) == {"whole"}
    assert {*listed["table"]} == {table.name for table in OF_LANE if table != JUDGED_PAIRS}
    without = CATALOG.model_copy(update={"multifaceted": None})
    gone = inventory(STORE, without, TABLES.values()).filter(table=GOLD_ANSWERS.name)
    assert set(gone["state"]) == {"not_in_catalog"}


def test_an_excluded_instruction_is_asked_about_no_more(
    run: dg.ExecuteInProcessResult, instance: dg.DagsterInstance
) -> None:
    gone = _read(INSTRUCTIONS, SHARD)["conversation_id"][0]
    STORE.exclude([gone])
    refused = _run(instance, KEY, [STEPS[0].key])
    assert "still holds the text of 1 that are excluded" in errors_of(refused)

    for partition, key in ((None, selection.key), (SHARD, instructions.key)):
        assert _run(instance, partition, [key]).success
    again = _run(instance, KEY, [step.key for step in STEPS])

    assert again.success, errors_of(again)
    held = {*_read(INSTRUCTIONS, SHARD).filter(drop_reason="excluded")["conversation_id"]}
    assert gone not in {*kept(_read(INSTRUCTIONS, SHARD))["conversation_id"]}
    assert held <= {gone}
    assert not {*_read(PREFERENCE_SETS)["instruction_id"]} & {gone}


def test_without_the_section_nothing_of_the_lane_is_loaded(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"question": "Why?", "answer": "So."}\n')
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("sources: {mine: {path: rows.jsonl}}\nmodels: {m: {engine: simulated}}\n")
    listed = (
        "import json; from sysgen_dagster.definitions import defs; print(json.dumps(["
        "[spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()], "
        "[job.name for job in defs.jobs], [each.name for each in defs.schedules], "
        "[key.name for key in defs.resolve_asset_graph().asset_check_keys]]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", listed],
        env={**os.environ, "SYSGEN_CATALOG": str(catalog), "SYSGEN_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=True,
    )
    assets, jobs, schedules, checks = json.loads(ran.stdout.splitlines()[-1])

    assert not [name for name in assets if name.startswith("multifaceted/")]
    assert "aligned_responses" in assets
    assert (jobs, schedules) == (["sysgen"], ["fill_gaps"])
    assert "every_set_is_there" not in checks
