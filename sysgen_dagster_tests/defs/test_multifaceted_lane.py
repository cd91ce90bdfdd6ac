"""The second lane on a real instance: bundled rows, the simulated models behind real HTTP."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.multifaceted_lane import STEPS, instructions, selection
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    SELECTION,
)
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster_tests.defs.step_errors import errors_of

MODEL, SHARD, OTHER = "llama-3.1-8b", "multifaceted-000", "multifaceted-001"
KEY = f"{MODEL}|{SHARD}"
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


def _read(table: Table, at: Partition = Partition(MODEL, SHARD)) -> pl.DataFrame:
    return STORE.read(table, at)


def test_one_run_takes_one_partition_through_all_steps(run: dg.ExecuteInProcessResult) -> None:
    assert run.success, errors_of(run)
    made = [event.asset_key for event in run.get_asset_materialization_events()]
    assert made == [step.key for step in STEPS]


def test_show(run: dg.ExecuteInProcessResult) -> None:
    pl.Config.set_fmt_str_lengths(700)
    pl.Config.set_tbl_rows(60)
    pl.Config.set_tbl_cols(30)
    print(_read(SELECTION, Partition()).group_by("source", "drop_reason").len())
    print(_read(INSTRUCTIONS, Partition(shard=SHARD)).select("conversation_id", "position"))
    rows = _read(PREFERENCE_SETS)
    print(rows.select("conversation_id", "attempt", "drop_reason"))
    print(rows["reply"][0])
    print(rows["preference_set"][0])
    m = _read(PREFERENCE_MESSAGES)
    print(m.select("attempt", "drop_reason", pl.col("system_message").str.len_chars()))
    print(m["system_message"][0])
    g = _read(GOLD_ANSWERS)
    print(g.select("drop_reason", pl.col("answer").str.slice(0, 150)))
    for check in run.get_asset_check_evaluations():
        print(
            check.asset_key.to_user_string(),
            check.check_name,
            check.passed,
            check.metadata["found"].value,
            check.metadata["paper"].value,
        )
    for event in run.get_asset_materialization_events():
        print({k: str(v.value)[:300] for k, v in event.materialization.metadata.items()})
