"""The store in a bucket, over HTTP: atomic writes, immediate visibility, errors that are shown."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import obstore
import polars as pl
import pytest
from click.testing import CliRunner
from obstore.store import from_url

from sysgen_dagster.cli import sysgen
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage import objects
from sysgen_dagster.storage.exclusions import parse_exclusions, render_exclusions
from sysgen_dagster.storage.store import (
    Store,
    StoreError,
    StoreUnavailableError,
    open_store,
    working_folder,
)
from sysgen_dagster.tables.table import By, Partition, TableError
from sysgen_dagster_tests.lanes.sysgen.frames import input_output_source, upstream
from sysgen_dagster_tests.storage.s3_server import killed_while_writing, objects_under, refusing_s3
from sysgen_dagster_tests.storage.write_notes import FIRST, NOTES

NOTES_OF_MODELS = replace(NOTES, by=By.MODEL_SHARD)
ROWS = pl.DataFrame({"conversation_id": ["a", "b"], "length": [1.0, 2.0]}, schema=NOTES.schema)
WRITE_NOTES = [sys.executable, "-m", "sysgen_dagster_tests.storage.write_notes"]


@pytest.fixture
def store(bucket: str) -> Store:
    return open_store(f"{bucket}/runs/one/")


def test_what_is_written_in_pieces_is_one_object(store: Store, bucket: str) -> None:
    store.write(NOTES, FIRST, ROWS.lazy())
    assert list(objects_under(bucket)) == ["runs/one/notes/chats-000.parquet"]
    assert store.read(NOTES, FIRST).equals(ROWS)


def test_partitions_are_objects_under_the_same_names_as_files(store: Store, bucket: str) -> None:
    store.write(NOTES_OF_MODELS, Partition("phi-4", "chats-001"), ROWS.head(1))
    store.write(NOTES_OF_MODELS, Partition("phi-4", "chats-000"), ROWS)
    store.write(NOTES, Partition(shard="chats-002"), ROWS)
    assert list(objects_under(bucket)) == [
        "runs/one/notes/chats-002.parquet",
        "runs/one/notes/model=phi-4/chats-000.parquet",
        "runs/one/notes/model=phi-4/chats-001.parquet",
    ]
    assert store.read(NOTES_OF_MODELS, Partition("phi-4", "chats-000")).equals(ROWS)
    assert store.shards(NOTES_OF_MODELS, "phi-4") == ["chats-000", "chats-001"]
    assert store.shards(replace(NOTES, name="nothing")) == []
    assert store.holds(NOTES, Partition(shard="chats-002"))
    assert not store.holds(NOTES, Partition(shard="chats-003"))


def test_columns_are_read_as_asked(store: Store) -> None:
    store.write(NOTES, FIRST, ROWS)
    assert store.read(NOTES, FIRST, "length").columns == ["length"]
    more = replace(NOTES, columns={**NOTES.columns, "more": NOTES.columns["length"]})
    with pytest.raises(TableError, match="more"):
        store.read(more, FIRST)


def test_missing_and_damaged_partitions_give_the_same_errors_as_in_a_folder(store: Store) -> None:
    with pytest.raises(StoreError, match=r"not materialized \(s3://.* Materialize it first"):
        store.read(NOTES, FIRST)
    objects.replace(store.path(NOTES, FIRST), b"no Parquet")  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=r"notes for chats-000 cannot be read, s3://.*damaged"):
        store.read(NOTES, FIRST)


def test_what_another_process_writes_is_seen_at_once(store: Store) -> None:
    assert store.shards(NOTES) == []
    assert not store.holds(NOTES, FIRST)
    command = [*WRITE_NOTES, str(store.root)]
    subprocess.run([*command, "3"], check=True)
    assert store.shards(NOTES) == ["chats-000"]
    assert store.read(NOTES, FIRST).height == 3
    subprocess.run([*command, "4"], check=True)
    assert store.read(NOTES, FIRST).height == 4


# In one request, and in parts that are put together at the end.
@pytest.mark.parametrize(("rows", "after_bytes"), [(100_000, 200_000), (40_000_000, 90_000_000)])
def test_a_process_killed_while_writing_leaves_the_old_object(
    store: Store, s3: str, rows: int, after_bytes: int
) -> None:
    store.write(NOTES, FIRST, ROWS)
    command = [*WRITE_NOTES, str(store.root), str(rows)]
    assert killed_while_writing(command, s3, after_bytes), "it ended first: nothing is shown"
    assert store.read(NOTES, FIRST).equals(ROWS)
    assert store.shards(NOTES) == ["chats-000"]


def test_a_bucket_that_refuses_is_an_error_and_never_an_empty_store() -> None:
    with refusing_s3() as url:
        store = open_store(url)
        for ask in (
            store.excluded,
            lambda: store.exclude(["a"]),
            lambda: store.shards(NOTES),
            lambda: store.holds(NOTES, FIRST),
            lambda: store.read(NOTES, FIRST),
            lambda: store.write(NOTES, FIRST, ROWS),
            lambda: store.write_text(store.report, "page"),
        ):
            with pytest.raises(StoreUnavailableError, match=r"AWS_ENDPOINT_URL.*403"):
                ask()


def test_writing_to_a_missing_bucket_is_an_error(s3: str) -> None:
    store = open_store("s3://nobody-made-it")
    with pytest.raises(StoreUnavailableError, match="has the bucket"):
        store.write(NOTES, FIRST, ROWS)


def test_the_report_is_an_object_that_a_browser_shows(store: Store, bucket: str) -> None:
    assert str(store.write_text(store.report, "<p>語</p>")) == f"{bucket}/runs/one/report.html"
    found = obstore.get(from_url(bucket), "runs/one/report.html")
    assert found.attributes["Content-Type"] == "text/html"
    assert bytes(found.bytes()).decode() == "<p>語</p>"


def test_ids_that_two_exclude_at_the_same_time_are_both_on_the_list(store: Store) -> None:
    path = store.exclusions
    others = iter(["first", "second"])

    def change(text: str) -> str:
        if other := next(others, None):  # somebody else is faster, twice
            store.exclude([other])
        return render_exclusions([*(parse_exclusions(text) if text else ()), "mine"])

    objects.update_text(path, change)  # type: ignore[arg-type]
    assert store.exclude(["first"]) == 3
    assert store.excluded() == {"first", "second", "mine"}


def test_ids_are_excluded_from_the_command_line(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SYSGEN_DATA", "SYSGEN_WORK", "SYSGEN_CATALOG", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    entry = input_output_source(name="chats")
    talk = {"source": "here", "conversation": [{"input": "Who?", "output": "I."}]}
    rows = build_conversations(upstream(entry, talk), entry)
    store.write(CONVERSATIONS, FIRST, rows)
    annotated = replace(ANNOTATED, columns=NOTES.columns)
    store.write(annotated, Partition("phi-4", "chats-000"), ROWS)
    [identity] = rows["conversation_id"]
    ids = tmp_path / "ids"
    ids.write_text(identity)
    told = CliRunner().invoke(sysgen, ["exclude", "--data", str(store.root), str(ids)])
    assert told.exit_code == 0
    assert store.excluded() == {identity}
    assert "every table of a model and shard: phi-4|chats-000" in told.output


@pytest.mark.parametrize(
    "root",
    [
        *("https://bucket/data", "s3://", "s3://bucket/a b", "s3://bucket//a"),
        *("s3://someone:hunter2@bucket/data", "s3://someone:hun/hunter2@bucket"),
        "s3://bucket/a?secret=hunter2",
    ],
)
def test_a_url_that_is_no_place_for_data_or_holds_a_password_is_refused_and_not_repeated(
    root: str,
) -> None:
    with pytest.raises(StoreError, match=r"is not s3://BUCKET/PREFIX.*AWS_SECRET") as told:
        open_store(root)
    assert "hunter2" not in str(told.value)


def test_a_url_needs_a_working_folder_and_a_folder_is_its_own(tmp_path: Path) -> None:
    assert working_folder(str(tmp_path), "") == tmp_path
    assert working_folder("s3://bucket", str(tmp_path)) == tmp_path
    assert working_folder("data", str(tmp_path)) == tmp_path
    with pytest.raises(StoreError, match="set SYSGEN_WORK to a folder"):
        working_folder("s3://bucket", "")
    with pytest.raises(StoreError, match="SYSGEN_WORK is a URL"):
        working_folder("s3://bucket", "s3://bucket/work")


def test_a_folder_needs_nothing_of_the_extra(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules |= {'obstore': None}\n"
        "from sysgen_dagster.tables.table import By, Table\n"
        "NOTES = Table('notes', {}, By.SHARD, 'trial')\n"
        "from sysgen_dagster.storage.store import StoreError, open_store\n"
        "assert open_store(sys.argv[1]).shards(NOTES) == []\n"
        "try: open_store('s3://bucket')\n"
        "except StoreError as error: print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pip install 'sysgen-dagster[s3]'" in said.stdout
