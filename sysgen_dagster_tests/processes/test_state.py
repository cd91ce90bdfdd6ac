"""State files: a server runs as long as its supervisor holds the lock of its file."""

import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from sysgen_dagster.processes.state import read_state, running
from sysgen_dagster_tests.inference.processes import CEILING_S

RECORD = {"port": 1234, "pid": 77}


@contextmanager
def held(folder: Path, name: str, content: str = json.dumps(RECORD)) -> Iterator[IO[str]]:
    """The state file of a server, locked as its supervisor does it."""
    with (folder / f"{name}.json").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(content)
        file.flush()
        yield file


def test_a_state_is_known_while_its_file_is_held_and_not_after(tmp_path: Path) -> None:
    assert read_state(tmp_path, "a") is None
    with held(tmp_path, "a"):
        assert read_state(tmp_path, "a") == RECORD
        assert read_state(tmp_path, "a") == RECORD  # to look takes no lock away
    assert read_state(tmp_path, "a") is None


def test_the_servers_that_run_are_named_in_order_and_those_left_behind_are_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "left-behind.json").write_text(json.dumps(RECORD))
    (tmp_path / "a.users").touch()
    with held(tmp_path, "qwen2.5"), held(tmp_path, "a"):
        assert running(tmp_path) == ["a", "qwen2.5"]
    assert running(tmp_path) == []
    assert running(tmp_path / "nowhere") == []


@pytest.mark.parametrize("begun", ["", '{"port": 12'])
def test_a_state_that_is_being_written_is_waited_for(tmp_path: Path, begun: str) -> None:
    with ThreadPoolExecutor(1) as pool, held(tmp_path, "a", begun) as file:
        reading = pool.submit(read_state, tmp_path, "a")
        with pytest.raises(TimeoutError):
            reading.result(0.1)
        file.write(json.dumps(RECORD).removeprefix(begun))
        file.flush()
        assert reading.result(CEILING_S) == RECORD


def test_a_supervisor_that_dies_before_it_has_written_is_waited_for_no_longer(
    tmp_path: Path,
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with held(tmp_path, "a", ""):
            reading = pool.submit(read_state, tmp_path, "a")
            with pytest.raises(TimeoutError):
                reading.result(0.1)
        assert reading.result(CEILING_S) is None


def test_a_lock_that_a_process_inherits_is_held_until_that_process_ends(tmp_path: Path) -> None:
    with held(tmp_path, "a") as file:
        heir = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[file.fileno()]
        )
    assert running(tmp_path) == ["a"]
    heir.kill()
    heir.communicate()
    assert running(tmp_path) == []
