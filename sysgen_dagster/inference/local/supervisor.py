"""Keeps one model server running until no run has used it for a while.

``python -m sysgen_dagster.inference.local.supervisor STATE.json FD RECORD IDLE_SECONDS COMMAND...``
writes RECORD (JSON) and its own process id to the state file, which FD holds open and locked: the
lock lasts as long as the supervisor. It runs the command in its own process group. The server ends
when the supervisor gets SIGTERM or dies, when no run has held the lock of the ``.users`` file
beside the state for the idle time, or when the state file is removed.
"""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from sysgen_dagster.inference.local.deaths import exit_status

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(
    state: Path,
    held: IO[str],
    record: dict[str, object],
    idle_s: float,
    command: list[str],
    *,
    grace_s: float = 30.0,
    group_grace_s: float = 5.0,
    look_every_s: float = 0.5,
) -> int:
    """The server's exit status, or 0 when it was ended by SIGTERM or for want of use.

    As in shells, that of a server which a signal ended is 128 and the number of the signal.

    Args:
        state: The state file.
        held: The same file, open and locked.
        record: What is written to it, besides the process id.
        idle_s: How long the server runs without being used.
        command: Starts the server.
        grace_s: How long it may take to end before it is killed.
        group_grace_s: The same for processes that it has started and left behind.
        look_every_s: Pause between two looks at the server and its users.
    """
    signal.signal(signal.SIGTERM, _exit)
    json.dump(record | {"pid": os.getpid()}, held)
    held.flush()
    with state.with_suffix(".users").open("a") as users:
        server = subprocess.Popen(command, preexec_fn=_end_with_parent)
        try:
            idle_since = time.monotonic()
            while server.poll() is None and _is_ours(state, held):
                if _is_used(users):
                    idle_since = time.monotonic()
                elif time.monotonic() - idle_since > idle_s:
                    return 0  # the lock is kept: no run can begin to use a server that ends
                else:
                    fcntl.flock(users, fcntl.LOCK_UN)
                time.sleep(look_every_s)
            return exit_status(server.returncode or 0)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(grace_s)
            server.kill()
            server.wait()
            _end_group(group_grace_s)
            # Processes that wait for the end look for this file.
            if _is_ours(state, held):
                state.unlink()


def _exit(*_: object) -> None:
    """At SIGTERM; a second one must not cut the end of the server short."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def _is_ours(state: Path, held: IO[str]) -> bool:
    """Whether the state file is there; a file of its name may be that of another supervisor."""
    return state.is_file() and os.path.samestat(state.stat(), os.fstat(held.fileno()))


def _is_used(users: IO[str]) -> bool:
    """Whether a run holds the lock of the users' file; if none does, this process holds it now."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _end_group(grace_s: float) -> None:
    """End the processes that the server has left behind in the supervisor's process group.

    The engine of a vLLM that was killed runs on and keeps the GPU
    (https://github.com/vllm-project/vllm/issues/55510).
    """
    deadline = time.monotonic() + grace_s
    while left := _other_processes_of_group():
        sent = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, sent)
        time.sleep(0.1)


def _other_processes_of_group() -> list[int]:
    """The living ones; none where /proc is missing, or the group is not led by this process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, group, *_ = stat.read_text().rpartition(")")[2].split()
            if int(group) == os.getpid() and state not in "ZX":
                found.append(int(stat.parent.name))
    return [pid for pid in found if pid != os.getpid()]


def _end_with_parent() -> None:
    """In the server, before it starts: Linux ends it when the supervisor is killed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    _state, _fd, _record, _idle, *_command = sys.argv[1:]
    # Not closed before the process ends: an error is in the log before the lock is released.
    _held = os.fdopen(int(_fd), "w")
    sys.exit(main(Path(_state), _held, json.loads(_record), float(_idle), _command))
