"""Processes that a test starts, seen through /proc, and waiting for what they do."""

import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "SYSGEN_TEST_PROCESS"
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Descendants:
    """The living processes that inherited a mark in their environment."""

    mark: str

    def __call__(self, pattern: str = "") -> list[int]:
        """Process ids of those whose command line has the pattern."""
        lines = {pid: line for pid in _all_pids() if (line := self._command_line(pid))}
        return sorted(pid for pid, line in lines.items() if re.search(pattern, line))

    def describe(self) -> list[str]:
        """Their command lines."""
        return [self._command_line(pid) for pid in self()]

    def _command_line(self, pid: int) -> str:
        """Empty for a process without the mark, a zombie, or one that is gone."""
        with suppress(OSError):
            process = Path(f"/proc/{pid}")
            if f"{MARK}={self.mark}".encode() in process.joinpath("environ").read_bytes().split(
                b"\0"
            ):
                return process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode()
        return ""


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def wait_until(condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Return when the condition holds; fail when that takes too long."""
    give_up = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up, f"not within {within_s} s"
        time.sleep(0.02)


def kill(*pids: int) -> None:
    """What `kill -9` does."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
