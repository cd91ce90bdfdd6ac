"""Files that are whole or not there."""

import subprocess
import sys
from pathlib import Path

import pytest

from sysgen_dagster.storage.files import locked, replacing


def test_a_file_takes_its_place_when_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_fails_to_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), replacing(path) as temporary:
        temporary.write_text("half \ud800", encoding="utf-8")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_makes_another_process_wait(tmp_path: Path) -> None:
    lock, told = tmp_path / "lock", tmp_path / "told"
    program = (
        "import sys; from pathlib import Path; from sysgen_dagster.storage.files import locked\n"
        "print('started', flush=True)\n"
        "with locked(Path(sys.argv[1])): assert Path(sys.argv[2]).read_text() == 'first'"
    )
    with locked(lock):
        other = subprocess.Popen(
            [sys.executable, "-c", program, str(lock), str(told)], stdout=subprocess.PIPE
        )
        assert other.stdout is not None
        other.stdout.readline()
        told.write_text("first")  # without the lock the other would not have found it
    assert other.wait(30) == 0
    other.stdout.close()
    assert told.read_text() == "first"
