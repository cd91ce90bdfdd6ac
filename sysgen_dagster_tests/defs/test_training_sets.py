"""Training sets on a real instance: from splits to a folder that `datasets` loads."""

import os
import re
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import dagster as dg
import datasets
import polars as pl
import pytest

from sysgen_dagster.analysis.findings import FINDINGS
from sysgen_dagster.catalog.recipes import NOT_OBEYED, Obeyed, Recipe, Rejected, Reviewed, Variant
from sysgen_dagster.commands.exclude import exclude_conversations
from sysgen_dagster.commands.printing import open_plain_console
from sysgen_dagster.commands.work import after_conversations
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs import exports as defs_exports
from sysgen_dagster.defs import mixture_checks, training_sets
from sysgen_dagster.defs.exports import _engines, _writers, exports, hub_datasets
from sysgen_dagster.defs.operations.automation import OUT_OF_DATE
from sysgen_dagster.defs.plumbing.candidates import LEFT_OUT
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES, asset_key
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.defs.report import _flag_reviewed
from sysgen_dagster.defs.review import review_decisions
from sysgen_dagster.defs.sysgen_lane import PHASES
from sysgen_dagster.defs.training_sets import (
    mixtures,
    preference_pairs,
    training_rows,
)
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience.tables import CONFLICT_TURNS, OBEDIENCE
from sysgen_dagster.report.kept_rows import is_kept
from sysgen_dagster.review.decisions import Choice, Decision, digest_of, journal_of
from sysgen_dagster.review.tables import REVIEW_DECISIONS
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import OtherCutError, Store
from sysgen_dagster.tables.table import Partition, kept
from sysgen_dagster.training_sets.export.manifest import read_ids
from sysgen_dagster.training_sets.exported_rows import stored_variant
from sysgen_dagster.training_sets.flags import FLAGS, OBEDIENCE_FLAGS
from sysgen_dagster.training_sets.mixtures import require_one_shard_each
from sysgen_dagster.training_sets.tables import (
    MIXTURES,
    PREFERENCE_PAIRS,
    SPLITS,
    TRAINING_ROWS,
)
from sysgen_dagster_tests.obedience.conflict_rows import HOLDS, turn_frame, turn_rows
from sysgen_dagster_tests.training_sets.frames import of

SHARD, MODELS = "magicoder-001", ("phi-4", "llama-3.1-8b")
HERE = Partition("phi-4", SHARD)
STORE = Store(Path(os.environ["SYSGEN_DATA"]))
JOB = defs.resolve_implicit_global_asset_job_def()
OF_SHARDS, _, OF_SOURCES = after_conversations()
CONVERSATIONS = dg.AssetKey("conversations")


def _run(
    partition: str | None, assets: list[dg.AssetKey], **config: object
) -> dg.ExecuteInProcessResult:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.get() as instance:
        return JOB.execute_in_process(
            run_config={**quiet, **config},
            instance=instance,
            partition_key=partition,
            asset_selection=assets,
            raise_on_error=False,
        )


def _messages(result: dg.ExecuteInProcessResult) -> str:
    messages = []
    for event in result.get_step_failure_events():
        error = event.step_failure_data.error
        while error is not None:
            messages.append(error.message)
            error = error.cause
    return "\n".join(messages)


def _materialize(partition: str | None, assets: list[dg.AssetKey]) -> dg.ExecuteInProcessResult:
    result = _run(partition, assets)
    assert result.success, _messages(result)
    return result


@pytest.fixture(scope="module", autouse=True)
def _all_assets_are_materialized() -> Iterator[None]:
    _materialize(SHARD, [asset_key(SOURCE_TABLES["magicoder"])])
    _materialize(SHARD, [CONVERSATIONS])
    _materialize(None, OF_SOURCES)
    for model in MODELS:
        _materialize(f"{model}|{SHARD}", OF_SHARDS)
    for model in MODELS:
        _materialize(f"{model}|{SHARD}", [preference_pairs.key])
    for recipe in ("sysgen", "preferences", "distillation"):
        _materialize(recipe, [mixtures.key, exports.key])
    yield
    STORE.exclusions.unlink(missing_ok=True)


def _rows(model: str = "phi-4", table: str = "training_rows") -> pl.DataFrame:
    return STORE.read(TABLES[table], Partition(model, SHARD))


def test_every_variant_holds_every_row_that_went_all_the_way() -> None:
    aligned = kept(_rows(table="aligned_responses"))
    for variant in map(stored_variant, Variant):
        rows = _rows().filter(variant=variant.value)
        assert rows["conversation_id"].to_list() == aligned["conversation_id"].to_list()


def test_a_row_says_where_it_comes_from_and_in_which_split_it_is() -> None:
    rows = _rows()
    for column in ("split", "source_license", "served_name", "model_license", "engine"):
        assert rows[column].null_count() == 0
    assert set(rows["source_license"]) == {"apache-2.0"}
    assert set(rows["engine"]) == {"simulated"}


def test_pairs_reject_the_original_answer_and_that_of_another_model() -> None:
    pairs = _rows(table="preference_pairs")
    assert set(pairs["rejected_is"]) == {"original_answer", "other_system_message"}
    of_others = pairs.filter(rejected_is="other_system_message")
    assert set(of_others["rejected_model"]) == {"llama-3.1-8b"}


def test_pairs_of_conflict_turns_stand_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _rows(table="preference_pairs")
    kept_to = _rows().filter(variant="sysgen", split="train")["conversation_id"][0]
    turns = [each | {"conversation_id": kept_to} for each in turn_rows(HOLDS)]
    STORE.write(CONFLICT_TURNS, HERE, turn_frame(turns))
    monkeypatch.setattr(training_sets, "_OF_CONFLICTS", (CONFLICT_TURNS,))
    try:
        _materialize(f"phi-4|{SHARD}", [preference_pairs.key])
        pairs = _rows(table="preference_pairs")
    finally:
        STORE.write(PREFERENCE_PAIRS, HERE, before)
        Path(STORE.path(CONFLICT_TURNS, HERE)).unlink()
    of_conflict = pairs.filter(rejected_is="followed_user")
    assert of_conflict["conversation_id"].to_list() == [kept_to]
    assert pairs.height == before.height + 1


@pytest.mark.parametrize("recipe", ["sysgen", "preferences", "distillation"])
def test_an_export_is_loaded_as_it_is_counted(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    mixture = STORE.read(MIXTURES, Partition(recipe=recipe))
    loaded = datasets.load_dataset(str(STORE.export(recipe)), cache_dir=str(tmp_path))
    ids = {row for split in loaded.values() for row in split["conversation_id"]}
    assert ids == set(mixture["conversation_id"])


def test_distillation_takes_one_model_only() -> None:
    mixture = STORE.read(MIXTURES, Partition(recipe="distillation"))
    assert set(mixture["model"]) == {"phi-4"}


def test_the_same_inputs_give_the_same_bytes() -> None:
    manifest = STORE.export("sysgen") / "manifest.json"
    before = manifest.read_bytes()
    _materialize("sysgen", [mixtures.key, exports.key])
    assert manifest.read_bytes() == before


def test_a_mixture_without_rows_leaves_no_folder_of_older_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nothing = STORE.read(MIXTURES, Partition(recipe="distillation"))
    STORE.write(MIXTURES, Partition(recipe="distillation"), nothing.clear())
    result = _materialize("distillation", [exports.key])
    [event] = result.get_asset_materialization_events()
    assert "takes none of the stored rows" in str(
        event.materialization.metadata["nothing_to_export"].value
    )
    assert not STORE.export("distillation").exists()
    monkeypatch.setenv("HF_TOKEN", "hf_planted_secret")
    config = {"hub_datasets": {"config": {"repo": "somebody/sysgen"}}}
    assert not _run("distillation", [hub_datasets.key], ops=config).success
    _materialize("distillation", [mixtures.key, exports.key])


def test_without_a_repository_nothing_is_pushed_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a backfill of everything asks for it, also on a machine that has a token."""
    monkeypatch.setenv("HF_TOKEN", "hf_planted_secret")
    monkeypatch.setattr("sysgen_dagster.defs.exports.push_folder", None)
    result = _run("sysgen", [mixtures.key, exports.key, hub_datasets.key])
    assert result.success
    [made] = result.asset_materializations_for_node("hub_datasets")
    assert "no repository is named" in str(made.metadata["not_pushed"].value)
    assert "commit" not in made.metadata


def test_simulated_rows_are_not_pushed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_planted_secret")
    config = {"hub_datasets": {"config": {"repo": "somebody/sysgen"}}}
    refused = _run("sysgen", [hub_datasets.key], ops=config)
    assert not refused.success
    assert "sysgen is not pushed" in _messages(refused)
    assert "simulated" in _messages(refused)
    assert "hf_planted_secret" not in _messages(refused)


def test_a_rejected_answer_that_is_simulated_is_not_pushed_either() -> None:
    """The chosen answers are a real model's; only the model that was rejected is simulated."""
    real, here = pl.lit("vllm").alias("engine"), Partition("phi-4", SHARD)
    written = STORE.read(ALIGNED, here)
    STORE.write(ALIGNED, here, written.with_columns(real))
    mixture = STORE.read(MIXTURES, Partition(recipe="preferences")).filter(model="phi-4")
    recipe = CATALOG.mixtures["preferences"]
    writers = _writers(STORE, recipe, mixture)
    found = tuple(_engines(STORE, recipe, mixture, each) for each in (writers, ["phi-4"]))
    STORE.write(ALIGNED, here, written)
    assert set(writers) == {"phi-4", "llama-3.1-8b"}
    assert found == ({"vllm", "simulated"}, {"vllm"})


def test_rows_that_the_splits_do_not_know_are_an_error_with_its_fix() -> None:
    splits = STORE.read(SPLITS, Partition())
    stale = splits.filter(~pl.col("conversation_id").is_in(_rows()["conversation_id"].implode()))
    STORE.write(SPLITS, Partition(), stale)
    failed = _run(f"phi-4|{SHARD}", [training_rows.key])
    STORE.write(SPLITS, Partition(), splits)
    assert "splits does not know" in _messages(failed)
    assert "Materialize near_duplicate_questions and splits again" in _messages(failed)


TABLE_OF_FLAG = {
    "contaminated": "contamination",
    "near_duplicate_question": "near_duplicate_questions",
    "near_duplicate_message": "near_duplicate_messages for phi-4",
    "not_aligned": "judged_alignment for phi-4",
}


def _leaving_out(flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the recipe `clean` leave out this flag of one model's rows, and nothing else."""
    recipe = Recipe(leave_out=(flag,), models=("phi-4",), sources=("magicoder",))
    changed = {"mixtures": {**CATALOG.mixtures, "clean": recipe}}
    monkeypatch.setattr(training_sets, "CATALOG", CATALOG.model_copy(update=changed))


@pytest.fixture
def _without_tables_of_flags(tmp_path: Path) -> Iterator[None]:
    """Nothing was searched for; what is stored is put aside and back again."""
    files = [
        STORE.path(TABLES[name.partition(" ")[0]], Partition(name.partition("for ")[2] or None))
        for name in TABLE_OF_FLAG.values()
    ]
    stored_files = [Path(str(each)) for each in files if each.is_file()]
    moved = {each: tmp_path / f"{n}.parquet" for n, each in enumerate(stored_files)}
    for stored, aside in moved.items():
        stored.rename(aside)
    yield
    for stored, aside in moved.items():
        aside.rename(stored)


@pytest.mark.usefixtures("_without_tables_of_flags")
@pytest.mark.parametrize("flag", TABLE_OF_FLAG)
def test_a_mixture_without_rows_of_a_flag_needs_the_table_that_names_them(
    flag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _leaving_out(flag, monkeypatch)
    said = _messages(_run("clean", [mixtures.key]))
    assert (
        f"mixture clean leaves out `{flag}`, and {TABLE_OF_FLAG[flag]} is not materialized" in said
    )


def test_every_flag_of_the_whole_corpus_is_looked_at_here() -> None:
    assert {*TABLE_OF_FLAG, *OBEDIENCE_FLAGS} == set(FLAGS) - set(FINDINGS)


def test_a_mixture_needs_the_table_of_a_flag_to_have_seen_its_shards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _leaving_out("contaminated", monkeypatch)
    _materialize("clean", [mixtures.key])
    unseen = STORE.path(TABLES["training_rows"], Partition("phi-4", "magicoder-000"))
    Path(str(unseen)).write_bytes(
        Path(str(STORE.path(TABLES["training_rows"], Partition("phi-4", SHARD)))).read_bytes()
    )
    said = _messages(_run("clean", [mixtures.key]))
    unseen.unlink()
    assert "`contaminated`, and contamination was made without magicoder-000" in said


def test_rows_whose_findings_nobody_looked_for_are_no_training_rows() -> None:
    here = Partition("phi-4", SHARD)
    quality = STORE.read(TABLES["row_quality"], here)
    STORE.write(TABLES["row_quality"], here, quality.tail(-1))
    failed = _run(f"phi-4|{SHARD}", [training_rows.key])
    STORE.write(TABLES["row_quality"], here, quality)
    assert "row_quality does not know 1 of the aligned rows" in _messages(failed)


def test_the_card_names_the_benchmarks_that_were_searched_for() -> None:
    card = (STORE.export("sysgen") / "README.md").read_text()
    assert CATALOG.benchmarks
    for name in CATALOG.benchmarks:
        assert name.replace("_", "\\_") in card


# How far answers obey


def _say_of_answers(*counts: tuple[int, int, int]) -> None:
    """Store for the answers of phi-4, one after the other, how many phrases they obey."""
    ids = kept(_rows(table="aligned_responses"))["conversation_id"].to_list()
    names = ("obeyed", "not_obeyed", "unknown")
    said = [dict(zip(names, each, strict=True)) for each in counts]
    rows = [{"conversation_id": each, **said} for each, said in zip(ids, cycle(said), strict=False)]
    STORE.write(OBEDIENCE, HERE, of(OBEDIENCE, *rows))


@pytest.fixture
def obedience() -> Iterator[None]:
    """Of every second answer a phrase is not obeyed; what was stored comes back."""
    stored = {table: STORE.read(table, HERE) for table in (OBEDIENCE, TRAINING_ROWS)}
    _say_of_answers((2, 0, 0), (1, 1, 0))
    yield
    for table, rows in stored.items():
        STORE.write(table, HERE, rows)


def _asking(monkeypatch: pytest.MonkeyPatch, **asked: Any) -> None:
    """Let the recipe `distillation` ask for this, of phi-4's rows."""
    changed = {"mixtures": {**CATALOG.mixtures, "distillation": Recipe(models=("phi-4",), **asked)}}
    for module in (training_sets, mixture_checks):
        monkeypatch.setattr(module, "CATALOG", CATALOG.model_copy(update=changed))


@pytest.mark.usefixtures("obedience")
def test_training_rows_say_how_far_their_answers_obey_and_flag_what_is_not_obeyed() -> None:
    _materialize(f"phi-4|{SHARD}", [training_rows.key])
    stored = STORE.read(OBEDIENCE, HERE)
    for variant in map(stored_variant, Variant):
        rows = _rows().filter(variant=variant.value).join(stored, on="conversation_id", how="left")
        assert rows.height == stored.height
        for name in ("obeyed", "not_obeyed", "unknown"):
            assert rows[f"phrases_{name}"].equals(rows[name].alias(f"phrases_{name}"))
        flagged = rows["flags"].list.contains(NOT_OBEYED)
        assert flagged.to_list() == (rows["not_obeyed"] > 0).to_list()


@pytest.mark.usefixtures("obedience")
def test_a_mixture_takes_obeying_rows_only_and_counts_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _asking(monkeypatch, obeyed=Obeyed.ALL)
    _materialize(f"phi-4|{SHARD}", [training_rows.key])
    made = _materialize("distillation", [mixtures.key])
    stored = STORE.read(OBEDIENCE, HERE)
    taken = set(STORE.read(MIXTURES, Partition(recipe="distillation"))["conversation_id"])
    assert taken == set(stored.filter(not_obeyed=0)["conversation_id"])
    assert _noted(made, "not_obeying") == [stored.height - len(taken)]


@pytest.mark.usefixtures("obedience")
@pytest.mark.parametrize(
    "asked", [{"obeyed": Obeyed.NONE_BROKEN}, *({"leave_out": (flag,)} for flag in OBEDIENCE_FLAGS)]
)
def test_what_nobody_has_looked_at_does_not_count_as_obeying(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _asking(monkeypatch, **asked)
    rows = STORE.read(TRAINING_ROWS, HERE)
    unseen = pl.lit(None, pl.UInt32)  # as in rows that older versions have stored
    STORE.write(TRAINING_ROWS, HERE, rows.with_columns(phrases_not_obeyed=unseen))
    said = _messages(_run("distillation", [mixtures.key]))
    assert f"mixture distillation asks by `{next(iter(asked))}" in said
    assert f"Materialize obedience and then training_rows for phi-4|{SHARD} again" in said


@pytest.mark.usefixtures("obedience")
def test_what_nobody_has_looked_at_is_no_rejected_answer_that_breaks_a_phrase(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _asking(monkeypatch, rejected=(Rejected.ORIGINAL_ANSWER,), rejected_breaks=True)
    _materialize(f"phi-4|{SHARD}", [preference_pairs.key])
    pairs = STORE.read(PREFERENCE_PAIRS, HERE)
    unseen = pl.lit(None, pl.UInt32)  # as in pairs that older versions have stored
    STORE.write(PREFERENCE_PAIRS, HERE, pairs.with_columns(rejected_not_obeyed=unseen))
    said = _messages(_run("distillation", [mixtures.key]))
    assert "mixture distillation asks by `rejected_breaks`" in said
    assert f"Materialize preference_pairs for phi-4|{SHARD} again" in said


@pytest.mark.usefixtures("obedience")
def test_rows_are_not_made_of_answers_that_are_newer_than_what_is_said_of_them() -> None:
    STORE.write(OBEDIENCE, HERE, STORE.read(OBEDIENCE, HERE).tail(-1))
    failed = _run(f"phi-4|{SHARD}", [training_rows.key])
    assert "obedience does not know 1 of the aligned rows" in _messages(failed)


def test_a_recipe_says_how_many_of_its_rows_are_missing_and_what_can_be_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _asking(monkeypatch, rows=1_000)
    made = _materialize("distillation", [mixtures.key])
    train = STORE.read(MIXTURES, Partition(recipe="distillation")).filter(split="train").height
    [said] = made.get_asset_check_evaluations()
    assert (said.check_name, said.passed) == ("has_its_rows", False)
    assert said.severity is dg.AssetCheckSeverity.WARN
    assert _noted(made, "missing") == [1_000 - train]
    assert f"asks for 1,000, and {1_000 - train} are missing" in str(said.description)
    unmade = len(CATALOG.partition_values["shard"]) - 1
    assert f"Partitions that are not made: {unmade} (phi-4|" in str(said.description)

    _asking(monkeypatch, rows=train)
    [said] = _materialize("distillation", [mixtures.key]).get_asset_check_evaluations()
    assert said.passed


@pytest.fixture
def excluded(tmp_path: Path) -> Iterator[str]:
    """A conversation that was excluded a moment ago: everything that is stored still holds it."""
    [gone] = _rows()["conversation_id"].unique(maintain_order=True).head(1)
    wanted = tmp_path / "ids.txt"
    wanted.write_text(f"{gone}\n")
    assert exclude_conversations(open_plain_console(), str(STORE.root), wanted) == 0
    yield gone
    STORE.exclusions.unlink()
    _materialize("distillation", [mixtures.key, exports.key])


def _exported(recipe: str) -> set[str]:
    return set(read_ids(STORE.export(recipe)))


def _noted(result: dg.ExecuteInProcessResult, name: str) -> list[object]:
    made = [each.materialization for each in result.get_asset_materialization_events()]
    return [each.metadata[name].value for each in made if name in each.metadata]


def test_an_export_with_an_excluded_conversation_is_not_pushed(
    excluded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert excluded in _exported("distillation")
    monkeypatch.setenv("HF_TOKEN", "hf_planted_secret")
    config = {"hub_datasets": {"config": {"repo": "somebody/sysgen"}}}
    said = _messages(_run("distillation", [hub_datasets.key], ops=config))
    assert "it holds excluded conversations: materialize the mixture and its export again" in said
    assert excluded in said


@pytest.mark.parametrize(
    # A mixture counts the rows of all models, and an export of it has nothing left to leave out.
    ("assets", "left_out"),
    [([exports.key], [1]), ([mixtures.key, exports.key], [2, 0])],
)
def test_an_export_leaves_out_what_is_excluded_though_it_is_stored(
    excluded: str, assets: list[dg.AssetKey], left_out: list[int]
) -> None:
    result = _materialize("distillation", assets)
    assert _noted(result, "left_out_as_excluded") == left_out
    assert excluded not in _exported("distillation")


@pytest.mark.parametrize("asset", [training_rows.key, preference_pairs.key, PHASES[0].key])
def test_what_reads_conversations_that_hold_an_excluded_text_names_what_to_make_again(
    excluded: str, asset: dg.AssetKey
) -> None:
    said = _messages(_run(f"phi-4|{SHARD}", [asset]))
    assert f"conversations for {SHARD} still holds the text of 1 that are excluded" in said
    assert excluded not in said


def test_what_was_made_with_an_excluded_conversation_is_out_of_date(excluded: str) -> None:
    [found] = _run(None, [OUT_OF_DATE.key]).get_asset_check_evaluations()
    for named in (
        f"source/magicoder: 1 ({SHARD})",
        f"conversations: 1 ({SHARD})",
        "contamination: 1 (all)",
        "mixtures: ",
        "exports: ",
    ):
        assert named in str(found.description)
    assert excluded not in str(found.description)


def test_an_excluded_conversation_is_gone_and_no_other_row_is_asked_for_again(
    tmp_path: Path,
) -> None:
    gone, stays = _rows()["conversation_id"].unique(maintain_order=True).head(2)
    wanted = tmp_path / "ids.txt"
    wanted.write_text(f"{gone}\n")
    assert exclude_conversations(open_plain_console(), str(STORE.root), wanted) == 0

    _materialize(SHARD, [CONVERSATIONS])
    again = _materialize(f"phi-4|{SHARD}", [*(phase.key for phase in PHASES)])
    for event in again.get_asset_materialization_events():
        sent = event.materialization.metadata.get("engine/times_sent")
        assert sent is None or sent.value == 0
    _materialize(None, OF_SOURCES)
    _materialize(f"phi-4|{SHARD}", OF_SHARDS[len(PHASES) :])
    _materialize("distillation", [mixtures.key, exports.key])

    exported = pl.concat(
        pl.read_parquet(file, columns=["conversation_id"])
        for file in (STORE.export("distillation") / "data").rglob("*.parquet")
    )
    assert gone not in set(exported["conversation_id"])
    assert stays in set(exported["conversation_id"])
    assert (
        CATALOG.sources["magicoder"].title
        in (STORE.export("distillation") / "README.md").read_text()
    )


def test_an_export_of_rows_that_are_not_there_any_more_is_refused() -> None:
    at = Partition("phi-4", SHARD)
    whole = _rows()
    STORE.write(TABLES["training_rows"], at, whole.filter(whole["split"] != "train"))
    try:
        refused = _messages(_run("sysgen", [exports.key]))
    finally:
        STORE.write(TABLES["training_rows"], at, whole)
    assert "training_rows for phi-4|magicoder-001 lacks" in refused
    assert "Materialize mixtures for sysgen again" in refused


def test_a_mixture_of_shards_that_share_a_conversation_is_refused() -> None:
    shards = {"conversation_id": ["a", "b", "b"], "shard": ["sums-000", "sums-000", "sums-001"]}
    with pytest.raises(OtherCutError, match=r"sums-000, -001 are of different cuts: 1 conv.* b "):
        require_one_shard_each(pl.DataFrame(shards))
    require_one_shard_each(pl.DataFrame(shards).head(2))


# The contract of exports


def _proof(recipe: str) -> dg.AssetCheckEvaluation:
    """What the check of an export says after it was made."""
    made = _materialize(recipe, [mixtures.key, exports.key]).get_asset_check_evaluations()
    [said] = [each for each in made if each.asset_key == exports.key]
    assert (said.asset_key, said.check_name) == (exports.key, "loads_with_datasets")
    return said


def test_an_export_is_proved_by_loading_it() -> None:
    said = _proof("sysgen")
    assert said.passed
    assert said.blocking
    mixture = STORE.read(MIXTURES, Partition(recipe="sysgen"))
    table = str(said.metadata["rows"].value)
    for split, count in mixture["split"].value_counts().iter_rows():
        assert re.search(rf"\| {split} +\| {count} +\| {count} +\| {count} +\|", table)


def test_an_export_that_is_not_loaded_is_a_broken_contract(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = defs_exports.write_folder

    def write_and_damage(folder: Path, *given: object, **more: object) -> object:
        contents = write(folder, *given, **more)  # type: ignore[arg-type]
        next((folder / "data").rglob("*.parquet")).write_bytes(b"PAR1")
        return contents

    with monkeypatch.context() as patched:
        patched.setattr(defs_exports, "write_folder", write_and_damage)
        result = _run("distillation", [exports.key])
    [said] = result.get_asset_check_evaluations()
    assert not said.passed
    assert said.severity is dg.AssetCheckSeverity.ERROR
    assert "export distillation: `datasets` does not load it (" in str(said.description)
    assert _proof("distillation").passed


def test_an_export_without_some_rows_of_its_mixture_is_a_broken_contract(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = defs_exports._read_rows
    with monkeypatch.context() as patched:
        patched.setattr(
            defs_exports, "_read_rows", lambda *given: (rows.head(3) for rows in read(*given))
        )
        [said] = _run("distillation", [exports.key]).get_asset_check_evaluations()
    assert not said.passed
    assert "train has 3 rows, the mixture" in str(said.description)
    assert _proof("distillation").passed


# What reviewers decide


def _decide(row: str, choice: Choice, seen: str = "", **edits: str) -> None:
    texts = _rows(table="aligned_responses").row(by_predicate=_is(row), named=True)
    digest = digest_of(texts["system_message"], seen or texts["new_answer"])
    decision = Decision("phi-4", row, digest, choice, "ann", **edits).now()
    journal_of(STORE).append(decision.record())


def _is(row: str) -> pl.Expr:
    return pl.col("conversation_id") == row


@pytest.fixture(scope="module")
def decided(_all_assets_are_materialized: None) -> Iterator[dict[str, str]]:
    """By choice, a row of the mixture `distillation` about which a reviewer has decided so."""
    mixture = STORE.read(MIXTURES, Partition(recipe="distillation")).sort("conversation_id")
    rejected, edited, accepted, other = mixture["conversation_id"].head(4)
    _decide(rejected, Choice.REJECTED)
    _decide(edited, Choice.ACCEPTED, system_message="Written anew.", new_answer="By a person.")
    _decide(accepted, Choice.ACCEPTED)
    _decide(other, Choice.REJECTED, seen="another answer, which a model has replaced since")
    yield {"rejected": rejected, "edited": edited, "accepted": accepted, "other": other}
    Path(str(journal_of(STORE).path)).unlink()


def test_an_export_holds_what_a_reviewer_wrote_and_says_so(decided: dict[str, str]) -> None:
    made = _materialize("distillation", [exports.key])  # of a mixture that is older
    files = sorted(Path(str(STORE.export("distillation") / "data")).rglob("*.parquet"))
    exported = pl.concat(pl.read_parquet(file) for file in files)
    rows = {row["conversation_id"]: row for row in exported.iter_rows(named=True)}
    assert decided["rejected"] not in rows
    system, *_, answer = rows[decided["edited"]]["messages"]
    assert (system["content"], answer["content"]) == ("Written anew.", "By a person.")
    said = {row["conversation_id"]: row["reviewed"] for row in rows.values() if row["reviewed"]}
    assert said == {decided["edited"]: "edited", decided["accepted"]: "accepted"}
    card = (STORE.export("distillation") / "README.md").read_text()
    assert "1 of these were accepted as they are, 1 with a message or an answer" in card
    assert "1 more were rejected and left out" in card
    assert _noted(made, "rejected_in_review") == [1]
    assert _noted(made, "edited_in_review") == [1]


def test_a_mixture_leaves_out_what_a_reviewer_rejected_and_counts_it(
    decided: dict[str, str],
) -> None:
    made = _materialize("distillation", [mixtures.key])
    taken = set(STORE.read(MIXTURES, Partition(recipe="distillation"))["conversation_id"])
    assert decided["rejected"] not in taken
    assert decided["other"] in taken  # nobody has rejected the answer that it has now
    reasons = (*LEFT_OUT, "left_out_by_the_numbers")
    figures = {name: int(str(_noted(made, name)[0])) for name in ("candidates", "rows", *reasons)}
    assert figures["rejected_in_review"] == 1
    assert figures["candidates"] == sum(figures.values()) - figures["candidates"]
    made = _materialize("distillation", [exports.key])
    assert _noted(made, "rejected_in_review") == [1]  # as its card says


def test_the_report_says_of_a_row_that_a_reviewer_rejected_or_edited_it(
    decided: dict[str, str],
) -> None:
    finished = StoredEvidence(STORE, finished_shards(STORE, CATALOG, ALIGNED, "phi-4"), "phi-4")
    shown: list[dict[str, Any]] = [
        {"id": row, "model": "phi-4", "drop_reason": None, "flags": []} for row in decided.values()
    ]
    _flag_reviewed(STORE, [finished], shown)
    flags = dict(zip(decided, (each["flags"] for each in shown), strict=True))
    assert flags == {
        "rejected": ["rejected by a reviewer"],
        "edited": ["edited by a reviewer"],
        **{"accepted": [], "other": []},
    }
    assert [is_kept(each) for each in shown] == [False, True, True, True]


def test_a_recipe_may_take_accepted_rows_only(
    decided: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(reviewed=Reviewed.ACCEPTED, models=("phi-4",))
    changed = {"mixtures": {**CATALOG.mixtures, "distillation": recipe}}
    monkeypatch.setattr(training_sets, "CATALOG", CATALOG.model_copy(update=changed))
    _materialize("distillation", [mixtures.key])
    taken = set(STORE.read(MIXTURES, Partition(recipe="distillation"))["conversation_id"])
    assert taken == {decided["edited"], decided["accepted"]}


def test_what_is_older_than_a_decision_is_out_of_date_and_not_pushed(
    decided: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def push() -> str:
        return _messages(_run("distillation", [hub_datasets.key], ops=config))

    monkeypatch.setenv("HF_TOKEN", "hf_planted_secret")
    config = {"hub_datasets": {"config": {"repo": "somebody/sysgen"}}}
    refusal = "it does not follow what reviewers decided: materialize the mixture and its export"
    _materialize("distillation", [mixtures.key, exports.key])
    assert refusal not in push()
    _decide(decided["accepted"], Choice.REJECTED)
    assert refusal in push()
    [found] = _run(None, [OUT_OF_DATE.key]).get_asset_check_evaluations()
    for kind in ("mixtures", "exports"):
        assert re.search(rf"{kind}: \d \([^)]*distillation", str(found.description))
    with Path(str(journal_of(STORE).path)).open("ab") as file:
        file.write(b'\n{"crc32": 1, "model": "phi-4"}\n')
    assert "decisions that cannot be read" in push()


def test_the_table_of_decisions_says_which_still_count(decided: dict[str, str]) -> None:
    made = _materialize(None, [review_decisions.key])
    rows = STORE.read(REVIEW_DECISIONS, Partition())
    by_row = {row["conversation_id"]: row for row in rows.iter_rows(named=True)}
    assert {name: by_row[row]["is_current"] for name, row in decided.items()} == {
        "rejected": True,
        "edited": True,
        "accepted": True,
        "other": False,
    }
    assert by_row[decided["edited"]]["new_answer"] == "By a person."
    assert set(rows["source"]) == {"magicoder"}
    assert _noted(made, "decisions_made") >= [4]
    Path(str(STORE.path(REVIEW_DECISIONS, Partition()))).unlink()


@pytest.mark.usefixtures("decided")
def test_no_pair_rejects_what_a_person_wrote() -> None:
    pairs = _rows(table="preference_pairs").sort("conversation_id")
    rows = pairs.filter(rejected_is="original_answer", split="train").tail(2)
    for row in rows.iter_rows(named=True):
        _decide(row["conversation_id"], Choice.ACCEPTED, new_answer=row["rejected"][0]["content"])
    made = _materialize("preferences", [mixtures.key, exports.key])  # and its contract holds
    assert _noted(made, "pairs_edited_away") == [rows.height]
    files = sorted(Path(str(STORE.export("preferences") / "data")).rglob("*.parquet"))
    exported = pl.concat(pl.read_parquet(file) for file in files)
    assert exported.filter(pl.col("chosen") == pl.col("rejected")).is_empty()
    of_others = exported.join(rows, on="conversation_id", how="semi").filter(model="phi-4")
    assert set(of_others["rejected_is"]) <= {"other_system_message"}
