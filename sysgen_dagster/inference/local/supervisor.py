"""Keeps one model server running until nobody has used it for a while.

``python -m sysgen_dagster.inference.local.supervisor STATE.json FD RECORD IDLE_SECONDS COMMAND...``
writes RECORD (JSON) and its own process id to the state file, which FD holds open and locked: the
lock lasts as long as the supervisor. It runs the command in its own process group. The server ends
when the supervisor is told to, when nobody has held the lock of the users' file beside the state
for the idle time, when the state file is not there any more, or when the supervisor dies.
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

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOOK_EVERY_S = 0.5
_GRACE_S = 30.0
_LEFT_BEHIND_GRACE_S = 5.0


def main(
    state: Path, held: IO[str], record: dict[str, object], idle_s: float, command: list[str]
) -> int:
    """The server's exit status, or 0 when it was ended by request or for idleness."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    json.dump(record | {"pid": os.getpid()}, held)
    held.flush()
    server = subprocess.Popen(command, preexec_fn=_end_with_parent)
    try:
        return _watch(server, state, held, idle_s)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # told twice must not cut the end short
        _end(server)
        _end_left_behind()
        # Whoever waits for the end looks for this file.
        if _is_ours(state, held):
            state.unlink()


def _is_ours(state: Path, held: IO[str]) -> bool:
    """Not where the folder was removed; another server may have its name by now."""
    return state.is_file() and os.path.samestat(state.stat(), os.fstat(held.fileno()))


def _watch(server: subprocess.Popen[bytes], state: Path, held: IO[str], idle_s: float) -> int:
    last_used = time.monotonic()
    while server.poll() is None and _is_ours(state, held):
        with state.with_suffix(".users").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                last_used = time.monotonic()
            else:
                if time.monotonic() - last_used > idle_s:
                    _end(server)  # the lock is ours: nobody can begin to use it meanwhile
                    return 0
        time.sleep(_LOOK_EVERY_S)
    return server.returncode or 0


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _end_left_behind() -> None:
    """What the server started and did not end: the engine of a killed vLLM lives on, with the GPU.

    (https://github.com/vllm-project/vllm/issues/55510)
    """
    give_up = time.monotonic() + _LEFT_BEHIND_GRACE_S
    while left := _left_behind():
        sent = signal.SIGTERM if time.monotonic() < give_up else signal.SIGKILL
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, sent)
        time.sleep(_LOOK_EVERY_S)


def _left_behind() -> list[int]:
    """The living processes of our process group besides us, where it is our own and on Linux."""
    left = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, group, *_ = stat.read_text().rpartition(")")[2].split()
            if int(group) == os.getpid() and state not in "ZX":
                left.append(int(stat.parent.name))
    return [pid for pid in left if pid != os.getpid()]


def _end_with_parent() -> None:
    """In the server, before it starts: Linux ends it when the supervisor is killed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    _state, _fd, _record, _idle, *_command = sys.argv[1:]
    with os.fdopen(int(_fd), "w") as _held:
        sys.exit(main(Path(_state), _held, json.loads(_record), float(_idle), _command))
