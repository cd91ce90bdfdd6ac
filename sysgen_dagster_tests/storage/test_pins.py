"""Notes that are written once: the first stays, whoever writes another at the same time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sysgen_dagster.storage.pins import keep_first, pin_path, read_pin
from sysgen_dagster.storage.store import Store, StoreError, open_store


@pytest.fixture(params=["folder", "object storage"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a deployment is."""
    is_folder = request.param == "folder"
    return str(tmp_path) if is_folder else f"{request.getfixturevalue('bucket')}/one"


def test_the_first_note_stays(root: str) -> None:
    store = open_store(root)
    assert read_pin(store, "chats") is None
    assert keep_first(store, "chats", "one") == "one"
    assert keep_first(store, "chats", "two") == "one"
    assert read_pin(open_store(root), "chats") == "one"
    assert read_pin(store, "others") is None
    assert pin_path(store, "chats").name == "chats.json"


def test_all_who_write_at_the_same_time_have_the_same_note(root: str) -> None:
    def write(number: int) -> str:
        return keep_first(open_store(root), "chats", f"note {number}")

    with ThreadPoolExecutor(8) as threads:
        notes = {*threads.map(write, range(16))}
    assert notes == {read_pin(open_store(root), "chats")}


def test_what_the_system_refuses_is_an_error_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "pins").write_text("a file where the folder should be")
    with pytest.raises(StoreError):
        keep_first(Store(tmp_path), "chats", "one")
