"""A forecast on a real instance: before anything is asked, after a pilot, and afterwards.

The bundled rows, and a simulated model behind real HTTP whose server counts the tokens.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from sysgen_dagster.analysis.expected_work import PHASES
from sysgen_dagster.commands.forecast import main
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.plumbing.partitions import CATALOG, source_key
from sysgen_dagster.defs.sysgen_lane import PHASES as PHASE_ASSETS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import TABLES, kept

MODEL, OTHER = "qwen2.5-14b", "phi-4"
SHARDS = ("capybara-000", "capybara-001")
FIRST, THIRD, FOURTH = PHASES
DATA = Path(os.environ["SYSGEN_DATA"])
STORE = Store(DATA)
JOB = defs.resolve_implicit_global_asset_job_def()
HELD = dg.AssetKey("forecast_against_actual")
PILOT_ROWS = 25


def run(
    instance: dg.DagsterInstance, partition: str, *assets: dg.AssetKey, **ops: object
) -> dg.ExecuteInProcessResult:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return JOB.execute_in_process(
        run_config={**quiet, "ops": {name: {"config": config} for name, config in ops.items()}},
        instance=instance,
        partition_key=partition,
        asset_selection=list(assets),
        raise_on_error=False,
    )


def forecasts(instance: dg.DagsterInstance, everything: bool = False) -> pl.DataFrame:
    """The forecast of the model for the source, by phase, with all its rows counted."""
    selection = {"sources": ["capybara"], "everything": everything, "rows": 1000}
    assert run(instance, MODEL, dg.AssetKey("forecast"), forecast=selection).success
    return STORE.read("forecast", TABLES["forecast"], MODEL)


def of(table: pl.DataFrame, phase: str) -> dict[str, object]:
    return table.row(by_predicate=pl.col("phase") == phase, named=True)


def conversations() -> int:
    stored = (STORE.read("conversations", TABLES["conversations"], shard) for shard in SHARDS)
    return sum(kept(rows).height for rows in stored)


def actual(phase: str, column: str) -> int:
    tables = (STORE.read(phase, TABLES[phase], shard, MODEL) for shard in SHARDS)
    return int(sum(table[column].sum() for table in tables))


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        for shard in SHARDS:
            assert run(instance, shard, source_key("capybara")).success
            assert run(instance, shard, dg.AssetKey("conversations")).success
        yield instance


@pytest.fixture(scope="module")
def before(instance: dg.DagsterInstance) -> pl.DataFrame:
    for phase in PHASE_ASSETS:
        for shard in SHARDS:  # another module may have made them
            STORE.path(phase.key.path[-1], shard, MODEL).unlink(missing_ok=True)
    return forecasts(instance)


@pytest.fixture(scope="module")
def after_a_pilot(instance: dg.DagsterInstance, before: pl.DataFrame) -> pl.DataFrame:
    pilot = {"limit": PILOT_ROWS}
    keys = [phase.key for phase in PHASE_ASSETS]
    key = f"{MODEL}|{SHARDS[0]}"
    assert run(instance, key, *keys, annotated_system_messages=pilot).success
    return forecasts(instance)


@pytest.fixture(scope="module")
def held(instance: dg.DagsterInstance, after_a_pilot: pl.DataFrame) -> dg.ExecuteInProcessResult:
    """The whole source, asked after the pilot's forecast, and then compared with it."""
    for shard in SHARDS:
        made = run(instance, f"{MODEL}|{shard}", *(phase.key for phase in PHASE_ASSETS))
        assert made.success
    return run(instance, MODEL, HELD)


def test_every_conversation_is_to_be_asked_about_before_any_was(before: pl.DataFrame) -> None:
    assert before["phase"].to_list() == list(PHASES)
    assert before["conversations"].unique().to_list() == [conversations()]
    assert of(before, THIRD)["basis"] == "assumed"
    assert "Table 2" in str(of(before, THIRD)["assumed"])


def test_a_pilot_s_rows_are_not_missing_and_the_rest_goes_by_them(
    after_a_pilot: pl.DataFrame,
) -> None:
    missing = conversations() - PILOT_ROWS
    assert after_a_pilot["conversations"].unique().to_list() == [missing]
    assert of(after_a_pilot, FOURTH)["basis"] == f"measured on {PILOT_ROWS} answered rows"
    assert of(after_a_pilot, FOURTH)["assumed"] is None


def test_phase_1_s_prompts_counted_on_all_rows_are_what_the_engine_then_counted(
    before: pl.DataFrame, held: dg.ExecuteInProcessResult
) -> None:
    assert held.success
    first = of(before, FIRST)
    assert first["prompt_tokens"] == actual(FIRST, "prompt_tokens")
    assert first["prompt_tokens_margin"] == 0


def test_what_it_came_to_stands_beside_the_forecast(held: dg.ExecuteInProcessResult) -> None:
    table = STORE.read("forecast_against_actual", TABLES["forecast_against_actual"], MODEL)
    for phase in PHASES:
        for metric in ("prompt_tokens", "completion_tokens"):
            row = table.filter(phase=phase, metric=metric).row(0, named=True)
            assert row["actual"] == actual(phase, metric)
            assert row["forecast"] > 0
    seconds = table.filter(metric="seconds")
    assert seconds["actual"].null_count() == 0
    assert seconds["forecast"].null_count() == seconds.height


def test_the_cache_gave_what_was_forecast_but_for_the_first_prompt(
    before: pl.DataFrame, held: dg.ExecuteInProcessResult
) -> None:
    table = STORE.read("forecast_against_actual", TABLES["forecast_against_actual"], MODEL)
    given = table.filter(phase=FIRST, metric="prompt_tokens_shared")["actual"].item()
    assert given == pytest.approx(of(before, FIRST)["prompt_tokens_shared"], rel=0.1)


def test_whether_the_forecast_held_is_a_warning(held: dg.ExecuteInProcessResult) -> None:
    [check] = [each for each in held.get_asset_check_evaluations() if each.asset_key == HELD]
    assert check.check_name == "forecast_held"
    assert check.severity is dg.AssetCheckSeverity.WARN


def test_when_all_is_done_nothing_is_missing_and_all_is_what_was_measured(
    instance: dg.DagsterInstance, held: dg.ExecuteInProcessResult
) -> None:
    assert forecasts(instance)["requests"].sum() == 0
    everything = forecasts(instance, everything=True)
    for phase in PHASES:
        assert of(everything, phase)["completion_tokens"] == actual(phase, "completion_tokens")


def test_nothing_is_compared_without_a_forecast(
    instance: dg.DagsterInstance, held: dg.ExecuteInProcessResult
) -> None:
    assert not STORE.path("forecast", OTHER).exists()
    failed = run(instance, OTHER, HELD)
    [event] = failed.get_step_failure_events()
    assert "materialize `forecast` before" in str(event.step_failure_data.error)


# From the command line


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["--data", str(DATA), *arguments])
    return code, re.sub(r"\s+", " ", capsys.readouterr().out)


def test_the_command_prints_the_forecast_and_how_it_was_found(
    instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = printed(capsys, "--models", OTHER, "--shards", "capybara-001")
    assert code == 0
    assert f"Forecast for {OTHER}: what is missing" in said
    assert "1 annotated" in said
    assert "prompts counted on" in said
    assert "Assumed: messages like the demonstrations of the prompt, 96.0% go on" in said
    assert "add `rates` to the model's entry; money: add `price`" in said


def test_the_command_shows_what_is_finished_beside_what_was_forecast(
    held: dg.ExecuteInProcessResult, capsys: pytest.CaptureFixture[str]
) -> None:
    _, said = printed(capsys, "--models", MODEL, "--sources", "capybara")
    assert f"{MODEL}: nothing is missing." in said
    assert "actual / forecast" in said


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--models", "gpt-5"], "there is no model gpt-5: llama-3.1-8b, qwen2.5-14b, phi-4"),
        (["--models", OTHER, "--sources", "wiki"], "there is no source wiki"),
        (["--models", OTHER, "--shards", "capybara-777"], "there is no shard capybara-777"),
    ],
)
def test_a_selection_of_what_is_not_there_is_refused(
    instance: dg.DagsterInstance,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    wanted: str,
) -> None:
    code, said = printed(capsys, *arguments)
    assert code == 1
    assert wanted in said


def test_without_conversations_it_says_what_to_make_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path), "--models", OTHER]) == 1
    said = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "a forecast needs conversations, and none are stored" in said
    assert next(iter(CATALOG.sources)) in said
