"""The second lane's bench on a real instance: bundled rows, simulated models behind real HTTP."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.multifaceted_bench import BENCH, BENCH_JOB
from sysgen_dagster.defs.multifaceted_lane import STEPS, instructions, selection
from sysgen_dagster.defs.multifaceted_training import multifaceted_rows
from sysgen_dagster.defs.operations.staleness import out_of_date
from sysgen_dagster.defs.plumbing.checks import CHECKS
from sysgen_dagster.defs.plumbing.partitions import CATALOG, asset_key
from sysgen_dagster.lanes.multifaceted.bench.tables import (
    BENCH_INSTRUCTIONS,
    BENCH_REFERENCES,
    BENCH_RUBRICS,
    MULTIFACETED_BENCH,
    TABLES,
)
from sysgen_dagster.lanes.multifaceted.tables import INSTRUCTIONS, SELECTION, instruction_of
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.checks import checks_of
from sysgen_dagster.tables.table import Partition, Table, kept
from sysgen_dagster.training_sets.tables import MULTIFACETED_ROWS
from sysgen_dagster_tests.defs.step_errors import errors_of

STORE = Store(Path(os.environ["SYSGEN_DATA"]))
WHOLE, SHARD = Partition(), "multifaceted-000"
_ID = "conversation_id"


def _run(
    instance: dg.DagsterInstance, assets: list[dg.AssetKey], partition: str | None = None
) -> dg.ExecuteInProcessResult:
    return defs.resolve_implicit_global_asset_job_def().execute_in_process(
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        instance=instance,
        partition_key=partition,
        asset_selection=assets,
        raise_on_error=False,
    )


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        chosen = _run(instance, [selection.key])
        assert chosen.success, errors_of(chosen)
        yield instance


@pytest.fixture(scope="module")
def made(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """The bench, by its job."""
    return defs.resolve_job_def(BENCH_JOB.name).execute_in_process(
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        instance=instance,
        raise_on_error=False,
    )


def _read(table: Table, at: Partition = WHOLE) -> pl.DataFrame:
    return STORE.read(table, at)


def test_one_job_makes_all_of_it(made: dg.ExecuteInProcessResult) -> None:
    assert made.success, errors_of(made)
    assert [event.asset_key for event in made.get_asset_materialization_events()] == [
        asset_key(table) for table in TABLES
    ]
    assert [asset.key for asset in BENCH] == [asset_key(table) for table in TABLES]


def test_nothing_is_lost_on_the_way_from_instructions_to_items(
    made: dg.ExecuteInProcessResult,
) -> None:
    held_out = _read(SELECTION).filter(drop_reason="held_out")
    asked, written, tried, bench = map(_read, TABLES)

    assert held_out.height == 4
    assert asked[_ID].to_list() == held_out[_ID].to_list()
    assert written.height == 3 * kept(asked).height
    assert bench[_ID].to_list() == written[_ID].to_list()
    assert tried.height % 4 == 0
    assert tried.height <= 4 * kept(written).height


def test_items_are_there_and_each_has_four_rubrics_that_tell_two_answers_apart(
    made: dg.ExecuteInProcessResult,
) -> None:
    items, tried = kept(_read(MULTIFACETED_BENCH)), _read(BENCH_RUBRICS)

    assert items.height > 2
    of_items = tried.join(items, on=_ID, how="semi")
    assert of_items.height == 4 * items.height
    assert of_items["reference_score"].min() == 4
    assert of_items["sibling_score"].max() == 3
    assert set(tried["attempt"]) == {0, 1}
    assert set(tried["judge"]) == {CATALOG.judge_of(next(iter(CATALOG.models))).name}


def test_every_check_is_recorded_and_no_contract_is_broken(made: dg.ExecuteInProcessResult) -> None:
    recorded = {
        (check.asset_key, check.check_name): check for check in made.get_asset_check_evaluations()
    }

    assert recorded.keys() == {
        (asset_key(table), check.name) for table in TABLES for check in checks_of(CHECKS, table)
    }
    assert all(check.passed for check in recorded.values() if check.blocking)


def test_a_run_again_asks_nothing_and_makes_the_same(
    made: dg.ExecuteInProcessResult, instance: dg.DagsterInstance
) -> None:
    before = [*map(_read, TABLES)]
    again = _run(instance, [asset.key for asset in BENCH])

    assert again.success, errors_of(again)
    assert all(one.equals(other) for one, other in zip(before, map(_read, TABLES), strict=True))
    sent = [
        event.materialization.metadata.get("engine/times_sent")
        for event in again.get_asset_materialization_events()
    ]
    assert [each.value for each in sent if each] == [0, 0]
    for asset in BENCH:
        upstream = sorted(asset.asset_deps[asset.key])
        version = asset.code_versions_by_key[asset.key]
        assert out_of_date(instance, asset.key, upstream, version) == {}


def test_the_writer_is_asked_with_the_settings_of_the_lane_s_own_tables(
    made: dg.ExecuteInProcessResult,
) -> None:
    folders = STORE.root / "ledger" / "multifaceted"
    writer = next(iter(CATALOG.models))

    assert {path.stem for path in (folders / "bench_references" / writer).glob("*.parquet")} == {
        *("preference_sets", "preference_messages", "gold_answers")
    }
    assert set(kept(_read(BENCH_REFERENCES))["max_tokens"]) == {4096}


def test_nobody_trains_on_what_is_held_out(
    made: dg.ExecuteInProcessResult, instance: dg.DagsterInstance
) -> None:
    model = next(iter(CATALOG.models))
    at = Partition(model, SHARD)
    cut = _run(instance, [instructions.key], SHARD)
    assert cut.success, errors_of(cut)
    trained = _run(instance, [*(step.key for step in STEPS), multifaceted_rows.key], at.key)
    assert trained.success, errors_of(trained)

    held_out = {*_read(BENCH_INSTRUCTIONS)[_ID]}
    rows = _read(MULTIFACETED_ROWS, at).select(instruction_of(_ID))
    assert held_out.isdisjoint(_read(INSTRUCTIONS, at)[_ID])
    assert held_out.isdisjoint(rows[_ID])
    passed = {check.check_name: check.passed for check in trained.get_asset_check_evaluations()}
    assert passed["none_is_held_out"]


def test_an_excluded_instruction_is_asked_about_no_more(
    made: dg.ExecuteInProcessResult, instance: dg.DagsterInstance
) -> None:
    gone = kept(_read(BENCH_INSTRUCTIONS))[_ID][0]
    STORE.exclude([gone])
    refused = _run(instance, [asset_key(BENCH_REFERENCES)])
    assert "still holds the text of 1 that are excluded" in errors_of(refused)

    again = _run(instance, [selection.key, *(asset.key for asset in BENCH)])

    assert again.success, errors_of(again)
    held = {*_read(BENCH_REFERENCES)["instruction_id"]}
    assert gone not in held
    assert held
