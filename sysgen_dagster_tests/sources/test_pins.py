"""The pin of an entry: by what the entry says, the first one stays, a damaged one is named."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sysgen_dagster.catalog.places import HubFile
from sysgen_dagster.sources.pins import Pin, find_pin, keep_pin, new_pin, resolved
from sysgen_dagster.sources.recognition import SourceError
from sysgen_dagster.storage.store import Store

HUB = HubFile(repo="somebody/chats")
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def pin(hub: HubFile = HUB, digit: str = "1") -> Pin:
    return new_pin(hub, digit * 64, NOW, revision=digit * 40, file="a.jsonl")


def test_the_first_pin_of_an_entry_is_the_one_that_all_keep_to(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert find_pin(store, HUB) is None
    assert keep_pin(store, HUB, pin(digit="1")) == pin(digit="1")
    assert keep_pin(store, HUB, pin(digit="2")) == pin(digit="1")
    assert find_pin(store, HUB) == pin(digit="1")


@pytest.mark.parametrize(
    "edited",
    [
        {"repo": "somebody/others"},
        {"config": "long"},
        {"split": "test"},
        {"file": "b.jsonl"},
        {"revision": "3" * 40},
        {"sha256": "3" * 64},
    ],
    ids=lambda edited: " ".join(edited),
)
def test_an_edited_entry_has_a_pin_of_its_own_and_has_the_old_one_when_it_is_edited_back(
    tmp_path: Path, edited: dict[str, str]
) -> None:
    store, other = Store(tmp_path), HUB.model_copy(update=edited)
    keep_pin(store, HUB, pin())
    assert find_pin(store, other) is None
    keep_pin(store, other, pin(other, "2"))
    assert find_pin(store, other) == pin(other, "2")
    assert find_pin(store, HUB) == pin()


def test_an_entry_that_leaves_nothing_open_has_no_pin(tmp_path: Path) -> None:
    store, whole = Store(tmp_path), HubFile(repo="a/b", file="c.jsonl", revision="1" * 40)
    keep_pin(store, whole, pin(whole))
    assert find_pin(store, whole) is None
    assert resolved(store, whole) == whole


def test_an_entry_is_resolved_to_what_its_pin_says(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert resolved(store, HUB) == HUB
    keep_pin(store, HUB, pin())
    place = resolved(store, HUB)
    assert (place.repo, place.file) == ("somebody/chats", "a.jsonl")
    assert (place.revision, place.sha256) == ("1" * 40, "1" * 64)


def test_a_pin_says_what_was_asked_what_was_found_and_when(tmp_path: Path) -> None:
    keep_pin(Store(tmp_path), HUB, pin())
    [file] = (tmp_path / "pins").glob("*.json")
    assert file.name.startswith("somebody--chats-")
    assert Pin.model_validate_json(file.read_text()).model_dump(exclude_none=True) == {
        "asked": {"repo": "somebody/chats"},
        "repo": "somebody/chats",
        "revision": "1" * 40,
        "file": "a.jsonl",
        "sha256": "1" * 64,
        "pinned_at": NOW,
    }


@pytest.mark.parametrize("content", ["", "{", "{}", '{"repo": "somebody/chats"}'])
def test_a_damaged_pin_is_named_with_what_to_do(tmp_path: Path, content: str) -> None:
    store = Store(tmp_path)
    keep_pin(store, HUB, pin())
    [file] = (tmp_path / "pins").glob("*.json")
    file.write_text(content)
    with pytest.raises(SourceError, match=rf"{file}, which says what somebody/chats was pinned to"):
        find_pin(store, HUB)
