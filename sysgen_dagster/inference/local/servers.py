"""Model servers on this machine whose life is not bound to a run.

The first run that needs a server starts it in a process group of its own; later runs, also at the
same time, find it through its state file and share it. A run that uses one holds a lock, which the
operating system lets go when the run ends in whatever way. A server ends when nobody has used it
for a while, or when another is needed on its device and nobody uses it.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import IO

from sysgen_dagster.errors import SysgenError
from sysgen_dagster.inference.local.state import read_state, ready, running, was_ready

_LOOK_EVERY_S = 0.2
_ANSWERS_WITHIN_S = 5.0
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_FIRST_TELL_S, _TELL_EVERY_S = 2.0, 15.0
_END_WITHIN_S = 45.0  # the supervisor gives 30 s and then 5
# They outlive this process on purpose; Python would warn of a child that is still running.
_STARTED: list[subprocess.Popen[bytes]] = []

Report = Callable[[str], None]


class ServerError(SysgenError):
    """A server did not start; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """How to start a server: its command line ends in the port we choose."""

    name: str
    command: Sequence[str]  # without the port
    ready_within_s: float
    idle_s: float
    device: str | None = None  # servers on one device replace each other
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiter:
    """Whoever waits for a server.

    Attributes:
        report: Takes a line of progress while something is waited for.
        gives_up: Set from another thread, ends the wait with a `ServerError`.
    """

    report: Report
    gives_up: threading.Event = field(default_factory=threading.Event)

    def pause(self) -> None:
        """A moment until the next look."""
        if self.gives_up.wait(_LOOK_EVERY_S):
            raise ServerError("nobody waits for it any more")


@contextmanager
def in_use(server: LocalServer, folder: Path, report: Report) -> Iterator[str]:
    """The base URL of a server that answers, such as ``http://127.0.0.1:40123/v1``.

    Until the end of the context the server is neither idle nor replaced.

    Args:
        server: What to start if it does not run yet.
        folder: Where the state files and logs of all servers of this deployment are.
        report: Takes a line of progress while something is waited for.

    Raises:
        ServerError: It ended or did not answer in time.
    """
    with claimed(server, folder, Waiter(report)) as start:
        yield start()


@contextmanager
def claimed(server: LocalServer, folder: Path, waiter: Waiter) -> Iterator[Callable[[], str]]:
    """The first half of `in_use`: the device is free for the server, which is then started by call.

    Who needs several devices claims all of them, in an order that everybody keeps, before starting
    anything: two models that had one device each would wait for each other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _users(folder, server.name) as users, _turn(folder, server).open("a") as turn:
        # One run at a time looks and starts; the others find what it started.
        waits = "another run is starting a server or waits for one to be free"
        _lock(turn, fcntl.LOCK_EX, waiter, f"{server.name}: {waits}")
        for other in _in_the_way(folder, server):
            _end_when_unused(folder, other, server, waiter)
        _lock(users, fcntl.LOCK_SH, waiter, f"{server.name} is ending, nobody used it")

        def start() -> str:
            try:
                port = _find(server, folder, waiter) or _start(server, folder, waiter)
            finally:
                fcntl.flock(turn, fcntl.LOCK_UN)
            return f"http://127.0.0.1:{port}/v1"

        yield start


def stop(folder: Path, name: str) -> None:
    """End a server and wait until it is gone; nothing happens where none runs."""
    # First the supervisor alone: told all at once, vLLM's engine ends before its answers are given.
    for end, sent in ((os.kill, signal.SIGTERM), (os.killpg, signal.SIGKILL)):
        state = read_state(folder, name)
        if state is None:
            return
        with suppress(ProcessLookupError):
            end(state["pid"], sent)
        give_up = time.monotonic() + _END_WITHIN_S
        while read_state(folder, name) is not None and time.monotonic() < give_up:
            time.sleep(_LOOK_EVERY_S)


def _users(folder: Path, name: str) -> IO[str]:
    """Locked by the runs that use a server; readable, because NFS asks that of a shared lock."""
    return (folder / f"{name}.users").open("a+")


def _turn(folder: Path, server: LocalServer) -> Path:
    return folder / f"{server.device or server.name}.lock"


def _find(server: LocalServer, folder: Path, waiter: Waiter) -> int | None:
    """The port of the server if it runs, waited for while it loads; one that is ill is ended."""
    state = read_state(folder, server.name)
    if state is None:
        return None
    port: int = state["port"]
    # A busy server may be slow to say that it is well.
    if any(_answers(port) for _ in range(3)):
        return port
    # The run that started it may have been killed while it was loading.
    if not was_ready(folder, server.name, state) and _is_ready(server, folder, port, waiter):
        return port
    waiter.report(f"{server.name} runs but does not answer: ending it")
    stop(folder, server.name)
    return None


def _start(server: LocalServer, folder: Path, waiter: Waiter) -> int:
    port, log = _free_port(), folder / f"{server.name}.log"
    record = {"port": port, "command": list(server.command), "device": server.device}
    if log.is_file():  # why it died may stand there
        log.replace(log.with_suffix(".previous.log"))
    with (folder / f"{server.name}.json").open("w") as state, log.open("wb") as output:
        # Before the supervisor is there: if this run is killed now, the next one waits for it.
        fcntl.flock(state, fcntl.LOCK_EX)
        supervise = [sys.executable, "-m", "sysgen_dagster.inference.local.supervisor", state.name]
        supervise += [str(state.fileno()), json.dumps(record), str(server.idle_s)]
        process = subprocess.Popen(
            [*supervise, *server.command, str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[state.fileno()],
            env={**os.environ, **server.environment},
        )
    _STARTED.append(process)
    waiter.report(f"starting {server.name}: {' '.join(server.command)} {port} (log: {log})")
    if _is_ready(server, folder, port, waiter, process):
        return port
    stop(folder, server.name)
    raise ServerError(
        f"{server.name} did not start. The end of {log}:\n"
        + log.read_text(errors="replace")[-2000:]
    )


def _is_ready(
    server: LocalServer,
    folder: Path,
    port: int,
    waiter: Waiter,
    process: subprocess.Popen[bytes] | None = None,
) -> bool:
    """Waits until the server answers; False when it has ended, or takes too long."""
    started = told = time.monotonic()
    while not _answers(port):
        now = time.monotonic()
        ended = process.poll() is not None if process else not read_state(folder, server.name)
        if ended or now - started > server.ready_within_s:
            waiter.report(
                f"{server.name} {'ended' if ended else 'is not ready'}, {now - started:.0f} s"
            )
            return False
        if now - told > _TELL_EVERY_S:
            told = now
            waiter.report(f"{server.name} is loading, {now - started:.0f} s so far")
        waiter.pause()
    waiter.report(f"{server.name} answers after {time.monotonic() - started:.1f} s")
    state = read_state(folder, server.name)
    if state is not None:
        ready(folder, server.name).write_text(str(state["pid"]))
    return True


def _end_when_unused(folder: Path, name: str, instead: LocalServer, waiter: Waiter) -> None:
    with _users(folder, name) as users:
        busy = f"{name} is in use and stands where {instead.name} is to run"
        _lock(users, fcntl.LOCK_EX, waiter, busy)
        waiter.report(
            f"ending {name}, which is not in use and stands where {instead.name} is to run"
        )
        stop(folder, name)


def _lock(file: IO[str], kind: int, waiter: Waiter, waiting_for: str) -> None:
    """Holds the lock of an open file; says now and then why it takes long."""
    started = told = time.monotonic()
    while True:
        try:
            return fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            now = time.monotonic()
        if now - told > (_TELL_EVERY_S if told > started else _FIRST_TELL_S):
            told = now
            waiter.report(f"waiting: {waiting_for} ({now - started:.0f} s so far)")
        waiter.pause()


def _answers(port: int) -> bool:
    try:
        url = f"http://127.0.0.1:{port}/health"
        with _DIRECTLY.open(url, timeout=_ANSWERS_WITHIN_S) as response:
            return bool(response.status == 200)
    except (OSError, HTTPException):
        return False


def _in_the_way(folder: Path, server: LocalServer) -> list[str]:
    """Other servers on its device, and one of its name that was started in another way."""
    states = ((name, read_state(folder, name)) for name in running(folder))
    return [
        name
        for name, state in states
        if state is not None
        and (
            state["command"] != list(server.command)
            if name == server.name
            else server.device is not None and state["device"] == server.device
        )
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main(folders: Sequence[str]) -> None:
    """End every server of the deployments whose ``engines`` folders are named."""
    for folder in map(Path, folders):
        names = running(folder)
        for name in names:
            stop(folder, name)
        print(f"{folder}: ended {', '.join(names) or 'nothing, none was running'}")


if __name__ == "__main__":
    main(sys.argv[1:])
