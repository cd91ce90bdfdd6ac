"""Processes that a test starts, seen through /proc, and waiting for what they do."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from sysgen_dagster.inference.local.servers import LocalServer

MARK = "SYSGEN_TEST_PROCESS"
# Ends a test that hangs. No verdict depends on it, however busy the machine is.
CEILING_S = 120.0

# Arguments: folder, server and waiting times as JSON. Prints each report and the URL, and uses the
# server until its standard input ends.
_RUN = """
import json, sys
from pathlib import Path
from sysgen_dagster.inference.local.servers import LocalServer
from sysgen_dagster_tests.inference.local_servers import in_use
report = lambda line: print(line, flush=True)
server, waits = LocalServer(**json.loads(sys.argv[2])), json.loads(sys.argv[3])
with in_use(server, Path(sys.argv[1]), report, **waits) as url:
    print("url:", url, flush=True)
    sys.stdin.read()
"""


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


@dataclass(frozen=True)
class Run:
    """A process that uses a server, as a run of the pipeline does."""

    process: subprocess.Popen[bytes]
    out: Path

    @classmethod
    def begin(cls, server: LocalServer, folder: Path, out: Path, **waits: float) -> "Run":
        """It looks for the server, or starts it, or waits for it."""
        arguments = (str(folder), json.dumps(asdict(server)), json.dumps(waits))
        return cls.of(out, _RUN, *arguments)

    @classmethod
    def of(cls, out: Path, script: str, *arguments: str) -> "Run":
        """A process of another script, which must print ``url: ...`` when it has what it wants."""
        command = [sys.executable, "-W", "always::ResourceWarning", "-c", script, *arguments]
        with out.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output)
        return cls(process, out)

    @property
    def output(self) -> str:
        """All it has printed."""
        return self.out.read_text()

    @property
    def has_url(self) -> bool:
        """Whether it uses the server by now."""
        return re.search(r"^url: .*\n", self.output, re.MULTILINE) is not None

    @property
    def url(self) -> str:
        """The URL of the server it uses; waits until it does."""
        wait_until(lambda: self.has_url or self.process.poll() is not None)
        found = re.search(r"^url: (.*)$", self.output, re.MULTILINE)
        assert found, self.output
        return found.group(1)

    def wait_for(self, words: str) -> None:
        """Return when it has printed them."""
        wait_until(lambda: words in self.output or self.process.poll() is not None)
        assert words in self.output, self.output

    def end(self) -> None:
        """It uses the server no more, and ends by itself."""
        self.process.communicate(timeout=CEILING_S)
        assert self.process.returncode == 0, self.output

    def kill(self) -> None:
        """What `kill -9` does."""
        self.process.kill()
        self.process.communicate()


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def wait_until(condition: Callable[[], object], within_s: float = CEILING_S) -> None:
    """Return when the condition holds; fail when that takes too long."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.02)


def kill(*pids: int) -> None:
    """What `kill -9` does."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
