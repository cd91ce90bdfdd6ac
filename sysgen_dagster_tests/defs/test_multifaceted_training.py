"""The second lane's rows and pairs on a real instance: judged, mixed, exported and loaded."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import datasets  # type: ignore[import-untyped]
import polars as pl
import pytest

from sysgen_dagster.catalog.recipes import OF_SECOND_LANE
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.export_checks import loads_with_datasets
from sysgen_dagster.defs.exports import exports, hub_datasets
from sysgen_dagster.defs.mixture_checks import has_its_rows
from sysgen_dagster.defs.multifaceted_lane import STEPS, instructions, selection
from sysgen_dagster.defs.multifaceted_training import JUDGED, MULTIFACETED_TRAINING
from sysgen_dagster.defs.plumbing.assets import also_read
from sysgen_dagster.defs.training_sets import mixtures
from sysgen_dagster.lanes.multifaceted.drop_reasons import Unpaired
from sysgen_dagster.lanes.multifaceted.tables import GOLD_ANSWERS, JUDGED_PAIRS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Table, kept
from sysgen_dagster.training_sets.export.manifest import read_manifest
from sysgen_dagster.training_sets.tables import MIXTURES as MIXED
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS, MULTIFACETED_ROWS
from sysgen_dagster_tests.defs.step_errors import errors_of
from sysgen_dagster_tests.lanes.multifaceted.instructions import MIXTURES

MODEL, SHARD = "llama-3.1-8b", "multifaceted-000"
KEY = f"{MODEL}|{SHARD}"
STORE = Store(Path(os.environ["SYSGEN_DATA"]))
JOB = defs.resolve_implicit_global_asset_job_def()
SOURCES, ASKED = ["main_source", "original_source"], ["system", "prompt"]


def _run(
    instance: dg.DagsterInstance, partition: str | None, assets: list[dg.AssetKey]
) -> dg.ExecuteInProcessResult:
    ran = JOB.execute_in_process(
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        instance=instance,
        partition_key=partition,
        asset_selection=assets,
        raise_on_error=False,
    )
    assert ran.success, errors_of(ran)
    return ran


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """One model and one shard, from the selection to the pairs."""
    with dg.DagsterInstance.get() as instance:
        _run(instance, None, [selection.key])
        _run(instance, SHARD, [instructions.key])
        made = (*STEPS, *JUDGED, *MULTIFACETED_TRAINING)
        _run(instance, KEY, [each.key for each in made])
        yield instance


@pytest.fixture(scope="module")
def exported(instance: dg.DagsterInstance) -> dict[str, dg.ExecuteInProcessResult]:
    """Every mixture of the lane, exported, with the run that did it."""
    return {name: _run(instance, name, [mixtures.key, exports.key]) for name in MIXTURES}


def _read(table: Table) -> pl.DataFrame:
    return STORE.read(table, table.partition_of(KEY))


def test_every_kept_answer_is_a_chat_and_a_row_of_pairs(instance: dg.DagsterInstance) -> None:
    gold, rows, pairs = (
        kept(_read(GOLD_ANSWERS)),
        _read(MULTIFACETED_ROWS),
        _read(MULTIFACETED_PAIRS),
    )

    ids = gold["conversation_id"].to_list()
    assert rows["conversation_id"].to_list() == ids == pairs["conversation_id"].to_list()
    dropped = pairs.drop_nulls("drop_reason")
    assert 0 < dropped.height < pairs.height
    assert {*dropped["drop_reason"]} <= {*Unpaired}
    assert dropped["rejected"].null_count() == dropped.height
    assert kept(pairs)["rejected"].null_count() == 0


def test_a_pair_has_the_flags_of_the_chat_with_its_chosen_answer(
    instance: dg.DagsterInstance,
) -> None:
    chats, pairs = _read(MULTIFACETED_ROWS), _read(MULTIFACETED_PAIRS)

    assert pairs["flags"].to_list() == chats["flags"].to_list()
    assert {*chats["flags"].explode().drop_nulls()} <= {*OF_SECOND_LANE}


def test_a_pair_rejects_the_answer_to_a_sibling_s_message(instance: dg.DagsterInstance) -> None:
    answers = dict(_read(GOLD_ANSWERS).select("conversation_id", "answer").iter_rows())

    for row in kept(_read(MULTIFACETED_PAIRS)).iter_rows(named=True):
        assert row["chosen"] == [{"role": "assistant", "content": answers[row["conversation_id"]]}]
        assert row["rejected"][0]["content"] == answers[row["rejected_set"]]
        assert row["rejected_set"].split("#")[0] == row["instruction_id"]
        assert [turn["role"] for turn in row["prompt"]] == ["system", "user"]


def test_a_pair_was_judged_in_both_orders_and_won_both(instance: dg.DagsterInstance) -> None:
    judged = _read(JUDGED_PAIRS)
    verdicts = judged.group_by("conversation_id").agg("verdict", "shown_first")

    of_pairs = kept(_read(MULTIFACETED_PAIRS)).join(verdicts, on="conversation_id")
    assert {*of_pairs["shown_first"].explode()} == {"own", "sibling"}
    assert {*of_pairs["verdict"].explode()} == {"own"}
    assert of_pairs["verdict"].list.len().unique().to_list() == [2]


def test_the_rows_of_an_instruction_are_in_one_split(instance: dg.DagsterInstance) -> None:
    rows = pl.concat(
        _read(table).select("instruction_id", "split")
        for table in (MULTIFACETED_ROWS, MULTIFACETED_PAIRS)
    )
    assert rows.unique().height == rows["instruction_id"].n_unique()


@pytest.mark.parametrize("name", MIXTURES)
def test_an_export_of_the_lane_loads_with_all_rows_of_its_mixture(
    name: str, exported: dict[str, dg.ExecuteInProcessResult]
) -> None:
    found = {each.check_name: each.passed for each in exported[name].get_asset_check_evaluations()}
    wanted = [*loads_with_datasets.check_specs, *has_its_rows.check_specs]
    assert found == dict.fromkeys([spec.name for spec in wanted], True)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("sets", ["messages"]),
        ("sets_published", [*SOURCES, "preference_set", *ASKED, "output"]),
        ("set_pairs", ["prompt", "chosen", "rejected"]),
        ("set_pairs_reward", ["chosen", "rejected"]),
        ("set_pairs_published", [*SOURCES, *ASKED, "chosen", "rejected"]),
    ],
)
def test_an_export_has_the_columns_of_its_layout(
    name: str,
    columns: list[str],
    exported: dict[str, dg.ExecuteInProcessResult],
    tmp_path: Path,
) -> None:
    rows = datasets.load_dataset(str(STORE.export(name)), split="train", cache_dir=tmp_path)

    held = [
        each for each in rows.column_names if each in {*columns, "prompt", "messages", "output"}
    ]
    assert sorted(held) == sorted(columns)
    if name.endswith("published"):
        assert rows.column_names[: len(columns)] == columns
        assert len(rows[0]["preference_set"]) == 4
        assert isinstance(rows[0]["prompt"], str)
    if name.endswith("reward"):
        chosen, rejected = rows[0]["chosen"], rows[0]["rejected"]
        assert [turn["role"] for turn in chosen] == ["system", "user", "assistant"]
        assert chosen[:2] == rejected[:2]
        assert chosen[2] != rejected[2]


def test_a_mixture_with_one_pair_an_instruction_counts_the_others_as_left_out(
    exported: dict[str, dg.ExecuteInProcessResult],
) -> None:
    pairs, drawn = (
        STORE.read(MIXED, MIXED.partition_of(f"set_pairs{end}")) for end in ("", "_one")
    )
    [made] = exported["set_pairs_one"].asset_materializations_for_node(mixtures.op.name)
    noted = {name: value.value for name, value in made.metadata.items()}

    instructions_of = pairs["conversation_id"].str.split("#").list.first()
    assert drawn.height == instructions_of.n_unique() < pairs.height
    assert (noted["rows"], noted["candidates"]) == (drawn.height, pairs.height)
    assert noted["left_out_by_the_numbers"] == pairs.height - drawn.height


def test_the_card_says_how_the_lane_makes_its_rows_and_what_became_of_the_answers(
    exported: dict[str, dg.ExecuteInProcessResult],
) -> None:
    card = (Path(str(STORE.export("set_pairs"))) / "README.md").read_text()

    assert "# Multifaceted: set\\_pairs" in card
    assert "key functionalities" not in card
    assert "whichever of the two stands first" in card
    assert "order\\_decides" in card or "order_decides" in card
    assert "Do not train on this" in card
    chats = (Path(str(STORE.export("sets"))) / "README.md").read_text()
    assert "the chosen answer is the one under this message" in " ".join(card.split())
    assert "`train` is true for the answer alone." in chats
    for each in (card, chats):  # what the first lane's rows have
        assert "new one" not in each
        assert "earlier ones" not in each
    manifest = read_manifest(Path(str(STORE.export("set_pairs"))))
    assert manifest["recipe"]["lane"] == "multifaceted"
    assert "multifaceted_judge_pair" in manifest["prompts"]


def test_made_up_rows_of_the_lane_are_not_pushed(
    instance: dg.DagsterInstance, exported: dict[str, dg.ExecuteInProcessResult]
) -> None:
    config = {"ops": {hub_datasets.op.name: {"config": {"repo": "me/it"}}}}
    refused = JOB.execute_in_process(
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **config},
        instance=instance,
        partition_key="set_pairs",
        asset_selection=[hub_datasets.key],
        raise_on_error=False,
    )
    assert "simulated" in errors_of(refused)


def test_an_excluded_instruction_is_left_out_of_mixtures(
    instance: dg.DagsterInstance, exported: dict[str, dg.ExecuteInProcessResult]
) -> None:
    gone = _read(MULTIFACETED_ROWS)["instruction_id"][0]
    STORE.exclude([gone])
    _run(instance, "sets", [mixtures.key])

    left = STORE.read(MIXED, MIXED.partition_of("sets"))
    assert left.height
    assert not [each for each in left["conversation_id"] if each.split("#")[0] == gone]


def test_the_pairs_follow_the_judgement_and_the_answers() -> None:
    pairs = MULTIFACETED_TRAINING[1]
    deps = {key.to_user_string() for key in pairs.asset_deps[pairs.key]}
    read = {key.to_user_string() for key in also_read(pairs.metadata_by_key[pairs.key])}

    assert {JUDGED_PAIRS.name, GOLD_ANSWERS.name} <= deps
    assert read == {"multifaceted/instructions"}
