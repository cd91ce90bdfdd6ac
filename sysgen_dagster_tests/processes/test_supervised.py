"""Processes that are started under a supervisor, and ended."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from sysgen_dagster.processes.state import read_state, running
from sysgen_dagster.processes.supervised import start, stop
from sysgen_dagster.processes.supervisor import Ending, end_with
from sysgen_dagster_tests.inference.processes import CEILING_S, Descendants, kill, wait_until

SLEEPS = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"]
# Takes no notice of SIGTERM, and starts two more such processes.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(2):
    if not os.fork():
        break
print('ready', flush=True)
time.sleep(600)
"""
ENDING = Ending(600.0, grace_s=0.3, group_grace_s=0.1, look_every_s=0.05)


@pytest.fixture
def folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


def begin(folder: Path, command: list[str], name: str = "one", ending: Ending = ENDING) -> None:
    log = folder / f"{name}.log"
    before = log.read_text() if log.is_file() else ""
    start(folder, name, command, {"kind": name}, log=log, ending=ending, environment=os.environ)
    wait_until(lambda: "ready\n" in log.read_text().removeprefix(before))


def test_what_is_started_says_its_record_until_it_is_stopped(folder: Path) -> None:
    begin(folder, SLEEPS)
    state = read_state(folder, "one")
    assert state is not None
    assert state["kind"] == "one"
    assert running(folder) == ["one"]
    stop(folder, "one", CEILING_S)
    assert running(folder) == []
    assert not (folder / "one.json").exists()


def test_one_is_stopped_and_the_other_goes_on(folder: Path) -> None:
    begin(folder, SLEEPS, "one")
    begin(folder, SLEEPS, "two")
    stop(folder, "one", CEILING_S)
    stop(folder, "three", CEILING_S)
    assert running(folder) == ["two"]
    stop(folder, "two", CEILING_S)


def test_a_log_goes_on_where_an_earlier_process_ended(folder: Path) -> None:
    for _ in range(2):
        begin(folder, SLEEPS)
        stop(folder, "one", CEILING_S)
    assert (folder / "one.log").read_text() == "ready\nready\n"


# A supervisor that gets SIGTERM at the moment at which its process has begun.
ENDED_AT_ONCE = """
import os, runpy, signal, subprocess, sys

class Begun(subprocess.Popen):
    def __init__(self, *words, **settings):
        super().__init__(*words, **settings)
        os.kill(os.getpid(), signal.SIGTERM)

subprocess.Popen = Begun
runpy.run_module("sysgen_dagster.processes.supervisor", run_name="__main__", alter_sys=True)
"""


def test_a_supervisor_that_is_ended_while_its_process_begins_ends_that_too(
    folder: Path, descendants: Descendants
) -> None:
    with (folder / "one.json").open("w") as state:
        words = [state.name, str(state.fileno()), "{}", json.dumps(asdict(ENDING))]
        supervisor = subprocess.Popen(
            [sys.executable, "-c", ENDED_AT_ONCE, *words, sys.executable, "-c", STUBBORN],
            pass_fds=[state.fileno()],
            start_new_session=True,
        )
    assert supervisor.wait(CEILING_S) == 0
    assert not (folder / "one.json").exists()
    assert not descendants()


def test_a_process_whose_parent_was_gone_before_it_began_ends() -> None:
    begun = subprocess.Popen(SLEEPS, preexec_fn=end_with(os.getpid() + 1))
    assert begun.wait(CEILING_S) == -signal.SIGTERM


def test_a_whole_group_that_does_not_end_is_killed(folder: Path, descendants: Descendants) -> None:
    begin(folder, [sys.executable, "-c", STUBBORN])
    stop(folder, "one", CEILING_S)
    wait_until(lambda: not descendants())


def test_a_supervisor_that_does_not_end_is_killed_with_its_group(
    folder: Path, descendants: Descendants
) -> None:
    begin(folder, SLEEPS)
    state = read_state(folder, "one")
    assert state is not None
    os.kill(state["pid"], signal.SIGSTOP)
    stop(folder, "one", 0.2)
    wait_until(lambda: not descendants())


@pytest.mark.parametrize("keeps", [True, False])
def test_a_process_that_keeps_the_state_runs_by_it_after_its_supervisor_was_killed(
    folder: Path, descendants: Descendants, keeps: bool
) -> None:
    """Its SIGTERM, by which Linux ends it then, is not taken notice of here."""
    ending = Ending(600.0, grace_s=0.3, group_grace_s=0.1, keeps_state=keeps)
    begin(folder, [sys.executable, "-c", STUBBORN], ending=ending)
    state = read_state(folder, "one")
    assert state is not None
    wait_until(lambda: len(descendants()) == 4)  # the supervisor, too
    kill(state["pid"])
    wait_until(lambda: len(descendants()) == 3)
    assert (running(folder) == ["one"]) == keeps
    if keeps:
        stop(folder, "one", 0.2)
        assert running(folder) == []
    else:
        kill(*descendants())
