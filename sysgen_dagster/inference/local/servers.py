"""Model servers on this machine, which outlive the run that starts them.

The first run that needs a server starts it in a process group of its own; later runs, also at the
same time, find it through its state file and share it. A run that uses a server holds a lock, which
the operating system releases when the run ends in whatever way. A server ends when no run has used
it for a while, or when another one is needed on its device and no run uses it.
"""

import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

from sysgen_dagster.inference.local.deaths import (
    ServerError,
    ServerKilledError,
    explain_death,
)
from sysgen_dagster.inference.local.environment import environment_of_servers
from sysgen_dagster.inference.local.records import devices_of, ready, was_ready
from sysgen_dagster.processes import supervised
from sysgen_dagster.processes.state import read_state, running
from sysgen_dagster.processes.supervisor import Ending

IDLE_S = 1800.0  # how long a model stays loaded without being used
READY_WITHIN_S = 3600.0  # its weights may have to be downloaded
_END_WITHIN_S = 45.0  # the supervisor gives a server 30 s and then 5 s to end
_HEALTH_CHECKS = 3  # a busy server may be slow to answer one


@dataclass(frozen=True, slots=True)
class LocalServer:
    """How to start a server.

    Attributes:
        command: Its command line, without the port, which follows as the last argument.
        ready_within_s: How long it may load.
        idle_s: How long it runs without being used.
        devices: Servers on one device replace each other; none: it needs none for itself.
        environment: Added to what it gets of the environment of this process.
        starts_with: How many requests are in flight on it before its capacity is known.
        downloads: Whether it fetches weights from the Hub.
        says_killed: A pattern of what its log holds when one of its own processes was killed.
    """

    name: str
    command: Sequence[str]
    ready_within_s: float
    idle_s: float
    devices: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    starts_with: int = 256
    downloads: bool = False
    says_killed: str = ""

    @property
    def locks(self) -> tuple[str, ...]:
        """What a run holds while it starts this server: its devices, or else its name."""
        return tuple(self.devices) or (self.name,)


@dataclass(slots=True)
class ServerUse:
    """The use of a server by one run: `claim_together`, then `start`, then `release`.

    Attributes:
        folder: Where the state files and logs of all servers of the deployment are.
        report: Takes a line of progress while the run waits.
        url: Where the server answers, such as ``http://127.0.0.1:40123/v1``; empty before `start`.
        look_every_s: Pause between two looks while the run waits.
        health_s: How long the server may take to answer a health check.
        first_report_s: How long the run waits for a lock before it reports that.
        report_every_s: Time between two reports of the same.
        restarts: How often a server that is killed while it loads is started again.
        cancelled: Set from another thread, ends the waiting with a `ServerError`.
    """

    server: LocalServer
    folder: Path
    report: Callable[[str], None]
    url: str = ""
    look_every_s: float = 0.2
    health_s: float = 5.0
    first_report_s: float = 2.0
    report_every_s: float = 15.0
    restarts: int = 0
    cancelled: threading.Event = field(default_factory=threading.Event)
    _locks: ExitStack = field(default_factory=ExitStack)
    _turns: ExitStack = field(default_factory=ExitStack)

    def claim(self) -> None:
        """Wait until all devices are free for the server, and let no other server have them."""
        claim_together([self])

    def wait_for_turn(self, lock: str) -> None:
        """One run at a time looks for a server on a device and starts it; others find it then."""
        self.folder.mkdir(parents=True, exist_ok=True)
        turn = self._turns.enter_context((self.folder / f"{lock}.lock").open("a+"))
        reason = "another run is starting a server or waits for one to be free"
        self._lock(turn, fcntl.LOCK_EX, f"{self.server.name}: {reason}")

    def make_room(self) -> None:
        """End the servers in the way as soon as no run uses them; use this one from now on."""
        name = self.server.name
        for other in filter(self._is_in_the_way, running(self.folder)):
            with (self.folder / f"{other}.users").open("a+") as its_users:
                self._lock(
                    its_users, fcntl.LOCK_EX, f"{other} is in use and must end before {name}"
                )
                self.report(f"ending {other}, which is not in use, to start {name}")
                stop(self.folder, other)
        # Readable, because NFS asks that of a shared lock.
        users = self._locks.enter_context((self.folder / f"{name}.users").open("a+"))
        self._lock(users, fcntl.LOCK_SH, f"{name} is ending, since no run used it")

    def start(self) -> str:
        """The URL of the claimed server, which is started unless it runs already.

        Until `release` the server is neither idle nor replaced.

        Raises:
            ServerError: It ended by itself, did not answer in time, or was killed too often.
        """
        with self._turns:
            port = self._find() or self._start_until_it_loads()
        self.url = f"http://127.0.0.1:{port}/v1"
        return self.url

    def release(self) -> None:
        """End the use; the server itself runs on."""
        self._turns.close()
        self._locks.close()

    def _lock(self, file: IO[str], kind: int, reason: str) -> None:
        for _ in self._looks(f"waiting: {reason}", self.first_report_s):
            with suppress(BlockingIOError):
                fcntl.flock(file, kind | fcntl.LOCK_NB)
                return

    def _looks(self, waiting_for: str, first_report_s: float) -> Iterator[float]:
        """The seconds waited so far, at each look for what is waited for."""
        began, report_at = time.monotonic(), first_report_s
        while True:
            waited = time.monotonic() - began
            if waited > report_at:
                report_at = waited + self.report_every_s
                self.report(f"{waiting_for} ({waited:.0f} s so far)")
            yield waited
            if self.cancelled.wait(self.look_every_s):
                raise ServerError(f"the run that waited for {self.server.name} was ended")

    def _is_in_the_way(self, name: str) -> bool:
        """Whether a server holds a device, or has the same name and another command line."""
        state = read_state(self.folder, name)
        if state is None:
            return False
        if name == self.server.name:
            return bool(state["command"] != list(self.server.command))
        return bool({*self.server.devices} & {*devices_of(state)})

    def _find(self) -> int | None:
        """The port of the server if it runs; one that loads is waited for, a silent one ended."""
        name = self.server.name
        state = read_state(self.folder, name)
        if state is None:
            return None
        port: int = state["port"]
        if any(self._answers(port) for _ in range(_HEALTH_CHECKS)):
            return port
        # The run that started it may have been killed while it was loading.
        if not was_ready(self.folder, name, state) and self._is_ready(port):
            return port
        if read_state(self.folder, name) is not None:
            self.report(f"{name} runs but does not answer: ending it")
            stop(self.folder, name)
        return None

    def _start_until_it_loads(self) -> int:
        """The port of the server; one that was killed while it loaded is started again."""
        for left in reversed(range(self.restarts + 1)):
            try:
                return self._start()
            except ServerKilledError:
                if not left:
                    raise
                self.report(
                    f"{self.server.name} was killed while it was loading: starting it again, "
                    f"{left} times at most"
                )
        raise AssertionError("the last start returns or raises")

    def _start(self) -> int:
        server, port = self.server, _free_port()
        log = self.folder / f"{server.name}.log"
        if log.is_file():  # it may say why the last server died
            log.replace(log.with_suffix(".previous.log"))
        record = {"port": port, "command": list(server.command), "devices": server.devices}
        supervisor = supervised.start(
            self.folder,
            server.name,
            [*server.command, str(port)],
            record,
            log=log,
            ending=Ending(server.idle_s),
            environment={
                **environment_of_servers(os.environ, server.downloads),
                **server.environment,
            },
        )
        command = " ".join(server.command)
        self.report(f"starting {server.name}: {command} {port} (log: {log})")
        if self._is_ready(port):
            return port
        stop(self.folder, server.name)
        raise explain_death(server.name, supervisor.wait(), log, server.says_killed)

    def _is_ready(self, port: int) -> bool:
        """Waits until the server answers; False when it has ended, or takes too long."""
        name = self.server.name
        for waited in self._looks(f"{name} is loading", self.report_every_s):
            is_ready, state = self._answers(port), read_state(self.folder, name)
            if is_ready or state is None or waited > self.server.ready_within_s:
                break
        if is_ready and state is not None:
            ready(self.folder, name).write_text(str(state["pid"]))
        what = "answers" if is_ready else "is not ready" if state else "ended"
        self.report(f"{name} {what} after {waited:.1f} s")
        return is_ready

    def _answers(self, port: int) -> bool:
        with (
            suppress(OSError, HTTPException),
            closing(HTTPConnection("127.0.0.1", port, timeout=self.health_s)) as connection,
        ):
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        return False


def claim_together(uses: Sequence[ServerUse]) -> None:
    """Claim the devices of several servers for one run, which starts none before it has them all.

    Every run takes its turns in the order of the names of the devices: two runs that each had one
    of two devices would wait for each other. Only then does it wait for servers that are in use; a
    run that uses one waits at most to start another one again that died, and works on meanwhile.
    """
    turns = sorted((lock, number) for number, use in enumerate(uses) for lock in use.server.locks)
    for lock, number in turns:
        uses[number].wait_for_turn(lock)
    for use in uses:
        use.make_room()


def stop(folder: Path, name: str, within_s: float = _END_WITHIN_S) -> None:
    """End a server and return when it is gone; nothing happens where none runs.

    Raises:
        ServerError: It is another user's.
    """
    try:
        supervised.stop(folder, name, within_s)
    except PermissionError as error:
        raise ServerError(f"{error}: `sysgen engines --stop`") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
