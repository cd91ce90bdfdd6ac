"""Starts processes under a supervisor, and ends them.

Each lies in a folder under a name: ``NAME.json`` is its state file, ``NAME.users`` what those lock
that use it (`supervisor`).
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from sysgen_dagster.processes.state import read_state
from sysgen_dagster.processes.supervisor import Ending

_LOOK_EVERY_S = 0.05  # for the end of a process


class Process(Protocol):
    """What keeps a command running; a `subprocess.Popen` on this machine."""

    def poll(self) -> int | None:
        """Its exit status; None while it lives."""

    def wait(self) -> int:
        """Its exit status, when it has ended."""


class Place(Protocol):
    """Where commands run: on this machine by the functions of this module."""

    def start(
        self,
        folder: Path,
        name: str,
        command: Sequence[str],
        record: Mapping[str, Any],
        *,
        log: Path,
        ending: Ending,
        environment: Mapping[str, str],
    ) -> Process:
        """Start it."""

    def stop(self, folder: Path, name: str, within_s: float) -> None:
        """End it, and leave nothing of it."""


def start(
    folder: Path,
    name: str,
    command: Sequence[str],
    record: Mapping[str, Any],
    *,
    log: Path,
    ending: Ending,
    environment: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    """Start a command under a supervisor of its own, which outlives this process.

    Args:
        folder: Where the state file is.
        name: The name of the state file.
        command: What is kept running.
        record: What the state file says besides the supervisor's process id.
        log: Takes the output; appended to what it holds.
        ending: When it is ended, and how.
        environment: All that the command and its supervisor get of an environment.
    """
    with (folder / f"{name}.json").open("w") as state, log.open("ab") as output:
        # Before the supervisor runs: if this process is killed now, the next one waits for it.
        fcntl.flock(state, fcntl.LOCK_EX)
        supervise = [sys.executable, "-m", "sysgen_dagster.processes.supervisor"]
        supervise += [state.name, str(state.fileno()), json.dumps(dict(record))]
        supervisor = subprocess.Popen(
            [*supervise, json.dumps(asdict(ending)), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[state.fileno()],
            env=dict(environment),
        )
    # Takes the exit status of the supervisor, which may well outlive this process.
    threading.Thread(target=supervisor.wait, daemon=True).start()
    return supervisor


def stop(folder: Path, name: str, within_s: float) -> None:
    """End a process and return when it is gone; nothing happens where none runs.

    Args:
        folder: Where its state file is.
        name: The name of the state file.
        within_s: How long its supervisor has to end it, before both are killed.

    Raises:
        PermissionError: It is another user's.
    """
    # The supervisor alone comes first: if every process got the signal at once, vLLM's engine would
    # end before it has answered the requests in flight.
    for end, sent in ((os.kill, signal.SIGTERM), (os.killpg, signal.SIGKILL)):
        deadline = time.monotonic() + within_s
        state = read_state(folder, name)
        if state is not None:
            try:
                with suppress(ProcessLookupError):
                    end(state["pid"], sent)
            except PermissionError as error:
                owner = f"{name} is process {state['pid']} of another user"
                raise PermissionError(f"{owner}, who alone can end it") from error
        while read_state(folder, name) is not None and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_S)
