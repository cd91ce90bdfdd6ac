"""The asset `obedience` on a real instance: a judge is asked of every row, or of a sample."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from sysgen_dagster.analysis.tables import OBEDIENCE_COUNTS
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs import obedience as asset
from sysgen_dagster.defs.obedience import judge_stands_aside
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES, asset_key
from sysgen_dagster.defs.sysgen_lane import PHASES
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, VERIFIED
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, kept

MODEL, SHARD, LIMIT = "qwen2.5-14b", "metamath-001", 20
AT = Partition(MODEL, SHARD)
JUDGE = str(CATALOG.judging.judge)
STORE = Store(Path(os.environ["SYSGEN_DATA"]))
JOB = defs.resolve_implicit_global_asset_job_def()


def _run(
    instance: dg.DagsterInstance, partition: str | None, *assets: dg.AssetKey
) -> dg.ExecuteInProcessResult:
    pilot = {"ops": {PHASES[0].op.name: {"config": {"limit": LIMIT}}}}
    result = JOB.execute_in_process(
        run_config={
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            **(pilot if PHASES[0].key in assets else {}),
        },
        instance=instance,
        partition_key=partition,
        asset_selection=list(assets),
        raise_on_error=False,
    )
    assert result.success, result.get_step_failure_events()
    return result


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """One shard is through the phases."""
    with dg.DagsterInstance.get() as made:
        _run(made, SHARD, asset_key(SOURCE_TABLES[CATALOG.source_of(SHARD).name]))
        _run(made, SHARD, asset_key(CONVERSATIONS))
        _run(made, AT.key, *(phase.key for phase in PHASES))
        yield made


@pytest.fixture(scope="module")
def judged(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """The run in which the judge of the catalogue is asked."""
    return _run(instance, AT.key, asset.obedience.key)


def _verdicts() -> pl.DataFrame:
    table = STORE.read(OBEDIENCE, AT)
    return table.select("conversation_id", "phrases").explode("phrases").unnest("phrases")


def test_every_answered_row_has_a_verdict_on_each_phrase_of_its_message(
    judged: dg.ExecuteInProcessResult,
) -> None:
    answered = kept(STORE.read(ALIGNED, AT)).select("conversation_id")
    phrases = STORE.read(VERIFIED, AT, "conversation_id", "phrases")
    wanted = answered.join(phrases, on="conversation_id", maintain_order="left")

    found = STORE.read(OBEDIENCE, AT)
    assert found["conversation_id"].to_list() == wanted["conversation_id"].to_list()
    assert (
        _verdicts()
        .select("conversation_id", "tag", "text")
        .equals(wanted.explode("phrases").unnest("phrases"))
    )
    assert set(_verdicts()["verdict"]) <= {"obeyed", "not_obeyed", "unknown"}


def test_what_rules_leave_open_the_judge_decides_and_is_named(
    judged: dg.ExecuteInProcessResult,
) -> None:
    asked = STORE.read(OBEDIENCE, AT).filter(pl.col("attempts").is_not_null())

    assert set(_verdicts()["by"]) <= {"rules", JUDGE, None}
    assert _verdicts().filter(by=JUDGE).height > LIMIT / 2
    assert set(asked["judge"]) == {JUDGE}
    assert not asked["judge_is_generator"].any()
    assert asked["prompt_tokens"].min()  # type: ignore[truthy-bool]


def test_its_page_counts_the_verdicts_and_shows_rows_that_do_not_obey(
    judged: dg.ExecuteInProcessResult,
) -> None:
    [made] = judged.get_asset_materialization_events()
    shown = {name: str(value.value) for name, value in made.materialization.metadata.items()}
    lines = shown["phrases"].split("\n")
    assert lines[0] == "| by | obeyed | not_obeyed | unknown |"
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        *(f"| {name}" for name in (f"{JUDGE} (uncalibrated)", "rules")),
        *(["| nobody"] if _verdicts()["by"].null_count() else []),
    ]
    rows = [shown[f"row_{number}"] for number in (1, 2, 3)]
    assert all("**New answer**" in row and "**Not obeyed**" in row for row in rows)
    assert "sample" not in shown


def test_a_judge_that_is_asked_again_answers_from_its_ledger(
    instance: dg.DagsterInstance, judged: dg.ExecuteInProcessResult
) -> None:
    before = STORE.read(OBEDIENCE, AT)
    again = _run(instance, AT.key, asset.obedience.key)

    [made] = again.get_asset_materialization_events()
    shown = {name: value.value for name, value in made.materialization.metadata.items()}
    assert shown["engine/times_sent"] == 0
    assert shown["engine/known_from_before"] == before["attempts"].count()
    assert STORE.read(OBEDIENCE, AT).equals(before)
    assert (STORE.root / "ledger" / "obedience" / JUDGE / f"{AT.key}.parquet").is_file()


def test_the_phrases_of_a_model_are_counted_over_its_shards(
    instance: dg.DagsterInstance, judged: dg.ExecuteInProcessResult
) -> None:
    _run(instance, MODEL, asset.obedience_counts.key)

    counts = STORE.read(OBEDIENCE_COUNTS, Partition(MODEL))
    assert counts["phrases"].sum() == _verdicts().height
    assert set(counts["source"]) == {"metamath"}


def _judging(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    judging = CATALOG.judging.model_copy(update=changes)
    monkeypatch.setattr(asset, "CATALOG", CATALOG.model_copy(update={"judging": judging}))


def test_of_a_sample_the_shards_of_a_source_take_equal_parts_and_the_first_one_what_is_over(
    monkeypatch: pytest.MonkeyPatch, judged: dg.ExecuteInProcessResult
) -> None:
    rows = STORE.read(OBEDIENCE, AT)
    shards = CATALOG.shards("metamath")
    _judging(monkeypatch, obedience=3 * len(shards) + 1)

    taken = [asset._sample(rows, shard) for shard in shards]
    assert [each.height for each in taken] == [4, *[3] * (len(shards) - 1)]
    assert set(taken[1]["conversation_id"]) <= set(taken[0]["conversation_id"])
    _judging(monkeypatch, obedience="all")
    assert asset._sample(rows, SHARD).equals(rows)


def test_only_the_rows_of_the_sample_are_judged_and_all_have_their_row(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    _judging(monkeypatch, obedience=5 * len(CATALOG.shards("metamath")))
    _run(instance, AT.key, asset.obedience.key)

    table = STORE.read(OBEDIENCE, AT)
    assert table.height == kept(STORE.read(ALIGNED, AT)).height > 5
    assert table["attempts"].count() == 5


def test_several_judges_are_each_asked_and_each_remembered(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [name for name in CATALOG.models if name != JUDGE]
    judges = (JUDGE, *others)[:3]
    _judging(monkeypatch, judges=judges, obedience=5 * len(CATALOG.shards("metamath")))
    made = _run(instance, AT.key, asset.obedience.key)

    [event] = made.get_asset_materialization_events()
    shown = {name: value.value for name, value in event.materialization.metadata.items()}
    assert (shown["engine/requests"], shown["judge"]) == (5 * len(judges), ", ".join(judges))
    table = STORE.read(OBEDIENCE, AT)
    assert table["judged"].count() == 5
    said = table.drop_nulls("judged").explode("phrases", "judged").drop_nulls("judged")
    assert said["judged"].str.count_matches(": ").to_list() == [len(judges)] * said.height
    assert table["judge"].drop_nulls().unique().to_list() == [", ".join(judges)]
    for judge in judges:
        assert (STORE.root / "ledger" / "obedience" / judge / f"{AT.key}.parquet").is_file()

    _run(instance, MODEL, asset.obedience_counts.key)
    counts = STORE.read(OBEDIENCE_COUNTS, Partition(MODEL))
    assert counts.drop_nulls("judged")["phrases"].sum() == said.height


VLLM, ELSEWHERE = Engine.VLLM, Engine.ENDPOINT
# Where the judge and the others are; which model judges; of how many rows; whether it waits.
ASIDE = {
    "another-here": (VLLM, VLLM, MODEL, "all", True),
    "of-a-sample": (VLLM, VLLM, MODEL, 20, True),
    "another-here-beside-servers": (VLLM, ELSEWHERE, MODEL, "all", False),
    "elsewhere": (ELSEWHERE, VLLM, MODEL, "all", False),
    "each-itself": (VLLM, VLLM, None, "all", False),
    "rules-alone": (VLLM, VLLM, MODEL, 0, False),
    "simulated": (Engine.SIMULATED, VLLM, MODEL, "all", False),
}


def _catalog(judge_at: Engine, others_at: Engine, judge: str | None, rows: object) -> Catalog:
    models = {
        name: model.model_copy(update={"engine": judge_at if name == judge else others_at})
        for name, model in CATALOG.models.items()
    }
    judging = CATALOG.judging.model_copy(update={"judge": judge, "obedience": rows})
    return CATALOG.model_copy(update={"models": models, "judging": judging})


@pytest.mark.parametrize("case", ASIDE.values(), ids=ASIDE)
def test_a_judge_waits_for_the_phases_where_it_would_take_a_model_s_place(
    case: tuple[Engine, Engine, str | None, object, bool],
) -> None:
    *given, waits = case
    assert judge_stands_aside(_catalog(*given)) is waits  # type: ignore[arg-type]
