"""What every process of one's own costs, seen from outside by looking at ``/proc``. Linux."""

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LOOK_S = 0.1
_SETTLED_S = 2.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Process:
    """What was last seen of one process; times are seconds of Unix time."""

    pid: int
    command: str
    first_seen: float
    last_seen: float = 0.0
    cpu_s: float = 0.0
    children_cpu_s: float = 0.0  # of those that have ended
    peak_mb: float = 0.0


class Watch:
    """Every process that has `marker` in its environment, looked at until it is told to stop."""

    def __init__(self, marker: str) -> None:
        """`marker` is such as ``NAME=value``."""
        self.ended: list[Process] = []
        self._watched: dict[int, Process] = {}
        self._others = {os.getpid()}
        self._marker = marker.encode()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> "Watch":
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; what still runs counts as ended."""
        self._stop.set()
        self._thread.join()
        self._forget(set(self._watched))

    def _look_on(self) -> None:
        while not self._stop.wait(_LOOK_S):
            there = {int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()}
            self._others &= there  # numbers are given again
            self._forget(self._watched.keys() - there)
            for pid in there - self._others:
                # It may have ended since the folder was listed.
                with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                    self._look_at(pid, Path(f"/proc/{pid}"))

    def _forget(self, pids: set[int]) -> None:
        self.ended += [self._watched.pop(pid) for pid in pids]

    def _look_at(self, pid: int, place: Path) -> None:
        now = time.time()
        seen = self._watched.get(pid)
        if seen is None:
            if self._marker not in (place / "environ").read_bytes():
                self._others.add(pid)
                return
            seen = self._watched[pid] = Process(pid, "", now)
        if now - seen.first_seen < _SETTLED_S:  # first it has the command line of its parent
            command = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            seen.command = command or seen.command
        times = cpu_times(pid)
        peak = (place / "status").read_text().partition("VmHWM:")[2].split()
        if peak:  # one that has ended and waits to be collected has none
            seen.peak_mb = max(seen.peak_mb, int(peak[0]) / 1024)
        seen.last_seen = now
        seen.cpu_s, seen.children_cpu_s = sum(times[:2]), sum(times[2:])


def cpu_times(pid: int) -> list[float]:
    """CPU seconds of a process: its own, user and system, then those of its ended children."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [int(ticks) / _TICKS for ticks in stat[11:15]]
