"""Keeps one process running, a server or a training, until no run has used it for a while.

``python -m sysgen_dagster.processes.supervisor STATE.json FD RECORD ENDING COMMAND...`` writes
RECORD (JSON) and its own process id to the state file, which FD holds open and locked: the lock
lasts as long as the supervisor. It runs the command in its own process group. The process ends when
the supervisor gets SIGTERM or dies, when no run has held the lock of the ``.users`` file beside the
state for the idle time, or when the state file is removed: as ENDING says, an `Ending` as JSON.
"""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BY_SIGNAL = 128  # as shells say it: 128 and the number of the signal
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_ENDS = {signal.SIGTERM}


@dataclass(frozen=True, slots=True)
class Ending:
    """When a process is ended, and how.

    Attributes:
        idle_s: How long it runs without being used.
        grace_s: How long it may take to end before it is killed.
        group_grace_s: The same for processes that it has started and left behind.
        spares_launcher: Whether SIGTERM goes to the processes that the command itself has started,
            and not to the command. A launcher of one process a GPU kills them half a minute after
            its own SIGTERM, which is too soon for those that write a checkpoint.
        keeps_state: Whether the command holds the lock of the state file, too: where the supervisor
            is killed, the file says that the process runs until it has ended, and so nothing else
            is started in its place.
        look_every_s: Pause between two looks at the process and its users.
    """

    idle_s: float
    grace_s: float = 30.0
    group_grace_s: float = 5.0
    spares_launcher: bool = False
    keeps_state: bool = False
    look_every_s: float = 0.5


def main(
    state: Path, held: IO[str], record: dict[str, object], ending: Ending, command: list[str]
) -> int:
    """The process's exit status, or 0 when it was ended by SIGTERM or for want of use.

    As in shells, that of a process which a signal ended is 128 and the number of the signal.

    Args:
        state: The state file.
        held: The same file, open and locked.
        record: What is written to it, besides the process id.
        ending: When the process is ended, and how.
        command: Starts the process.
    """
    signal.signal(signal.SIGTERM, _exit)
    json.dump(record | {"pid": os.getpid()}, held)
    held.flush()
    with state.with_suffix(".users").open("a") as users:
        kept = [held.fileno()] if ending.keeps_state else []
        # A SIGTERM that comes while the process begins waits, or nobody would end what has begun.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
        server = subprocess.Popen(command, preexec_fn=end_with(os.getpid()), pass_fds=kept)
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
            idle_since = time.monotonic()
            while server.poll() is None and _is_ours(state, held):
                if _is_used(users):
                    idle_since = time.monotonic()
                elif time.monotonic() - idle_since > ending.idle_s:
                    return 0  # the lock is kept: no run can begin to use a server that ends
                else:
                    fcntl.flock(users, fcntl.LOCK_UN)
                time.sleep(ending.look_every_s)
            return exit_status(server.returncode or 0)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            _end(server, ending)
            _end_group(ending.group_grace_s)
            # Processes that wait for the end look for this file.
            if _is_ours(state, held):
                state.unlink()


def exit_status(returncode: int) -> int:
    """What a process exits with to say how its child ended, by what `subprocess` says of that."""
    return returncode if returncode >= 0 else BY_SIGNAL - returncode


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


def _end(server: subprocess.Popen[bytes], ending: Ending) -> None:
    """End the command itself, or what it has started, and kill it where that takes too long."""
    # What it is about to start does not take SIGTERM yet: it is sent again.
    deadline = time.monotonic() + ending.grace_s
    while ending.spares_launcher and server.poll() is None and time.monotonic() < deadline:
        for pid in _processes(lambda parent, _: parent == server.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        time.sleep(ending.look_every_s)
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(max(0.0, deadline - time.monotonic()))
    server.kill()
    server.wait()


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
    return [pid for pid in _processes(lambda _, group: group == os.getpid()) if pid != os.getpid()]


def _processes(wanted: Callable[[int, int], bool]) -> list[int]:
    """The living ones whose parent and group are wanted; none where /proc is missing."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent, group, *_ = stat.read_text().rpartition(")")[2].split()
            if wanted(int(parent), int(group)) and state not in "ZX":
                found.append(int(stat.parent.name))
    return found


def end_with(parent: int) -> Callable[[], None]:
    """What a process does before its command starts, so that it ends when its parent is killed.

    Linux tells it of the parent's end, but not of one that came before it asked to be told.
    """

    def ask() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)

    return ask


if __name__ == "__main__":
    _state, _fd, _record, _ending, *_command = sys.argv[1:]
    # Not closed before the process ends: an error is in the log before the lock is released.
    _held = os.fdopen(int(_fd), "w")
    _when = Ending(**json.loads(_ending))
    sys.exit(main(Path(_state), _held, json.loads(_record), _when, _command))
