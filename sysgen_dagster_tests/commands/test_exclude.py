"""Deletion requests: the list that is kept, and the partitions that held the text."""

import errno
from collections.abc import Sequence
from pathlib import Path

import pytest

from sysgen_dagster.commands.exclude import ExclusionError, exclude_conversations, read_ids
from sysgen_dagster.commands.printing import open_plain_console
from sysgen_dagster.inference.ledger import Ledger, Outcome
from sysgen_dagster.inference.request_keys import Asked
from sysgen_dagster.lanes.multifaceted.tables import INSTRUCTIONS, PREFERENCE_SETS
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.lanes.multifaceted.frames import instructions
from sysgen_dagster_tests.lanes.sysgen.frames import input_output_source, upstream

SHARDS = ("chats-000", "chats-001")
TALKS = ("Hello", "Bye")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Two shards of two-turn talks: the second shard repeats the first talk of the first.

    One model has made both shards, another only the second.
    """
    for name in ("SYSGEN_DATA", "SYSGEN_CATALOG", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")  # the command points its process at another deployment
    store = Store(tmp_path / "data")
    entry = input_output_source()
    for occurrence, (shard, talks) in enumerate(zip(SHARDS, (TALKS, TALKS[:1]), strict=True)):
        rows = upstream(entry, *(talk(word) for word in talks), occurrence=occurrence)
        store.write(CONVERSATIONS, Partition(shard=shard), build_conversations(rows, entry))
    for model, shard in (("phi-4", SHARDS[0]), ("phi-4", SHARDS[1]), ("qwen", SHARDS[1])):
        store.write(ANNOTATED, Partition(model, shard), ANNOTATED.empty())
    return store


def talk(word: str) -> dict[str, object]:
    exchanges = [{"input": f"{word} {turn}?", "output": f"{word}."} for turn in range(2)]
    return {"source": "here", "conversation": exchanges}


def ids_of(store: Store, shard: str) -> list[str]:
    return store.read(CONVERSATIONS, Partition(shard=shard))["conversation_id"].to_list()


def exclude(store: Store, ids: Sequence[str]) -> int:
    file = store.root.parent / "ids.txt"
    file.write_text("\n".join(ids), encoding="utf-8")
    return exclude_conversations(open_plain_console(), str(store.root), file)


def test_the_ids_join_the_list_sorted_and_once(store: Store) -> None:
    first, _, third, fourth = ids_of(store, SHARDS[0])
    for ids in ([third, first], [first, fourth, first]):
        assert exclude(store, ids) == 0
    _, *listed = store.exclusions.read_text(encoding="utf-8").split("\n")
    assert listed == [*sorted([first, third, fourth]), ""]
    assert store.excluded() == {first, third, fourth}


def test_the_list_is_what_conversations_are_made_without(store: Store) -> None:
    first, *_ = ids_of(store, SHARDS[0])
    exclude(store, [first])
    entry = input_output_source()
    rows = upstream(entry, *(talk(word) for word in TALKS))
    made = build_conversations(rows, entry, store.excluded())
    assert made["question"].to_list() == [None, None, "Bye 0?", "Bye 1?"]


@pytest.mark.parametrize(
    ("shard", "position", "conversations", "of_models"),
    [
        # A later copy of the row, in the second shard, goes with the first.
        (0, 0, "chats-000, chats-001", "phi-4|chats-000, phi-4|chats-001, qwen|chats-001"),
        (0, 3, "chats-000", "phi-4|chats-000"),
        (1, 0, "chats-001", "phi-4|chats-001, qwen|chats-001"),
    ],
)
def test_the_partitions_that_hold_the_text_are_named(
    store: Store,
    capsys: pytest.CaptureFixture[str],
    shard: int,
    position: int,
    conversations: str,
    of_models: str,
) -> None:
    assert exclude(store, [ids_of(store, SHARDS[shard])[position]]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert f"conversations: {conversations}" in lines
    assert f"every table of a model and shard: {of_models}" in lines


def test_a_copy_whose_first_row_stays_is_told(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    first, copy = (ids_of(store, shard)[0] for shard in SHARDS)
    told = f"{first} holds the same text as {copy} and stays"
    exclude(store, [copy])
    assert told in capsys.readouterr().out
    exclude(store, [first])
    exclude(store, [copy])
    assert told not in capsys.readouterr().out


def test_ids_that_are_nowhere_are_named_and_nothing_is_excluded(
    store: Store,
) -> None:
    known = ids_of(store, SHARDS[0])[0]
    with pytest.raises(ExclusionError, match=r"has the id chats-0000-0, \[red\]chats\."):
        exclude(store, ["chats-0000-0", known, "[red]chats"])
    assert not store.exclusions.exists()


@pytest.mark.parametrize("request_id", ["chats-0000-0", "chats-0000-0#new"])
def test_an_id_of_which_only_a_ledger_knows_is_excluded(store: Store, request_id: str) -> None:
    with Ledger(Path(str(store.root), "ledger", "phase", "phi-4|chats-009.jsonl")) as ledger:
        ledger.append(Asked("a key", request_id, 1), Outcome("Yes."))
    assert exclude(store, ["chats-0000-0"]) == 0
    assert store.excluded() == {"chats-0000-0"}


def test_where_nothing_is_stored_no_id_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_DATA", "")
    (tmp_path / "data").mkdir()
    with pytest.raises(ExclusionError, match="has the id chats-0000-0"):
        exclude(Store(tmp_path / "data"), ["chats-0000-0"])


def test_a_damaged_shard_excludes_nothing(store: Store) -> None:
    known = ids_of(store, SHARDS[0])[0]
    store.path(CONVERSATIONS, Partition(shard=SHARDS[1])).write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="damaged"):
        exclude(store, [known])
    assert not store.exclusions.exists()


@pytest.mark.parametrize(
    "text",
    ["a-1\nb-2\n", "\ufeffa-1\r\nb-2", "# by mail\n\n  a-1 # asked on Monday\nb-2\na-1"],
    ids=["a line each", "from Windows", "with notes"],
)
def test_a_file_of_ids_is_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "ids.txt"
    file.write_text(text, encoding="utf-8")
    assert read_ids(file) == ["a-1", "b-2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"\xff\xfe", "cannot be read"), (b"# none\n", "holds no ids")],
    ids=["missing", "not text", "only notes"],
)
def test_a_file_without_ids_is_refused(store: Store, content: bytes | None, message: str) -> None:
    file = store.root.parent / "ids.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ExclusionError, match=message):
        exclude_conversations(open_plain_console(), str(store.root), file)


def test_a_write_that_fails_leaves_the_list_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, *_ = ids_of(store, SHARDS[0])
    exclude(store, [first])

    def full(path: Path, *_: object, **__: object) -> None:
        path.write_bytes(b"")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StoreError, match="its disk is full"):
        store.exclude([second])
    assert store.excluded() == {first}


def test_an_instruction_of_the_second_lane_can_be_excluded_and_its_tables_are_named(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    at = Partition("phi-4", "multifaceted-000")
    store.write(INSTRUCTIONS, Partition(shard=at.shard), instructions("Why?"))
    store.write(PREFERENCE_SETS, at, PREFERENCE_SETS.empty())

    assert exclude(store, ["own-0-0"]) == 0

    said = " ".join(capsys.readouterr().out.split())
    assert "multifaceted/selection, then multifaceted/instructions: multifaceted-000" in said
    assert "every table of multifaceted of a model and shard: phi-4|multifaceted-000" in said
    assert "conversations:" not in said
