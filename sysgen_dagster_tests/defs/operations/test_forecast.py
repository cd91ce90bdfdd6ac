"""A forecast of stored tables: before anything is asked, after a pilot, and when all is done."""

import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from rich.console import Console

from sysgen_dagster.analysis.expected_samples import LABELLED
from sysgen_dagster.analysis.forecast import ROUGH
from sysgen_dagster.analysis.tables import FORECAST
from sysgen_dagster.catalog.load import CatalogError
from sysgen_dagster.commands.forecast import show_forecasts
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.judgements import JUDGEMENTS
from sysgen_dagster.defs.obedience import obedience
from sysgen_dagster.defs.operations.forecast import forecast_of
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES, asset_key
from sysgen_dagster.defs.plumbing.table_io import StoredStatistics
from sysgen_dagster.defs.sysgen_lane import PHASES as PHASE_ASSETS
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, VERIFIED
from sysgen_dagster.obedience.labelled_items import read_labelled_pairs, read_labelled_phrases
from sysgen_dagster.obedience.tables import (
    JUDGE_CALIBRATION,
    JUDGED_ALIGNMENT,
    JUDGED_PREFERENCES,
    OBEDIENCE,
)
from sysgen_dagster.processes.state import running
from sysgen_dagster.report.views import view_of
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Partition, Table, kept

MODEL = CATALOG.models["qwen2.5-14b"]
SHARDS = ("capybara-000", "capybara-001")
PHASES = (ANNOTATED, VERIFIED, ALIGNED, OBEDIENCE)
KEYS = [*(phase.key for phase in PHASE_ASSETS), obedience.key]
JOB = defs.resolve_implicit_global_asset_job_def()
PILOT_ROWS = 5
PAIRS, PHRASES_LABELLED = read_labelled_pairs().height, read_labelled_phrases().height


def make(store: Store, partition: str, *assets: dg.AssetKey, **ops: object) -> None:
    place = {"config": {"root": str(store.root)}}
    with dg.DagsterInstance.ephemeral() as instance:
        made = JOB.execute_in_process(
            run_config={
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                "ops": {name: {"config": config} for name, config in ops.items()},
                "resources": {"tables": place, "models": place},
            },
            instance=instance,
            partition_key=partition,
            asset_selection=list(assets),
        )
    assert made.success


def made_forecast(store: Store) -> pl.DataFrame:
    """The asset made now, as it is stored."""
    make(store, MODEL.name, asset_key(FORECAST))
    return store.read(FORECAST, Partition(MODEL.name))


def of(table: pl.DataFrame, phase: Table) -> dict[str, object]:
    return table.row(by_predicate=pl.col("phase") == phase.name, named=True)


def conversations(store: Store) -> int:
    return sum(kept(store.read(CONVERSATIONS, Partition(shard=shard))).height for shard in SHARDS)


def took(store: Store, phase: Table, column: str) -> int:
    tables = (store.read(phase, Partition(MODEL.name, shard), column) for shard in SHARDS)
    return sum(table[column].sum() for table in tables)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Where the next fixtures make one thing after the other."""
    root = tmp_path_factory.mktemp("forecast")
    yield Store(root)
    for name in running(root / "engines"):
        stop(root / "engines", name)


@pytest.fixture(scope="module")
def of_the_sources(store: Store) -> pl.DataFrame:
    """With nothing stored but the source."""
    for shard in SHARDS:
        make(store, shard, asset_key(SOURCE_TABLES["capybara"]))
    return made_forecast(store)


@pytest.fixture(scope="module")
def before(store: Store, of_the_sources: pl.DataFrame) -> pl.DataFrame:
    """With the conversations."""
    for shard in SHARDS:
        make(store, shard, asset_key(CONVERSATIONS))
    return made_forecast(store)


@pytest.fixture(scope="module")
def after_a_pilot(store: Store, before: pl.DataFrame) -> pl.DataFrame:
    """With some rows of one shard through all phases."""
    pilot = {"limit": PILOT_ROWS}
    make(store, f"{MODEL.name}|{SHARDS[0]}", *KEYS, annotated_system_messages=pilot)
    return made_forecast(store)


@pytest.fixture(scope="module")
def half_way(store: Store, after_a_pilot: pl.DataFrame) -> pl.DataFrame:
    """With the first shard through all phases, and the second through Phase 1 alone."""
    first, *others = KEYS
    make(store, f"{MODEL.name}|{SHARDS[0]}", first, *others)
    make(store, f"{MODEL.name}|{SHARDS[1]}", first)
    return made_forecast(store)


@pytest.fixture(scope="module")
def at_the_end(store: Store, half_way: pl.DataFrame) -> pl.DataFrame:
    """With both shards through all phases, and all judged that a judge is shown."""
    make(store, f"{MODEL.name}|{SHARDS[1]}", *KEYS)
    make(store, MODEL.name, *(each.key for each in JUDGEMENTS))
    return made_forecast(store)


def test_before_a_model_is_asked_everything_is_left_and_the_figures_are_rough(
    before: pl.DataFrame, store: Store
) -> None:
    assert before.select("source", "phase").rows() == [
        *(("capybara", each.name) for each in (*PHASES, JUDGED_PREFERENCES, JUDGED_ALIGNMENT)),
        (LABELLED, JUDGE_CALIBRATION.name),
    ]
    every, items = conversations(store), PAIRS + PHRASES_LABELLED
    shown = [min(every, CATALOG.judging.preference_rows), CATALOG.judging.alignment_rows]
    assert before["conversations"].to_list() == [*[every] * len(PHASES), *shown, items]
    assert of(before, JUDGE_CALIBRATION)["requests"] == pytest.approx(2 * PAIRS + PHRASES_LABELLED)
    assert before["basis"].unique().to_list() == [ROUGH]
    assert before["conversations_done"].sum() == 0


def test_where_only_the_source_is_stored_the_figures_are_the_same(
    of_the_sources: pl.DataFrame, before: pl.DataFrame
) -> None:
    assert of_the_sources.equals(before)


def test_without_a_source_it_says_what_to_make_first(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no source is stored: materialize the sources"):
        forecast_of(Store(tmp_path), MODEL)


def test_the_rough_tokens_in_are_about_what_the_phases_then_took(
    before: pl.DataFrame, at_the_end: pl.DataFrame
) -> None:
    for phase in PHASES:
        actual = of(at_the_end, phase)["prompt_tokens_done"]
        assert of(before, phase)["prompt_tokens"] == pytest.approx(actual, rel=0.25)


def test_the_rows_of_a_pilot_say_what_the_others_will_take(
    after_a_pilot: pl.DataFrame, store: Store
) -> None:
    left = conversations(store) - PILOT_ROWS
    for phase in PHASES:
        row = of(after_a_pilot, phase)
        assert (row["conversations"], row["conversations_done"]) == (left, PILOT_ROWS)
        assert row["basis"] == f"measured on {PILOT_ROWS} rows"
        for name in ("requests", "prompt_tokens", "completion_tokens"):
            assert row[name] == pytest.approx(row[f"{name}_done"] / PILOT_ROWS * left)  # type: ignore[operator]


def test_a_shard_is_done_in_the_phases_of_which_it_is_stored(
    half_way: pl.DataFrame, store: Store
) -> None:
    second = kept(store.read(CONVERSATIONS, Partition(shard=SHARDS[1]))).height
    assert of(half_way, ANNOTATED)["conversations"] == 0
    assert of(half_way, VERIFIED)["conversations"] == second
    assert of(half_way, ALIGNED)["conversations"] == second


def test_when_all_is_done_nothing_is_left_and_the_servers_counts_are_told(
    at_the_end: pl.DataFrame, store: Store
) -> None:
    assert at_the_end["requests"].to_list() == [0] * at_the_end.height
    for phase in PHASES:
        row = of(at_the_end, phase)
        assert row["conversations_done"] == conversations(store)
        for name in ("prompt_tokens", "completion_tokens"):
            assert row[f"{name}_done"] == took(store, phase, name)


def test_what_a_judge_was_shown_is_told_as_the_servers_counted_it(
    before: pl.DataFrame, at_the_end: pl.DataFrame, store: Store
) -> None:
    for table in (JUDGED_PREFERENCES, JUDGED_ALIGNMENT, JUDGE_CALIBRATION):
        judged, row = store.read(table, Partition(MODEL.name)), of(at_the_end, table)
        assert row["requests_done"] == judged.height
        assert row["prompt_tokens_done"] == judged["prompt_tokens"].sum()
        for name in ("requests", "prompt_tokens"):
            assert of(before, table)[name] == pytest.approx(row[f"{name}_done"], rel=0.25)


# A table of before

OLD = pl.DataFrame({"source": ["capybara"], "phase": [ANNOTATED.name], "counted_with": ["a"]})


def test_a_stored_forecast_of_an_older_release_is_not_shown(tmp_path: Path) -> None:
    store = Store(tmp_path)
    file = tmp_path / FORECAST.file(Partition(MODEL.name))
    file.parent.mkdir()
    OLD.write_parquet(file)
    view = view_of(FORECAST)
    assert view
    assert view.read(StoredStatistics(store, MODEL.name)) is None


# From the command line


@pytest.fixture
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command points its process at a deployment; the session's own stays as it is."""
    for name in ("SYSGEN_DATA", "SYSGEN_WORK", "SYSGEN_CATALOG", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def printed(store: Store, *models: str) -> str:
    console = Console(width=120, record=True, quiet=False)
    with console.capture() as said:
        assert show_forecasts(console, str(store.root), models) == 0
    return re.sub(r"\s+", " ", said.get())


@pytest.mark.usefixtures("_own_environment")
def test_a_rough_forecast_is_printed_as_one(before: pl.DataFrame, store: Store) -> None:
    said = printed(store, "phi-4")
    assert "phi-4: what is left to do" in said
    assert f"1 annotated │ {conversations(store)} │" in said
    assert (
        "A rough figure can be off by a factor of two. Run a pilot (`limit`), then ask again."
        in said
    )
    assert "For GPU-hours add `rates` to the model's entry." in said
    assert "what is done" not in said


@pytest.mark.usefixtures("_own_environment")
def test_what_is_done_is_printed_apart_and_what_is_left_is_named(
    at_the_end: pl.DataFrame, store: Store
) -> None:
    said = printed(store, MODEL.name)
    assert f"{MODEL.name}: what is done" in said
    assert f"{MODEL.name}: nothing is left to do." in said
    assert "rough" not in said


@pytest.mark.usefixtures("_own_environment")
def test_every_model_is_printed_where_none_is_named(before: pl.DataFrame, store: Store) -> None:
    said = printed(store)
    assert all(f"{name}: " in said for name in CATALOG.models)


@pytest.mark.usefixtures("_own_environment")
def test_a_model_that_is_not_in_the_catalogue_is_refused(store: Store) -> None:
    with pytest.raises(CatalogError, match=r"no model gpt-5: llama-3\.1-8b, qwen2\.5-14b, phi-4"):
        show_forecasts(Console(), str(store.root), ["gpt-5"])
