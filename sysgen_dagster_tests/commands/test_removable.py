"""What may go and what stays, each by its age and by what the catalogue names."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.places import GitHubFiles, HubFile
from sysgen_dagster.catalog.subjects import Subject
from sysgen_dagster.commands.removable import COSTS, Kind, removals
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import PREFERENCE_SETS
from sysgen_dagster.sources.files import read_shard
from sysgen_dagster.sources.pins import keep_pin, new_pin
from sysgen_dagster.sources.whole_sources import read_conversations
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.lanes.multifaceted.instructions import with_both_lanes

CATALOG = local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS)
NOW = datetime.now(UTC)
DAYS = 30
PHASE, JUDGED, KEY = "aligned_responses", "judged_alignment", "phi-4|capybara-000"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


def put(store: Store, table: str, at: Partition) -> Path:
    path = store.write(TABLES[table], at, TABLES[table].empty())
    return aged(Path(str(path)), days=100)


def leave(store: Store, path: str, days: float = 100) -> Path:
    file = Path(str(store.root)) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"12345")
    return aged(file, days)


def aged(file: Path, days: float) -> Path:
    then = (NOW - timedelta(days=days)).timestamp()
    os.utime(file, (then, then))
    return file


def going(store: Store, catalog: Catalog = CATALOG) -> dict[Path, Kind]:
    work = Path(str(store.root))
    found = removals(store, work, catalog, TABLES.values(), DAYS, NOW)
    assert all(each.why and each.bytes for each in found)
    return {Path(str(each.path)): each.kind for each in found}


def test_what_is_in_use_stays(store: Store) -> None:
    put(store, PHASE, Partition("phi-4", "capybara-000"))
    leave(store, f"ledger/{PHASE}/{KEY}.jsonl")  # lines of a run that did not come to its end
    for name in ("report.html", "excluded.txt", "exports/sysgen/manifest.json", "mine/x.parquet"):
        leave(store, name)
    leave(store, "engines/phi-4.json")
    leave(store, "ledger/of_mine/phi-4.parquet")
    assert going(store) == {}


@pytest.mark.parametrize(
    ("table", "at", "ledger"),
    [
        (PHASE, Partition("phi-4", "capybara-000"), KEY),
        (JUDGED, Partition("phi-4"), "qwen2.5-14b/phi-4"),
    ],
)
def test_the_ledger_of_a_stored_partition_goes_when_it_is_old(
    store: Store, table: str, at: Partition, ledger: str
) -> None:
    put(store, table, at)
    sealed = leave(store, f"ledger/{table}/{ledger}.parquet", days=31)
    assert going(store) == {sealed: Kind.LEDGER}
    aged(sealed, days=29)
    assert going(store) == {}


@pytest.mark.parametrize(
    ("table", "ledger"),
    [
        ("multifacet_calibration", "qwen2.5-14b/all"),
        ("sysbench_translation", "qwen2.5-14b"),
        ("multifaceted/bench_references", "phi-4/gold_answers"),
        ("multifaceted/bench_rubrics", "phi-4/gradings"),
    ],
)
def test_what_a_table_without_partitions_asked_for_stays_until_it_is_stored(
    store: Store, table: str, ledger: str
) -> None:
    sealed = leave(store, f"ledger/{table}/{ledger}.parquet")
    assert going(store) == {}
    put(store, table, Partition())
    assert going(store) == {sealed: Kind.LEDGER}


def test_the_ledger_of_a_partition_that_is_not_stored_whole_stays(store: Store) -> None:
    leave(store, f"ledger/{PHASE}/{KEY}.parquet")
    assert going(store) == {}
    outdated = put(store, PHASE, Partition("phi-4", "capybara-000"))
    pl.read_parquet(outdated, hive_partitioning=False).drop("engine").write_parquet(outdated)
    assert going(store) == {}


@pytest.mark.parametrize(
    "ledger",
    [
        f"{PHASE}/phi-3|capybara-000.parquet",
        f"{PHASE}/phi-4|gone-000.jsonl",
        f"{PHASE}/phi-3.jsonl",
        f"{JUDGED}/gone-judge/phi-4.parquet",
    ],
)
def test_the_ledger_of_what_the_catalogue_does_not_name_is_told_apart(
    store: Store, ledger: str
) -> None:
    left = leave(store, f"ledger/{ledger}")
    assert going(store) == {left: Kind.GONE_LEDGER}


def test_the_ledger_of_a_shard_that_a_new_cut_left_over_stays_until_its_rows_are_stored(
    store: Store,
) -> None:
    sealed = leave(store, f"ledger/{PHASE}/phi-4|capybara-999.parquet", days=31)
    leave(store, f"ledger/{PHASE}/phi-4|capybara-998.jsonl")
    shards = CATALOG.shards("capybara")
    for shard in shards:
        assert going(store) == {}
        put(store, PHASE, Partition("phi-4", shard))
    assert len(shards) > 1
    assert going(store) == {sealed: Kind.LEDGER}


def test_rows_of_what_the_catalogue_does_not_name_are_told_apart(store: Store) -> None:
    rows = put(store, PHASE, Partition("phi-3", "capybara-000"))
    assert going(store) == {rows: Kind.GONE_TABLE}


@pytest.mark.parametrize(
    "name",
    [
        f"{PHASE}/model=phi-4/.capybara-000.parquet.77.tmp",
        f"ledger/{PHASE}/{KEY}.tmp",
        f"ledger/{PHASE}/{KEY}.held_by",
        f"ledger/{JUDGED}/qwen2.5-14b/phi-4.tmp",
        "downloads/rows/.abc-def.parquet.77.tmp",
        "downloads/hub/datasets--a--b/blobs/abc.incomplete",
        ".report.html.77.tmp",
        ".excluded.txt.77.tmp",
        "conversations/.capybara-000.parquet.77.tmp",
        "source/capybara/.capybara-000.parquet.77.tmp",
        "engines/.phi-4.json.77.tmp",
    ],
)
def test_what_a_killed_process_left_goes_after_a_day(store: Store, name: str) -> None:
    left = leave(store, name, days=1.1)
    assert going(store) == {left: Kind.LEFT_OVER}
    aged(left, days=0.9)
    assert going(store) == {}


def test_a_download_goes_when_the_catalogue_names_another_commit(store: Store) -> None:
    full = load_catalog(FULL_CATALOG)
    hub = full.sources["capybara"].hub
    assert hub is not None
    cached = f"downloads/hub/datasets--{hub.repo.replace('/', '--')}"
    other = "0" * 40
    for revision in (hub.revision, other):
        blob = leave(store, f"{cached}/blobs/{revision}")
        link = Path(str(store.root)) / cached / "snapshots" / str(revision) / "rows.json"
        link.parent.mkdir(parents=True)
        link.symlink_to(blob)
    assert going(store, full) == {link.parent: Kind.DOWNLOAD}


def test_a_benchmark_that_was_fetched_for_evaluations_stays(store: Store) -> None:
    hub = CATALOG.evaluation.multifacet.hub
    assert hub is not None
    keep_pin(
        store, hub, new_pin(hub, "1" * 64, datetime.now(UTC), revision="1" * 40, file="a.json")
    )
    for revision in ("1" * 40, "0" * 40):
        folder = f"downloads/hub/datasets--{hub.repo.replace('/', '--')}"
        blob = leave(store, f"{folder}/blobs/{revision}")
        link = blob.parents[1] / "snapshots" / revision / "a.json"
        link.parent.mkdir(parents=True)
        link.symlink_to(blob)
    assert going(store) == {link.parent: Kind.DOWNLOAD}


def old_file(store: Store, path: str) -> Path:
    """A file in folders that are as old as it is."""
    file = leave(store, path)
    for folder in file.parents:
        if folder == Path(str(store.root)):
            break
        aged(folder, days=100)
    return file


def test_what_a_subject_answered_to_the_harness_goes_with_the_subject(store: Store) -> None:
    subject = Subject(name="owl", model="phi-4")
    catalog = CATALOG.model_copy(update={"subjects": {"owl": subject}})
    old_file(store, "leaderboard/owl/arc/cache.db")
    gone = old_file(store, "leaderboard/hawk/arc/cache.db")

    assert going(store, catalog) == {gone.parents[1]: Kind.GONE_ANSWERS}


def test_files_of_github_go_when_the_catalogue_names_another_commit(store: Store) -> None:
    [pinned, *_] = CATALOG.github_files
    old_file(store, f"downloads/github/{pinned.folder}/a.jsonl")
    other = old_file(store, f"downloads/github/{pinned.folder.rpartition('/')[0]}/{'0' * 40}/a")

    assert going(store) == {other.parent: Kind.DOWNLOAD}


def test_a_student_goes_when_the_catalogue_has_no_such_training(store: Store) -> None:
    [kept, *_] = load_catalog(FULL_CATALOG).trainings
    files = [
        leave(store, f"students/{name}/checkpoints/epoch-1/model.safetensors")
        for name in (kept, "of-before")
    ]
    for file in files:
        for folder in list(file.parents)[:3]:
            aged(folder, days=100)

    assert going(store, load_catalog(FULL_CATALOG)) == {
        files[1].parents[2]: Kind.GONE_STUDENT,
    }


def test_a_student_that_is_being_trained_stays(store: Store) -> None:
    file = leave(store, "students/of-before/resume/step-7/model.safetensors", days=0.5)
    for folder in list(file.parents)[:3]:
        aged(folder, days=100)

    assert going(store) == {}  # what it wrote half a day ago may be in use


def test_what_was_fetched_by_a_pin_stays(store: Store) -> None:
    hub = HubFile(repo="somebody/chats")
    entry = CATALOG.sources["capybara"].model_copy(update={"path": None, "hub": hub})
    catalog = CATALOG.model_copy(update={"sources": {**CATALOG.sources, "capybara": entry}})
    pinned, other = "1" * 40, "0" * 40
    made = new_pin(hub, "1" * 64, datetime.now(UTC), revision=pinned, config="c", split="train")
    converted = {digit: f"downloads/rows/{digit * 32}-split.parquet" for digit in "10"}
    files = {digit: leave(store, name, days=100) for digit, name in converted.items()}
    for revision in (pinned, other):
        blob = leave(store, f"downloads/hub/datasets--somebody--chats/blobs/{revision}")
        link = blob.parents[1] / "snapshots" / revision / "rows.json"
        link.parent.mkdir(parents=True)
        link.symlink_to(blob)
    keep_pin(store, hub, made)
    assert going(store, catalog) == {link.parent: Kind.DOWNLOAD, files["0"]: Kind.CONVERSION}


def test_a_converted_source_goes_when_the_catalogue_names_another_file(
    store: Store, tmp_path: Path
) -> None:
    mine, cache = tmp_path / "mine.jsonl", Path(str(store.root)) / "downloads"
    name, entry = "capybara", CATALOG.sources["capybara"].model_copy(update={"path": mine})
    sources = {**CATALOG.sources, name: entry}
    catalog = CATALOG.model_copy(update={"sources": sources})
    assert CATALOG.sources[name].path is not None
    mine.write_bytes(CATALOG.sources[name].path.read_bytes())
    read_shard(entry, 0, cache)
    [converted] = cache.glob("rows/*.parquet")
    aged(converted, days=100)
    assert going(store, catalog) == {}
    lines = mine.read_bytes().splitlines(keepends=True)
    mine.write_bytes(b"".join(lines[:-1]))
    assert going(store, catalog) == {converted: Kind.CONVERSION}
    mine.unlink()  # a disk that is not there now says nothing about what is used
    assert going(store, catalog) == {}


def test_a_converted_source_of_github_stays_while_the_catalogue_names_its_files(
    store: Store,
) -> None:
    pinned, other = (
        GitHubFiles(repo="org/rows", revision=digit * 40, files={"rows.jsonl": digit * 64})
        for digit in "10"
    )
    changes = {"path": None, "github": pinned}
    entry = CATALOG.sources["capybara"].model_copy(update=changes)
    catalog = CATALOG.model_copy(update={"sources": {**CATALOG.sources, "capybara": entry}})
    of_pinned, of_other = (
        leave(store, f"downloads/rows/{files.checksum[:32]}-columns.parquet")
        for files in (pinned, other)
    )

    assert of_pinned.exists()
    assert going(store, catalog) == {of_other: Kind.CONVERSION}


def test_the_log_of_a_server_goes_when_it_is_old(store: Store) -> None:
    old = leave(store, "engines/phi-4.previous.log", days=31)
    leave(store, "engines/phi-4.log", days=29)
    assert going(store) == {old: Kind.LOG}


def test_every_removal_says_what_it_costs() -> None:
    assert COSTS.keys() == set(Kind)


def test_the_second_lane_s_files_are_told_apart_in_the_same_way(store: Store) -> None:
    both = with_both_lanes(CATALOG)
    table, at = PREFERENCE_SETS.name, Partition("phi-4", "multifaceted-000")
    stored = put(store, table, at)
    sealed = leave(store, f"ledger/{table}/{at.key}.parquet")
    gone = leave(store, f"ledger/{table}/phi-3|multifaceted-000.jsonl")

    assert going(store, both) == {sealed: Kind.LEDGER, gone: Kind.GONE_LEDGER}
    assert going(store) == {
        stored: Kind.GONE_TABLE,
        sealed: Kind.GONE_LEDGER,
        gone: Kind.GONE_LEDGER,
    }


def test_converted_copies_of_its_sources_stay(store: Store) -> None:
    downloads = Path(str(store.root)) / "downloads"
    rows = Path(str(store.root)).parent / "rows.jsonl"
    rows.write_text('{"prompt": "Why?"}\n')
    own = Multifaceted.model_validate({"sources": {"own": {"path": rows, "instruction": "prompt"}}})
    both = CATALOG.model_copy(update={"multifaceted": own})
    for source in both.instruction_sources:
        list(read_conversations(source, downloads, store))
    for path in (downloads / "rows").iterdir():
        aged(path, days=100)

    assert going(store, both) == {}
    assert {*going(store).values()} == {Kind.CONVERSION}
