"""Model servers on this machine whose life is not bound to a run.

The first run that needs a server starts it in a process group of its own; later runs, also at the
same time, find it through its state file and share it. It ends when nobody has used it for a while.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LOOK_EVERY_S = 0.2
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TELL_EVERY_S = 15.0
_END_WITHIN_S = 35.0
# They outlive this process on purpose; Python would warn of a child that is still running.
_STARTED: list[subprocess.Popen[bytes]] = []


class ServerError(RuntimeError):
    """A server did not start; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Server:
    """How to start a server: its command line ends in the port we choose."""

    name: str
    command: Sequence[str]  # without the port
    ready_within_s: float
    idle_s: float
    device: str | None = None  # servers on one device replace each other
    environment: Mapping[str, str] = field(default_factory=dict)


def find_or_start(server: Server, folder: Path, report: Callable[[str], None]) -> str:
    """The base URL of a server that answers, such as ``http://127.0.0.1:40123/v1``.

    Args:
        server: What to start if it does not run yet.
        folder: Where the state files and logs of all servers of this deployment are.
        report: Takes a line of progress while the server loads.

    Raises:
        ServerError: It ended or did not answer in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "servers.lock"):
        state = _read_state(folder, server.name)
        if state is not None:
            # A busy server may be slow to say that it is well; others may be using it.
            is_well = any(_answers(state["port"]) for _ in range(3))
            if state["command"] == list(server.command) and is_well:
                renew_lease(folder, server.name)
                return _base_url(state["port"])
            stop(folder, server.name)
        for other in _on_device(folder, server.device):
            report(f"ending {other}, which holds {server.device}")
            stop(folder, other)
        return _start(server, folder, report)


def renew_lease(folder: Path, name: str) -> None:
    """Say that the server is in use; it ends when nobody has said so for its idle time."""
    (folder / f"{name}.lease").touch()


def stop(folder: Path, name: str) -> None:
    """End a server and wait until it is gone; nothing happens where none runs."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        state = _read_state(folder, name)
        if state is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(state["pid"], sent)
        give_up = time.monotonic() + _END_WITHIN_S
        while _read_state(folder, name) is not None and time.monotonic() < give_up:
            time.sleep(_LOOK_EVERY_S)


def running(folder: Path) -> list[str]:
    """Names of the servers that run."""
    names = sorted(path.stem for path in folder.glob("*.json"))
    return [name for name in names if _read_state(folder, name) is not None]


def _start(server: Server, folder: Path, report: Callable[[str], None]) -> str:
    port, log = _free_port(), folder / f"{server.name}.log"
    record = {"port": port, "command": list(server.command), "device": server.device}
    renew_lease(folder, server.name)
    state = folder / f"{server.name}.json"
    supervise = [sys.executable, "-m", "sysgen_dagster.inference.supervisor", str(state)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*supervise, json.dumps(record), str(server.idle_s), *server.command, str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **server.environment},
        )
    _STARTED.append(process)
    report(f"starting {server.name}: {' '.join(server.command)} {port} (log: {log})")
    started = told = time.monotonic()
    while not _answers(port):
        now = time.monotonic()
        if process.poll() is not None or now - started > server.ready_within_s:
            stop(folder, server.name)
            raise ServerError(
                f"{server.name} did not start, {now - started:.0f} s. The end of {log}:\n"
                + log.read_text(errors="replace")[-2000:]
            )
        if now - told > _TELL_EVERY_S:
            told = now
            report(f"{server.name} is loading, {now - started:.0f} s so far")
        renew_lease(folder, server.name)
        time.sleep(_LOOK_EVERY_S)
    report(f"{server.name} answers after {time.monotonic() - started:.1f} s")
    return _base_url(port)


def _base_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


def _answers(port: int) -> bool:
    try:
        with _DIRECTLY.open(f"http://127.0.0.1:{port}/health", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _read_state(folder: Path, name: str) -> dict[str, Any] | None:
    """What the supervisor wrote; None when no supervisor lives (it holds a lock while it does)."""
    path = folder / f"{name}.json"
    while True:
        try:
            with path.open() as state:
                fcntl.flock(state, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return None
        except BlockingIOError:  # alive
            with suppress(FileNotFoundError):
                written = path.read_text()
                if written.endswith("}"):
                    record: dict[str, Any] = json.loads(written)
                    return record
        else:  # left behind; a new supervisor writes over it
            return None
        time.sleep(_LOOK_EVERY_S)


def _on_device(folder: Path, device: str | None) -> list[str]:
    if device is None:
        return []
    states = ((name, _read_state(folder, name)) for name in running(folder))
    return [name for name, state in states if state is not None and state["device"] == device]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(folders: Sequence[str]) -> None:
    """End every server of the deployments whose ``engines`` folders are named."""
    for folder in map(Path, folders):
        names = running(folder)
        for name in names:
            stop(folder, name)
        print(f"{folder}: ended {', '.join(names) or 'nothing, none was running'}")


if __name__ == "__main__":
    main(sys.argv[1:])
