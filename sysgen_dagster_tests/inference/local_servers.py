"""Servers on this machine that start fast, and their use without long waits."""

import fcntl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sysgen_dagster.inference.local.servers import LocalServer, ServerUse

HEALTHY = Path(__file__).with_name("healthy_server.py")
# No test waits for these times: they end one that hangs.
READY_WITHIN_S, IDLE_S = 120.0, 600.0


def healthy(
    name: str = "a",
    *options: str,
    idle_s: float = IDLE_S,
    ready_within_s: float = READY_WITHIN_S,
    **fields: Any,
) -> LocalServer:
    """A server of the model `phi` that says yes; `healthy_server.py` has the options."""
    command = [sys.executable, str(HEALTHY), *options]
    return LocalServer(name, command, ready_within_s, idle_s, **fields)


def on_gpu(name: str, *options: str) -> LocalServer:
    """A healthy server on the first GPU."""
    return healthy(name, *options, devices=("gpu0",))


def quick_use(
    server: LocalServer, folder: Path, report: Callable[[str], None], **waits: float
) -> ServerUse:
    """The use of a server that looks often, reports soon, and is patient with health checks."""
    short: dict[str, Any] = {"look_every_s": 0.02, "first_report_s": 0.1, "health_s": 60.0}
    return ServerUse(server, folder, report, **short | waits)


@contextmanager
def in_use(
    server: LocalServer, folder: Path, report: Callable[[str], None] = print, **waits: float
) -> Iterator[str]:
    """The URL of a server that answers, and is used until the context ends."""
    use = quick_use(server, folder, report, **waits)
    try:
        use.claim()
        yield use.start()
    finally:
        use.release()


def is_in_use(folder: Path, name: str) -> bool:
    """Whether a server in this folder is used by a run."""
    with (folder / f"{name}.users").open("a+") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
