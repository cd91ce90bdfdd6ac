"""The real job on a real instance: bundled rows, the simulated models behind real HTTP."""

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.plumbing.checks import CHECKS
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES, asset_key
from sysgen_dagster.defs.plumbing.resources import ENGINE_LOG
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.defs.sysgen_lane import PHASES
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.lanes.sysgen import phases
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.checks import checks_of
from sysgen_dagster.tables.table import Partition, kept
from sysgen_dagster_tests.defs.step_errors import errors_of
from sysgen_dagster_tests.inference.processes import wait_until

MODEL, SHARD, OTHER = "llama-3.1-8b", "capybara-000", "metamath-000"
KEY = f"{MODEL}|{SHARD}"
HERE = Partition(MODEL, SHARD)
STORE = Store(Path(os.environ["SYSGEN_DATA"]))
JOB = defs.resolve_implicit_global_asset_job_def()
PHASE_KEYS = [phase.key for phase in PHASES]
UPSTREAM = {phase.table.name: phase.before.name for phase in phases.PHASES}
CONVERSATIONS = dg.AssetKey("conversations")


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        for shard in (SHARD, OTHER):
            source = SOURCE_TABLES[CATALOG.source_of(shard).name]
            for asset in (asset_key(source), CONVERSATIONS):
                run = _run(instance, shard, [asset])
                assert run.success, errors_of(run)
        yield instance


@pytest.fixture(scope="module")
def run(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """One model and one shard through all four phases."""
    return _run(instance, KEY, PHASE_KEYS)


def _run(
    instance: dg.DagsterInstance,
    partition: str,
    assets: list[dg.AssetKey],
    **settings: object,
) -> dg.ExecuteInProcessResult:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return JOB.execute_in_process(
        run_config={**quiet, **settings},
        instance=instance,
        partition_key=partition,
        asset_selection=assets,
        raise_on_error=False,
    )


def _models(**settings: float) -> dict[str, object]:
    """The resource of the models with some of its settings changed."""
    return {"models": {"config": {"root": str(STORE.root), "engine": "simulated", **settings}}}


def _metadata(result: dg.ExecuteInProcessResult, table: str) -> dict[str, object]:
    for event in result.get_asset_materialization_events():
        if event.asset_key == dg.AssetKey(table):
            return {name: value.value for name, value in event.materialization.metadata.items()}
    raise AssertionError(f"{table} was not materialized")


def _read(table: str, key: str = KEY) -> pl.DataFrame:
    return STORE.read(TABLES[table], TABLES[table].partition_of(key))


def test_one_run_takes_one_partition_through_all_four_phases(
    run: dg.ExecuteInProcessResult,
) -> None:
    assert run.success, errors_of(run)
    made = [event.asset_key for event in run.get_asset_materialization_events()]
    assert made == PHASE_KEYS
    assert {event.partition for event in run.get_asset_materialization_events()} == {KEY}


@pytest.mark.parametrize("table", UPSTREAM)
def test_rows_in_are_rows_kept_plus_rows_dropped(
    run: dg.ExecuteInProcessResult, table: str
) -> None:
    before = UPSTREAM[table]
    came = kept(_read(before, SHARD if before == "conversations" else KEY))
    here = _read(table)
    assert here.height == came.height > 0
    assert set(here["conversation_id"]) == set(came["conversation_id"])


@pytest.mark.parametrize("table", UPSTREAM)
def test_every_check_of_a_table_is_recorded_for_the_partition(
    run: dg.ExecuteInProcessResult, instance: dg.DagsterInstance, table: str
) -> None:
    recorded = {
        check.check_name: check
        for check in run.get_asset_check_evaluations()
        if check.asset_key == dg.AssetKey(table)
    }
    assert recorded.keys() == {check.name for check in checks_of(CHECKS, TABLES[table])}
    for check in recorded.values():
        assert check.partition == KEY
        assert {"found", "wanted", "paper"} <= check.metadata.keys()


def test_a_materialization_shows_what_was_kept_then_rows_then_checks_then_the_rest(
    run: dg.ExecuteInProcessResult,
) -> None:
    shown = _metadata(run, "filtered_system_messages")
    rows = _read("filtered_system_messages")
    assert shown["dagster/partition_row_count"] == rows.height
    assert shown["kept"] == kept(rows).height
    assert "malformed\\_boundary" in str(shown["dropped_because"])
    assert "| retention | yes |" in str(shown["checks"])
    assert "&lt;&lt;Role&gt;&gt;" in str(shown["row_1"])
    wanted = ["kept", "dropped", "kept_share", "dropped_because", "row_1", "row_2", "row_3"]
    assert [*shown][: len(wanted) + 1] == [*wanted, "checks"]
    assert shown["kept_under_malformed_boundary"] == shown["kept"]
    assert int(str(shown["kept_under_no_phrase_left"])) >= kept(rows).height


def test_a_finished_partition_shows_question_message_old_and_new_answer_and_engines_last(
    run: dg.ExecuteInProcessResult,
) -> None:
    shown = _metadata(run, "aligned_responses")
    for row in ("row_1", "row_2", "row_3"):
        texts = str(shown[row])
        places = [texts.index(f"**{name}**") for name in ("Question", "Message", "Original answer")]
        assert [*places, texts.index("**New answer**")] == sorted(
            [*places, texts.index("**New answer**")]
        )
        assert len(texts) < 1_000  # longer Markdown is a link in the UI
    names = [*shown]
    assert max(map(names.index, ("row_3", "checks"))) < min(
        names.index(name) for name in names if name.startswith("engine/")
    )


@pytest.mark.parametrize("table", ["annotated_system_messages", "aligned_responses"])
def test_simulated_rows_say_so_everywhere(run: dg.ExecuteInProcessResult, table: str) -> None:
    assert set(_read(table)["engine"]) == {"simulated"}
    assert "made up by the simulated models" in str(_metadata(run, table)["simulated"])


def test_the_ledger_is_let_go_when_the_partition_is_stored(
    run: dg.ExecuteInProcessResult,
) -> None:
    assert list((STORE.root / "ledger").rglob(f"{KEY}.jsonl")) == []


def test_a_second_run_of_a_partition_waits_for_the_first_and_says_so_in_its_log(
    run: dg.ExecuteInProcessResult,
    instance: dg.DagsterInstance,
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = "verified_system_messages"
    ledgers = Path(str(STORE.root)) / "ledger"
    first = Ledger(ledgers / table / f"{KEY}.jsonl", run="run 7f3a")

    def waits() -> bool:
        return f"{MODEL}: waits for run 7f3a (process " in caplog.text

    def end_first() -> None:
        wait_until(waits)
        first.__exit__()

    with caplog.at_level(logging.INFO, ENGINE_LOG.name):
        first.__enter__()
        ending = threading.Thread(target=end_first)
        ending.start()
        second = _run(instance, KEY, [dg.AssetKey(table)])
        ending.join()
    assert second.success, errors_of(second)
    assert _metadata(second, table)["engine/times_sent"] == 0
    assert waits()


def test_one_phase_can_be_made_again_alone_with_the_same_rows(
    run: dg.ExecuteInProcessResult, instance: dg.DagsterInstance
) -> None:
    before = _read("verified_system_messages")
    again = _run(instance, KEY, [dg.AssetKey("verified_system_messages")])
    assert again.success, errors_of(again)
    assert _read("verified_system_messages").equals(before)


def test_a_pilot_run_takes_only_so_many_conversations_and_accounts_for_the_others(
    instance: dg.DagsterInstance,
) -> None:
    config = {"annotated_system_messages": {"config": {"limit": 3}}}
    result = _run(instance, f"phi-4|{SHARD}", PHASE_KEYS, ops=config)
    assert result.success, errors_of(result)
    annotated = _read("annotated_system_messages", f"phi-4|{SHARD}")
    assert kept(annotated).height == 3
    dropped = annotated.filter(pl.col("drop_reason") == "beyond_limit")
    assert dropped.height == annotated.height - 3


@pytest.mark.parametrize(
    ("limit", "wanted"),
    [(-2, "greater than 0"), (0, "greater than 0"), (10**30, "less than 4294967296")],
)
def test_a_limit_of_a_pilot_that_makes_no_sense_is_refused(
    instance: dg.DagsterInstance, limit: int, wanted: str
) -> None:
    config = {"annotated_system_messages": {"config": {"limit": limit}}}
    result = _run(instance, f"phi-4|{SHARD}", PHASE_KEYS[:1], ops=config)

    [failed] = result.get_step_failure_events()
    said = f"`limit` is {limit}: Input should be {wanted}"
    assert said in str(failed.step_failure_data.user_failure_data.description)


@pytest.mark.parametrize("limit", [True, 0.5, "3"])
def test_a_limit_that_is_no_number_is_refused_before_the_run(
    instance: dg.DagsterInstance, limit: object
) -> None:
    config = {"annotated_system_messages": {"config": {"limit": limit}}}
    with pytest.raises(dg.DagsterInvalidConfigError):
        _run(instance, f"phi-4|{SHARD}", PHASE_KEYS[:1], ops=config)


def test_a_damaged_table_stops_a_phase_that_is_started_alone(
    instance: dg.DagsterInstance, run: dg.ExecuteInProcessResult
) -> None:
    path = STORE.path(TABLES["filtered_system_messages"], HERE)
    whole, rows = path.read_bytes(), pl.read_parquet(path, hive_partitioning=False)
    try:
        pl.concat([rows, rows.head(1)]).write_parquet(path)  # a conversation twice
        result = _run(instance, KEY, [dg.AssetKey("verified_system_messages")])
    finally:
        path.write_bytes(whole)
    assert not result.success
    assert f"filtered_system_messages breaks a contract for {KEY}, ids_are_unique" in errors_of(
        result
    )


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(lambda path: path.write_bytes(b"PAR1 no more"), "is damaged", id="corrupt"),
        pytest.param(lambda path: path.unlink(), "is not materialized", id="missing"),
        pytest.param(
            lambda path: (
                pl.read_parquet(path, hive_partitioning=False).drop("phrases").write_parquet(path)
            ),
            "has no column 'phrases'",
            id="missing column",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_one_error_that_names_it_and_costs_nothing_else(
    instance: dg.DagsterInstance, run: dg.ExecuteInProcessResult, damage: object, said: str
) -> None:
    path = STORE.path(TABLES["filtered_system_messages"], HERE)
    whole, next_table = path.read_bytes(), _read("verified_system_messages")
    try:
        assert callable(damage)
        damage(path)
        result = _run(instance, KEY, [dg.AssetKey("verified_system_messages")])
    finally:
        path.write_bytes(whole)
    assert not result.success
    assert said in errors_of(result)
    assert str(path) in errors_of(result)
    assert "aterialize it" in errors_of(result)
    assert _read("verified_system_messages").equals(next_table)


def test_a_shard_whose_engine_fails_stops_alone_and_is_finished_later(
    instance: dg.DagsterInstance, run: dg.ExecuteInProcessResult
) -> None:
    path = STORE.path(TABLES["conversations"], Partition(shard=OTHER))
    whole, rows = path.read_bytes(), _read("conversations", OTHER)
    marked = pl.concat_str("question", pl.lit(" [[simulate: 500]]"))
    third = pl.int_range(pl.len()) % 3 == 0
    try:
        rows.with_columns(
            pl.when(third).then(marked).otherwise("question").alias("question")
        ).select(rows.columns).write_parquet(path)
        quick = _models(first_delay_s=0.01)
        failed = _run(instance, f"{MODEL}|{OTHER}", PHASE_KEYS, resources=quick)
        ledger = STORE.root / "ledger" / "annotated_system_messages" / f"{MODEL}|{OTHER}.parquet"
        answered = pl.read_parquet(ledger)
    finally:
        path.write_bytes(whole)
    broken = [
        check.check_name for check in failed.get_asset_check_evaluations() if not check.passed
    ]
    assert "engine_answered" in broken
    assert [event.asset_key for event in failed.get_asset_materialization_events()] == PHASE_KEYS[
        :1
    ]
    annotated = _read("annotated_system_messages", f"{MODEL}|{OTHER}")
    lost = annotated.filter(pl.col("drop_reason") == "server_error")
    assert lost.height > 0
    assert lost["failure"].str.contains("500").all()
    assert answered.height == annotated.height - lost.height

    repaired = _run(instance, f"{MODEL}|{OTHER}", PHASE_KEYS)
    assert repaired.success, errors_of(repaired)
    assert _run(instance, KEY, [dg.AssetKey("aligned_responses")]).success


def test_a_partition_that_is_made_again_sends_nothing_and_is_the_same(
    instance: dg.DagsterInstance, run: dg.ExecuteInProcessResult
) -> None:
    before = _read("aligned_responses")
    again = _run(instance, KEY, PHASE_KEYS)
    for event in again.get_asset_materialization_events():
        metadata = event.materialization.metadata
        if event.asset_key != dg.AssetKey("filtered_system_messages"):
            assert metadata["engine/times_sent"].value == 0
            assert metadata["engine/known_from_before"].value == metadata["engine/requests"].value
    assert _read("aligned_responses").equals(before)


def test_while_a_partition_is_made_the_asset_shows_how_far_it_is(
    instance: dg.DagsterInstance, run: dg.ExecuteInProcessResult
) -> None:
    shown = _run(instance, KEY, PHASE_KEYS, resources=_models(observe_every_s=0))
    phase = dg.AssetKey("annotated_system_messages")
    observed = [
        event.event_specific_data.asset_observation
        for event in shown.all_events
        if event.event_type_value == "ASSET_OBSERVATION"
    ]
    of_phase = [each for each in observed if each.asset_key == phase]
    assert len(of_phase) >= 1
    assert of_phase[0].partition == KEY
    figures = of_phase[-1].metadata
    assert figures["engine/answered"].value == figures["engine/requests"].value > 0
    assert "answered" in (of_phase[-1].description or "")


def test_an_endpoint_that_is_not_there_is_one_error_and_keeps_what_was_made(
    instance: dg.DagsterInstance, run: dg.ExecuteInProcessResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _read("annotated_system_messages")
    changes = {"engine": Engine.ENDPOINT, "base_urls": ("http://127.0.0.1:9/v1",)}
    models = {**CATALOG.models, MODEL: CATALOG.models[MODEL].model_copy(update=changes)}
    monkeypatch.setitem(CATALOG.__dict__, "models", models)
    result = _run(instance, KEY, PHASE_KEYS)
    assert not result.success
    assert f"{MODEL}: no OpenAI-compatible server answers at http://127.0.0.1:9/v1" in errors_of(
        result
    )
    assert "SYSGEN_ENGINE=simulated" in errors_of(result)
    assert _read("annotated_system_messages").equals(before)


def test_without_vllm_a_phase_is_one_error_that_names_the_ways_to_get_an_engine(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    models = {
        name: model.model_copy(update={"engine": Engine.VLLM})
        for name, model in CATALOG.models.items()
    }
    monkeypatch.setitem(CATALOG.__dict__, "models", models)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = _run(instance, KEY, PHASE_KEYS)
    assert not result.success
    for way in ("pip install 'sysgen-dagster[vllm]'", "base_urls", "SYSGEN_ENGINE=simulated"):
        assert way in errors_of(result)


def test_statistics_count_over_all_finished_shards_of_a_model(
    instance: dg.DagsterInstance, run: dg.ExecuteInProcessResult
) -> None:
    result = _run(instance, MODEL, [dg.AssetKey("retention"), dg.AssetKey("tag_counts")])
    assert result.success, errors_of(result)
    counts = STORE.read(TABLES["retention"], Partition(MODEL))
    by_table = dict(counts.group_by("table").agg(pl.col("conversations").sum()).iter_rows())
    finished = STORE.shards(TABLES["aligned_responses"], MODEL)
    for table in UPSTREAM:
        assert by_table[table] == sum(_read(table, f"{MODEL}|{shard}").height for shard in finished)
    checks = {check.check_name for check in result.get_asset_check_evaluations()}
    assert checks == {
        "after_filtered_system_messages",
        "after_verified_system_messages",
        "after_aligned_responses",
        "every_phase_keeps_some",
    }
    assert "| Phase 2, filtered" in str(_metadata(result, "retention")["summary"])
