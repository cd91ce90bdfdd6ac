"""Keeps one model server running until nobody has used it for a while.

``python -m sysgen_dagster.inference.supervisor STATE.json RECORD IDLE_SECONDS COMMAND...`` writes
RECORD (JSON) and its own process id to the state file, holds a lock on it for as long as it lives,
and runs the command in its own process group. The server ends when the supervisor is told to, when
nobody has held the lock of the users' file beside the state for the idle time, or when the
supervisor dies.
"""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOOK_EVERY_S = 0.5
_GRACE_S = 30.0


def main(state: Path, record: dict[str, object], idle_s: float, command: list[str]) -> int:
    """The server's exit status, or 0 when it was ended by request or for idleness."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with state.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        json.dump(record | {"pid": os.getpid()}, held)
        held.flush()
        server = subprocess.Popen(command, preexec_fn=_end_with_parent)
        try:
            return _watch(server, state.with_suffix(".users"), idle_s)
        finally:
            _end(server)
            # Whoever waits for the end looks for this file; one of a later server is not ours.
            if state.is_file() and state.samefile(f"/dev/fd/{held.fileno()}"):
                state.unlink()


def _watch(server: subprocess.Popen[bytes], users: Path, idle_s: float) -> int:
    last_used = time.monotonic()
    while server.poll() is None:
        with users.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                last_used = time.monotonic()
            else:
                if time.monotonic() - last_used > idle_s:
                    _end(server)  # the lock is ours: nobody can begin to use it meanwhile
                    return 0
        time.sleep(_LOOK_EVERY_S)
    return server.returncode


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _end_with_parent() -> None:
    """In the server, before it starts: Linux ends it when the supervisor is killed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    _state, _record, _idle, *_command = sys.argv[1:]
    sys.exit(main(Path(_state), json.loads(_record), float(_idle), _command))
