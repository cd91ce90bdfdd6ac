"""Folders that are whole or not there, also where the process that writes one is killed."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sysgen_dagster.storage import folders
from sysgen_dagster.storage.folders import replacing
from sysgen_dagster.storage.store import StoreError

KNOWN_BY = "manifest.json"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A folder that may be replaced."""
    write(tmp_path / "small", "one", KNOWN_BY, "data/old")
    return tmp_path / "small"


def write(target: Path, text: str, *names: str) -> None:
    with replacing(target, KNOWN_BY) as folder:
        fill(folder, text, *names)


def fill(folder: Path, text: str, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def names_beside(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


@pytest.mark.parametrize("can_swap", [True, False])
def test_nothing_of_the_old_folder_stays_also_where_folders_cannot_change_places(
    target: Path, monkeypatch: pytest.MonkeyPatch, can_swap: bool
) -> None:
    if not can_swap:
        monkeypatch.setattr(folders, "_swap", lambda one, other: False)
    with replacing(target, KNOWN_BY) as folder:
        assert list(folder.iterdir()) == []
        fill(folder, "two", KNOWN_BY, "data/new")
        assert files(target) == {"data/old": "one", KNOWN_BY: "one"}
    assert files(target) == {"data/new": "two", KNOWN_BY: "two"}
    assert names_beside(target) == [".small.lock", "small"]


def test_an_error_leaves_the_old_folder_and_nothing_beside_it(target: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write(target, "half \ud800", KNOWN_BY)
    assert files(target) == {"data/old": "one", KNOWN_BY: "one"}
    assert names_beside(target) == [".small.lock", "small"]


def test_an_exchange_cut_in_two_is_undone(target: Path) -> None:
    target.rename(target.with_name(".small.old"))
    with pytest.raises(RuntimeError), replacing(target, KNOWN_BY):
        raise RuntimeError
    assert files(target) == {"data/old": "one", KNOWN_BY: "one"}


def test_an_old_folder_left_behind_does_not_replace_the_current_one(target: Path) -> None:
    fill(target.with_name(".small.old"), "zero", KNOWN_BY)
    with pytest.raises(RuntimeError), replacing(target, KNOWN_BY):
        raise RuntimeError
    assert files(target) == {"data/old": "one", KNOWN_BY: "one"}


_KILLED = """
import sys, time
from pathlib import Path
from sysgen_dagster.storage.folders import replacing

with replacing(Path(sys.argv[1]), "manifest.json") as folder:
    (folder / "manifest.json").write_text("half")
    print("half", flush=True)
    time.sleep(600)
"""


def test_a_kill_in_the_middle_leaves_the_old_folder_and_the_next_one_cleans_up(
    target: Path,
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(target)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"half\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert target.with_name(".small.new").exists()
    assert files(target) == {"data/old": "one", KNOWN_BY: "one"}
    write(target, "two", KNOWN_BY)
    assert files(target) == {KNOWN_BY: "two"}
    assert names_beside(target) == [".small.lock", "small"]


def test_two_processes_that_replace_the_same_folder_wait_for_each_other(target: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with replacing(target, KNOWN_BY) as folder:
            other = pool.submit(write, target, "three", KNOWN_BY)
            time.sleep(0.1)
            assert not other.done()
            fill(folder, "two", KNOWN_BY)
        other.result(10)
    assert files(target) == {KNOWN_BY: "three"}


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    theirs = tmp_path / "mine"
    fill(theirs, "mine", "thesis.txt", f"old/{KNOWN_BY}")
    with pytest.raises(StoreError) as refused, replacing(theirs, KNOWN_BY):
        raise AssertionError("nothing is written first")
    assert str(refused.value) == (
        f"{theirs} holds files of something else (no manifest.json): empty it, or name another "
        "folder"
    )
    assert files(theirs) == {"thesis.txt": "mine", f"old/{KNOWN_BY}": "mine"}


def test_an_empty_folder_may_be_replaced_whatever_it_was_made_for(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    write(tmp_path / "mine", "two", "data")
    assert files(tmp_path / "mine") == {"data": "two"}
