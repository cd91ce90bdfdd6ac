"""Every analysis, both judges and the report on a real instance, over three shards of one model."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from sysgen_dagster.catalog.sources import Benchmark
from sysgen_dagster.commands.work import after_conversations
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs import measures, report
from sysgen_dagster.defs.plumbing.checks import CHECKS
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES, asset_key
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Partition, kept

MODEL, SHARDS = "qwen2.5-14b", ("orca_math-000", "metamath-000", "metamath-001")
STORE = Store(Path(os.environ["SYSGEN_DATA"]))
JOB = defs.resolve_implicit_global_asset_job_def()
OF_SHARDS, OF_MODELS, OF_SOURCES = after_conversations()
OF_THE_MODEL = [key.path[-1] for key in OF_MODELS]
# Measured or judged over all rows of a model, or of the sources.
STATISTICS = {
    name
    for name, table in TABLES.items()
    if table.by in (By.MODEL, By.NOTHING)
    and table.group not in {Group.EVALUATION, Group.MULTIFACETED}
    and name not in {"splits", "review_decisions"}
}
ALIGNED, ROW_QUALITY = TABLES["aligned_responses"], TABLES["row_quality"]


def _run(
    instance: dg.DagsterInstance, partition: str | None, assets: list[dg.AssetKey]
) -> dg.ExecuteInProcessResult:
    return JOB.execute_in_process(
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        instance=instance,
        partition_key=partition,
        asset_selection=assets,
        raise_on_error=False,
    )


def _errors(result: dg.ExecuteInProcessResult) -> str:
    errors = [event.step_failure_data.error for event in result.get_step_failure_events()]
    return "\n".join(str(error and error.to_string()) for error in errors)


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, dg.ExecuteInProcessResult]]:
    """The runs after the conversations, by what they made."""
    with dg.DagsterInstance.get() as instance:
        for shard in SHARDS:
            source = SOURCE_TABLES[CATALOG.source_of(shard).name]
            for asset in (asset_key(source), dg.AssetKey("conversations")):
                made = _run(instance, shard, [asset])
                assert made.success, _errors(made)
        of_sources = _run(instance, None, OF_SOURCES)
        for shard in SHARDS:
            made = _run(instance, f"{MODEL}|{shard}", OF_SHARDS)
            assert made.success, _errors(made)
        yield {
            "sources": of_sources,
            "model": _run(instance, MODEL, OF_MODELS),
            "report": _run(instance, None, [report.paper_comparison.key, report.report.key]),
            "early": _run(instance, "phi-4", [dg.AssetKey("judged_alignment")]),
        }


def _metadata(result: dg.ExecuteInProcessResult, table: str) -> dict[str, object]:
    for event in result.get_asset_materialization_events():
        if event.asset_key == dg.AssetKey(table):
            return {name: value.value for name, value in event.materialization.metadata.items()}
    raise AssertionError(f"{table} was not materialized")


def _shown(runs: dict[str, dg.ExecuteInProcessResult], table: str) -> dict[str, object]:
    of_sources = "report" if table == "paper_comparison" else "sources"
    return _metadata(runs["model" if table in OF_THE_MODEL else of_sources], table)


def _statistics(table: str) -> pl.DataFrame:
    return STORE.read(TABLES[table], Partition(MODEL if table in OF_THE_MODEL else None))


def test_every_run_comes_to_its_end(runs: dict[str, dg.ExecuteInProcessResult]) -> None:
    for name in ("sources", "model", "report"):
        assert runs[name].success, _errors(runs[name])


# The messages here may be all different, and conflict turns are off in this catalogue.
_MAY_BE_EMPTY = {"near_duplicate_messages", "conflict_counts"}


@pytest.mark.parametrize("table", sorted(STATISTICS))
def test_a_statistic_is_stored_and_shows_its_figures(
    runs: dict[str, dg.ExecuteInProcessResult], table: str
) -> None:
    rows = _statistics(table)
    shown = _shown(runs, table)
    assert not rows.is_empty() or table in _MAY_BE_EMPTY
    assert str(shown["summary"]).startswith("| ")
    assert rows.is_empty() or any(name.startswith("figures/") for name in shown)


_WITHOUT_CHART = {
    *("contamination", "forecast", "planted_faults"),
    *("conflict_counts", "judge_calibration", "result_counts"),
}


@pytest.mark.parametrize("table", sorted(STATISTICS - {"learned_similarity", "message_diversity"}))
def test_one_chart_stands_for_the_asset_where_there_is_one(
    runs: dict[str, dg.ExecuteInProcessResult], table: str
) -> None:
    shown = _shown(runs, table)
    if "near_duplicate" in table or table in _WITHOUT_CHART:
        assert "chart" not in shown
    else:
        picture = str(shown["chart"])
        assert picture.startswith("![")
        assert "](data:image/svg+xml;base64," in picture
        assert len(picture) < 50_000


def test_every_aligned_row_is_measured(runs: dict[str, dg.ExecuteInProcessResult]) -> None:
    for shard in SHARDS:
        aligned = kept(STORE.read(ALIGNED, Partition(MODEL, shard)))
        measured = STORE.read(ROW_QUALITY, Partition(MODEL, shard))
        assert measured["conversation_id"].to_list() == aligned["conversation_id"].to_list()


def test_every_expectation_is_recorded(runs: dict[str, dg.ExecuteInProcessResult]) -> None:
    recorded = {
        (check.asset_key.to_user_string(), check.check_name)
        for name in ("sources", "model")
        for check in runs[name].get_asset_check_evaluations()
    }
    expected = {(each.table.name, each.name) for each in CHECKS if each.table.name in STATISTICS}
    assert expected <= recorded


def test_the_judge_of_the_catalogue_judged_both_orders(
    runs: dict[str, dg.ExecuteInProcessResult],
) -> None:
    judged = _statistics("judged_preferences")
    assert set(judged["judge"]) == {"phi-4"}
    assert not judged["judge_is_generator"].any()
    assert judged.group_by("conversation_id").len()["len"].unique().to_list() == [2]
    assert _metadata(runs["model"], "judged_preferences")["judge"] == "phi-4"


def test_what_a_judge_said_is_not_asked_for_again(
    runs: dict[str, dg.ExecuteInProcessResult],
) -> None:
    before = _statistics("judged_alignment")
    with dg.DagsterInstance.get() as instance:
        again = _run(instance, MODEL, [dg.AssetKey("judged_alignment")])
    shown = _metadata(again, "judged_alignment")
    assert shown["engine/times_sent"] == 0
    assert shown["engine/known_from_before"] == before.height
    assert _statistics("judged_alignment").equals(before)


def test_the_planted_benchmark_item_is_found(
    runs: dict[str, dg.ExecuteInProcessResult],
) -> None:
    found = _statistics("contamination").filter(pl.col("overlap") == 1.0)
    assert ("orca_math", "example_items", 0) in found.select("source", "benchmark", "item").rows()


def test_metrics_without_weights_say_why_they_are_not_computed(
    runs: dict[str, dg.ExecuteInProcessResult],
) -> None:
    learned = _statistics("learned_similarity")
    assert not learned["computed"].any()
    assert learned["mean"].null_count() == learned.height
    assert all("weights" in how for how in learned["how"])


def test_the_report_is_one_page_that_names_its_path(
    runs: dict[str, dg.ExecuteInProcessResult],
) -> None:
    shown = _metadata(runs["report"], "report")
    page = STORE.report.read_text()
    assert shown["report"] == str(STORE.report)
    assert not any("file:" in str(value) for value in shown.values())  # browsers refuse such links
    assert "kept of" in str(shown["kept_rows"])
    assert "**New answer**" in str(shown["row_3"])
    assert "No model wrote these texts" in str(shown["notices"])
    assert int(str(shown["rows_shown"])) > 20
    assert "No model wrote these texts" in page
    assert "Table 1" in page
    assert MODEL in page


def test_a_statistic_of_nothing_is_one_error_that_says_what_to_do_first(
    runs: dict[str, dg.ExecuteInProcessResult],
) -> None:
    [event] = runs["early"].get_step_failure_events()
    error = event.step_failure_data.error
    while error.cause is not None:  # type: ignore[union-attr]
        error = error.cause  # type: ignore[union-attr]
    assert "aligned_responses is not materialized for any shard of phi-4" in str(error)


# What a reader of the metadata relies on


@pytest.mark.parametrize(
    ("table", "figure"),
    [
        ("retention", "figures/phase 2/kept_share"),
        ("tag_counts", "figures/Role/filtered_share"),
        ("verdict_counts", "figures/Content/bad"),
        ("answer_similarity", "figures/rouge1/mean"),
        ("learned_similarity", "figures/bertscore/rows"),
        ("quality_counts", "figures/final_answer_differs/share"),
        ("message_diversity", "figures/distinct_1"),
        ("judged_preferences", "figures/win_rate"),
        ("near_duplicate_messages", "figures/surplus"),
        ("contamination", "figures/orca_math/example_items/mostly_held"),
        ("source_lengths", "figures/orca_math/question_chars"),
    ],
)
def test_a_figure_has_one_name_whatever_the_values(
    runs: dict[str, dg.ExecuteInProcessResult], table: str, figure: str
) -> None:
    assert figure in _shown(runs, table)


def test_a_simulated_judge_says_so(runs: dict[str, dg.ExecuteInProcessResult]) -> None:
    for table in ("judged_preferences", "judged_alignment"):
        assert "No model wrote this" in str(_shown(runs, table)["simulated"])


def test_every_judge_has_a_ledger_of_its_own(runs: dict[str, dg.ExecuteInProcessResult]) -> None:
    ledger = STORE.root / "ledger" / "judged_alignment" / "phi-4" / f"{MODEL}.parquet"
    assert ledger.is_file()


def test_a_benchmark_that_cannot_be_read_is_named_and_the_others_are_looked_for(
    runs: dict[str, dg.ExecuteInProcessResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Benchmark(
        name="gone", title="Gone", license="mit", path=Path("gone.jsonl"), text=["question"]
    )
    both = {"gone": gone, **CATALOG.benchmarks}
    monkeypatch.setattr(measures, "CATALOG", CATALOG.model_copy(update={"benchmarks": both}))
    with dg.DagsterInstance.get() as instance:
        again = _run(instance, None, [dg.AssetKey("contamination")])
        monkeypatch.setattr(
            measures, "CATALOG", CATALOG.model_copy(update={"benchmarks": {"gone": gone}})
        )
        none = _run(instance, None, [dg.AssetKey("contamination")])
    shown = _metadata(again, "contamination")
    assert (shown["benchmarks"], shown["not_read"]) == ("example_items", "gone")
    assert not _statistics("contamination").is_empty()
    assert "gone: there is no file gone.jsonl" in _errors(none)


def test_measures_of_rows_that_were_answered_anew_are_not_counted(
    runs: dict[str, dg.ExecuteInProcessResult],
) -> None:
    shard = SHARDS[0]
    here = Partition(MODEL, shard)
    answered = STORE.read(ALIGNED, here)
    STORE.write(ALIGNED, here, answered.head(2))
    with dg.DagsterInstance.get() as instance:
        stale = _run(instance, MODEL, [dg.AssetKey("answer_similarity")])
    STORE.write(ALIGNED, here, answered)
    assert f"row_quality breaks a contract for {MODEL}|{shard}, nothing_is_lost" in _errors(stale)
