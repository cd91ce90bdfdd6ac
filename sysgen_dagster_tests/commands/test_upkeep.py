"""A deployment's upkeep: what is restored, made again and removed, on a real run."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from sysgen_dagster.commands.upkeep import in_order, main

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.measures import retention, row_quality, source_lengths
from sysgen_dagster.defs.operations.automation import fill_gaps
from sysgen_dagster.defs.operations.restoring import Restored, restore
from sysgen_dagster.defs.operations.staleness import out_of_date
from sysgen_dagster.defs.plumbing.partitions import CATALOG, source_key
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.sysgen_lane import PHASES, aligned_responses, conversations
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.local.servers import running, stop
from sysgen_dagster.storage.inventory import inventory, partitions
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import TABLES, kept

MODEL, SHARD = "llama-3.1-8b", "capybara-000"
KEY = f"{MODEL}|{SHARD}"
SOURCE = source_key("capybara")
PHASE_KEYS = [phase.key for phase in PHASES]
MADE = [
    (SHARD, [SOURCE]),
    (SHARD, [conversations.key]),
    (None, [source_lengths.key]),
    (KEY, [*PHASE_KEYS, row_quality.key]),
    (MODEL, [retention.key]),
]
GRAPH = defs.resolve_asset_graph()
JOB = defs.resolve_implicit_global_asset_job_def()
Recorded = dict[str, set[str | None]]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dg.DagsterInstance]]:
    """One model and one shard through the pipeline, with what Dagster recorded of it."""
    root = tmp_path_factory.mktemp("deployment")
    with dg.instance_for_test() as instance:
        for partition, assets in MADE:
            assert run(instance, root, partition, assets).success
        yield root, instance
    for name in running(root / "engines"):
        stop(root / "engines", name)


@pytest.fixture
def root(before: tuple[Path, dg.DagsterInstance], tmp_path: Path) -> Iterator[Path]:
    """What is stored of it, to be damaged; its servers stay behind."""
    copy = Path(shutil.copytree(before[0], tmp_path / "data", ignore=_engines))
    yield copy
    for name in running(copy / "engines"):
        stop(copy / "engines", name)


def _engines(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "engines"]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster that knows of nothing."""
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture(scope="module")
def after(
    before: tuple[Path, dg.DagsterInstance],
) -> Iterator[tuple[Restored, dg.DagsterInstance]]:
    """The same in a new instance, restored from what is stored."""
    with dg.instance_for_test() as instance:
        yield restored(instance, before[0]), instance


def run(
    instance: dg.DagsterInstance, root: Path, partition: str | None, assets: list[dg.AssetKey]
) -> dg.ExecuteInProcessResult:
    return JOB.execute_in_process(
        run_config={
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            "resources": {key: {"config": {"root": str(root)}} for key in ("tables", "models")},
        },
        instance=instance,
        partition_key=partition,
        asset_selection=assets,
        raise_on_error=False,
    )


def restored(instance: dg.DagsterInstance, root: Path, recheck: bool = False) -> Restored:
    return restore(instance, defs, TablesResource(root=str(root)), recheck, tell=lambda _: None)


def recorded(instance: dg.DagsterInstance) -> Recorded:
    """By asset, the partitions that are materialized."""
    found: Recorded = {}
    for asset in instance.get_asset_keys():
        records = instance.fetch_materializations(asset, limit=1_000).records
        if records:
            found[asset.to_user_string()] = {each.partition_key for each in records}
    return found


def materializations(instance: dg.DagsterInstance) -> int:
    keys = instance.get_asset_keys()
    return sum(len(instance.fetch_materializations(key, limit=1_000).records) for key in keys)


def tags_of(instance: dg.DagsterInstance, asset: dg.AssetKey) -> dict[str, str]:
    [record] = instance.fetch_materializations(asset, limit=1).records
    assert record.asset_materialization is not None
    return dict(record.asset_materialization.tags or {})


def stale(instance: dg.DagsterInstance) -> set[tuple[str, str | None]]:
    """What the UI marks as out of date."""
    from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
    from dagster._core.loader import LoadingContextForTest

    resolver = CachingStaleStatusResolver(instance, GRAPH, LoadingContextForTest(instance))
    return {
        (name, partition)
        for name, keys in recorded(instance).items()
        for partition in keys
        if resolver.get_status(dg.AssetKey(name.split("/")), partition) is StaleStatus.STALE
    }


def checks_passed(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str) -> set[str]:
    """The checks that were passed by the partition as it was last recorded."""
    [made] = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset, asset_partitions=[partition]), limit=1
    ).records
    found = set()
    for key in GRAPH.get_check_keys_for_assets({asset}):
        history = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
        for event in (each.event for each in history):
            check = event.dagster_event.asset_check_evaluation_data if event else None
            of_it = check and check.target_materialization_data
            if check and of_it and check.partition == partition and check.passed:
                found |= {key.name} if of_it.storage_id == made.storage_id else set()
    return found


def test_what_was_recorded_is_recorded_again(
    before: tuple[Path, dg.DagsterInstance], after: tuple[Restored, dg.DagsterInstance]
) -> None:
    result, instance = after
    assert recorded(instance) == recorded(before[1])
    assert result.recorded.total() == len(MADE) - 1 + len(PHASES) + 1
    assert result.left_out == []


def test_the_versions_are_those_of_the_runs_and_nothing_is_stale(
    before: tuple[Path, dg.DagsterInstance], after: tuple[Restored, dg.DagsterInstance]
) -> None:
    _, instance = after
    assert stale(before[1]) == stale(instance) == set()
    for asset in (SOURCE, conversations.key, *PHASE_KEYS, row_quality.key):
        theirs, ours = tags_of(before[1], asset), tags_of(instance, asset)
        for tag in ("data_version", "input_data_version/conversations"):
            assert ours.get(f"dagster/{tag}") == theirs.get(f"dagster/{tag}"), (asset, tag)
        if GRAPH.get(asset).code_version:
            assert ours["dagster/code_version"] == theirs["dagster/code_version"]
        assert ours.keys() >= {tag for tag in theirs if "input" in tag}


def test_the_pages_of_the_checks_are_filled(
    before: tuple[Path, dg.DagsterInstance], after: tuple[Restored, dg.DagsterInstance]
) -> None:
    _, instance = after
    theirs = checks_passed(before[1], aligned_responses.key, KEY)
    assert checks_passed(instance, aligned_responses.key, KEY) == theirs
    assert theirs


def test_after_it_there_are_no_gaps_and_nothing_starts_by_itself(
    after: tuple[Restored, dg.DagsterInstance],
) -> None:
    _, instance = after
    now = datetime(2026, 11, 21, tzinfo=UTC)
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=now) as context:
        asked = [each for each in fill_gaps(context) if isinstance(each, dg.RunRequest)]
    assert KEY not in [each.partition_key for each in asked]
    evaluated = dg.evaluate_automation_conditions(defs=defs, instance=instance)
    assert MODEL not in evaluated.get_requested_partitions(retention.key)


def test_what_is_restored_is_read_by_what_follows(root: Path, instance: dg.DagsterInstance) -> None:
    restored(instance, root)
    assert run(instance, root, MODEL, [retention.key]).success


def test_what_is_recorded_and_unchanged_is_not_recorded_again(
    before: tuple[Path, dg.DagsterInstance], after: tuple[Restored, dg.DagsterInstance]
) -> None:
    for known in (before[1], after[1]):
        count = materializations(known)
        result = restored(known, before[0])
        assert (result.recorded.total(), result.checks, materializations(known)) == (0, 0, count)
        assert result.unchanged == len(inventory(Store(before[0]), CATALOG))


def test_what_has_changed_is_recorded_again_and_its_checks_too(
    root: Path, instance: dg.DagsterInstance
) -> None:
    restored(instance, root)
    store = Store(root)
    rows = store.read("row_quality", TABLES["row_quality"], SHARD, MODEL)
    store.write("row_quality", TABLES["row_quality"], SHARD, rows[1:], MODEL)
    result = restored(instance, root)
    assert +result.recorded == {"row_quality": 1}
    assert result.checks > 0


def test_the_checks_alone_are_evaluated_again_when_asked_for(
    root: Path, instance: dg.DagsterInstance
) -> None:
    first = restored(instance, root)
    again = restored(instance, root, recheck=True)
    assert again.recorded.total() == 0
    assert again.checks == first.checks > 0


def test_a_contract_that_does_not_hold_is_told(root: Path, instance: dg.DagsterInstance) -> None:
    store, table = Store(root), "filtered_system_messages"
    rows = store.read(table, TABLES[table], SHARD, MODEL)
    store.write(table, TABLES[table], SHARD, rows[1:], MODEL)
    result = restored(instance, root)
    assert any("filtered_system_messages/nothing_is_lost" in line for line in result.broken)


def test_damaged_and_outdated_files_are_told_and_not_recorded(
    root: Path, instance: dg.DagsterInstance
) -> None:
    store = Store(root)
    drop_column(store, "verified_system_messages", "engine")
    path = store.path("row_quality", SHARD, MODEL)
    path.write_bytes(b"PAR1")
    within = store.path("filtered_system_messages", SHARD, MODEL)
    content = bytearray(within.read_bytes())
    content[100:400] = bytes(300)  # its footer is whole
    within.write_bytes(content)
    result = restored(instance, root)
    told = "\n".join(result.left_out)
    assert all(word in told for word in ("no engine", "row_quality", "filtered_system_messages"))
    lost = {"verified_system_messages", "row_quality", "filtered_system_messages"}
    assert not lost & recorded(instance).keys()


def drop_column(store: Store, table: str, column: str) -> None:
    """The file of an older release, which did not have the column."""
    path = store.path(table, SHARD, MODEL)
    pl.read_parquet(str(path), hive_partitioning=False).drop(column).write_parquet(str(path))


def test_a_prompt_of_before_makes_what_it_wrote_out_of_date(
    root: Path, instance: dg.DagsterInstance
) -> None:
    store, table = Store(root), "annotated_system_messages"
    rows = store.read(table, TABLES[table], SHARD, MODEL)
    other = rows.with_columns(prompt_fingerprint=pl.lit("of before"))
    store.write(table, TABLES[table], SHARD, other, MODEL)
    restored(instance, root)
    assert (table, KEY) in stale(instance)


def test_phases_of_an_older_release_are_made_again_without_a_request(
    root: Path, instance: dg.DagsterInstance
) -> None:
    store = Store(root)
    for table, column in (
        ("annotated_system_messages", "characters_left_out"),
        ("verified_system_messages", "engine"),
        ("aligned_responses", "seed"),
        ("row_quality", "gleu"),
    ):
        drop_column(store, table, column)
    [step] = list(in_order(outdated(store)))
    asked = ["annotated_system_messages", "verified_system_messages", "aligned_responses"]
    assert step == ([*asked, "row_quality"], KEY)
    result = run(instance, root, KEY, [dg.AssetKey(table) for table in step[0]])
    assert result.success
    sent = {
        event.asset_key.to_user_string(): event.materialization.metadata["engine/times_sent"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key and "engine/times_sent" in event.materialization.metadata
    }
    assert sent == dict.fromkeys(asked, 0)
    assert outdated(store).is_empty()


def outdated(store: Store) -> pl.DataFrame:
    return inventory(store, CATALOG).filter(pl.col("state").is_in(["other_columns", "damaged"]))


def test_what_is_read_is_made_again_before_what_is_made_from_it(root: Path) -> None:
    store = Store(root)
    for table, stored_as, model in (
        ("retention", MODEL, None),
        ("aligned_responses", SHARD, MODEL),
        ("source/capybara", SHARD, None),
        ("conversations", SHARD, None),
    ):
        store.path(table, stored_as, model).write_bytes(b"")
    assert list(in_order(outdated(store))) == [
        (["source/capybara"], SHARD),
        (["conversations"], SHARD),
        (["aligned_responses"], KEY),
        (["retention"], MODEL),
    ]


def test_every_partition_of_the_inventory_is_one_of_dagster_and_the_other_way_round() -> None:
    ours = {(each.table, each.key) for each in partitions(CATALOG)}
    theirs = set()
    for asset in GRAPH.materializable_asset_keys:
        keys = GRAPH.get(asset).partitions_def
        name = asset.to_user_string()
        theirs |= {(name, key) for key in (keys.get_partition_keys() if keys else [None])}
    beside = {
        key for key in theirs if key[0] in {"report", "exports", "hub_datasets", "out_of_date"}
    }
    assert ours == theirs - beside


def upkeep(root: Path, *arguments: str) -> int:
    command, *rest = arguments
    return main([command, "--data", str(root), *rest])


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands set these for their own process."""
    for name in ("SYSGEN_DATA", "SYSGEN_CATALOG", "DAGSTER_HOME"):
        monkeypatch.setenv(name, os.environ[name])
    monkeypatch.delenv("SYSGEN_DATA")


def test_the_inventory_is_printed_with_its_sums_and_with_what_is_wrong(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upkeep(root, "inventory") == 0
    files = len(inventory(Store(root), CATALOG))
    assert f"│ all │ │ {files} │" in " ".join(capsys.readouterr().out.split())
    drop_column(Store(root), "row_quality", "gleu")
    assert upkeep(root, "inventory") == 1
    assert "no gleu" in capsys.readouterr().out


def test_the_commands_that_make_it_again_can_be_given_to_a_shell(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upkeep(root, "outdated") == 0
    drop_column(Store(root), "row_quality", "gleu")
    assert upkeep(root, "outdated") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == (
        "dagster asset materialize -m sysgen_dagster.definitions "
        f"""--select 'key:"row_quality"' --partition '{KEY}'"""
    )
    assert f"SYSGEN_DATA={root}" in lines[-2]
    assert all(line.startswith("#") for line in lines[:-2])


def test_restore_fills_a_home_that_is_gone(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = root.parent / "home"
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    assert upkeep(root, "restore") == 0
    with dg.DagsterInstance.get() as instance:
        assert instance.get_materialized_partitions(aligned_responses.key) == {KEY}
    assert f"9 partitions recorded in {home}" in capsys.readouterr().out


def ledger_of(root: Path, days: int) -> Path:
    sealed = root / "ledger" / "aligned_responses" / f"{KEY}.parquet"
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    os.utime(sealed, (then, then))
    return sealed


def test_nothing_is_removed_unless_it_is_said(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = ledger_of(root, days=31)
    assert upkeep(root, "prune", "--days", "30") == 0
    said = capsys.readouterr().out
    assert sealed.exists()
    assert f"{sealed} ({sealed.stat().st_size:,} bytes)" in said
    assert "its requests are sent again" in said
    assert upkeep(root, "prune", "--days", "30", "--apply") == 0
    assert not sealed.exists()
    assert [*sealed.parent.glob("*")] == []


def test_a_ledger_that_a_run_uses_stays(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sealed = ledger_of(root, days=31)
    with Ledger(sealed.with_suffix(".jsonl")):
        assert upkeep(root, "prune", "--days", "30", "--apply") == 1
        assert sealed.exists()
    assert f"a run uses it: {sealed}" in capsys.readouterr().out
    assert upkeep(root, "prune", "--days", "30", "--apply") == 0
    assert not sealed.exists()


def test_rows_of_what_the_catalogue_does_not_name_need_a_word_of_their_own(root: Path) -> None:
    of_phi = root / "aligned_responses" / "model=phi-3" / f"{SHARD}.parquet"
    shutil.copytree(root / "aligned_responses" / f"model={MODEL}", of_phi.parent)
    os.utime(of_phi, (0, 0))
    assert upkeep(root, "prune", "--apply") == 0
    assert of_phi.exists()
    assert upkeep(root, "prune", "--apply", "--gone") == 0
    assert not of_phi.exists()
    assert outdated(Store(root)).is_empty()


def test_a_catalogue_that_is_wrong_removes_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYSGEN_CATALOG", str(root / "nowhere.yaml"))
    assert upkeep(root, "prune", "--apply") == 1
    assert "nowhere.yaml cannot be read" in capsys.readouterr().out


def test_answers_that_no_run_has_sealed_stay_beside_an_old_ledger(root: Path) -> None:
    sealed = ledger_of(root, days=100)
    lines = sealed.with_suffix(".jsonl")
    lines.write_text('{"key":"x"}\n')
    assert upkeep(root, "prune", "--days", "30", "--apply") == 1
    assert sealed.exists()
    assert lines.exists()


def test_another_deployment_s_folders_are_not_taken_for_this_one_s(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYSGEN_DATA", str(tmp_path / "other"))
    monkeypatch.setenv("SYSGEN_WORK", str(tmp_path / "other"))
    assert upkeep(root, "prune", "--apply") == 1
    assert "may belong to that" in capsys.readouterr().out


def test_a_folder_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upkeep(tmp_path / "typo", "inventory") == 1
    assert "there is no folder" in capsys.readouterr().out


def test_a_pilot_is_made_again_as_a_pilot(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(root)
    path = Path(str(store.path("annotated_system_messages", SHARD, MODEL)))
    rows = pl.read_parquet(path).drop("characters_left_out")
    reasons = ["beyond_limit" if row > 2 else None for row in range(rows.height)]
    rows.with_columns(drop_reason=pl.Series(reasons, dtype=pl.String)).write_parquet(path)
    assert upkeep(root, "outdated") == 1
    assert '"limit": 3' in capsys.readouterr().out


def test_a_restore_waits_for_the_runs_that_are_going(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = root.parent / "home"
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    assert upkeep(root, "restore") == 0
    with dg.DagsterInstance.get() as instance:
        job = defs.resolve_job_def("sysgen")
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert upkeep(root, "restore") == 1
    assert "is going in" in capsys.readouterr().out


def test_what_dagster_has_as_made_and_is_not_stored_is_told(
    root: Path, instance: dg.DagsterInstance
) -> None:
    restored(instance, root)
    path = Store(root).path("aligned_responses", SHARD, MODEL)
    Path(str(path)).unlink()
    assert restored(instance, root).left_out == [
        f"aligned_responses for {KEY}: Dagster has it as made, but {path} is missing; "
        "materialize it again"
    ]


def test_phases_of_other_conversations_than_are_stored_are_out_of_date(
    root: Path, instance: dg.DagsterInstance
) -> None:
    store = Store(root)
    rows = store.read("conversations", TABLES["conversations"], SHARD)
    first = pl.col("conversation_id") == kept(rows)["conversation_id"][0]
    fewer = rows.with_columns(
        drop_reason=pl.when(first).then(pl.lit("excluded")).otherwise("drop_reason")
    )
    store.write("conversations", TABLES["conversations"], SHARD, fewer)
    restored(instance, root)
    named = out_of_date(instance, dg.AssetKey("annotated_system_messages"), [conversations.key])
    assert named == {KEY: ["conversations"]}


def test_an_older_file_that_came_back_is_recorded_again(
    root: Path, before: tuple[Path, dg.DagsterInstance]
) -> None:
    with dg.instance_for_test() as instance:
        run(instance, root, KEY, [aligned_responses.key])
        store = Store(root)
        rows = store.read("aligned_responses", TABLES["aligned_responses"], SHARD, MODEL)
        changed = rows.with_columns(new_answer=pl.col("new_answer") + " From the backup.")
        path = Path(
            str(
                store.write("aligned_responses", TABLES["aligned_responses"], SHARD, changed, MODEL)
            )
        )
        os.utime(path, (path.stat().st_mtime - 86_400,) * 2)
        assert restored(instance, root).recorded["aligned_responses"] == 1
