"""What a command costs with everything it starts, seen from outside: wall, CPU, peak memory. Linux.

Orphans become children of this process, so that none is missed and each one's CPU time is counted
when it ends. Memory is the sum over the tree, a tenth of a second apart: of RSS while it is one
process, else of PSS, which shares out what several processes have in common.
"""

import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_S = 0.1
_GRACE_S = 2.0  # for what a command leaves behind
_PR_SET_CHILD_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Cost:
    """What a command took.

    Attributes:
        wall_s: From its start until it had ended.
        cpu_s: User and system time of it and all it started.
        peak_mb: The most memory of all together, in MiB.
        processes: The most at the same time.
        exit_code: Its own; -9 where it was killed.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    processes: int = 0
    exit_code: int = 0


def measure(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    spared: int,
    is_enough: Callable[[float], bool],
) -> Cost:
    """The cost of a command, which is killed with all it started as soon as `is_enough` says so.

    Args:
        command: What is run, in `folder`; its output goes to ``output.txt`` there.
        environment: Its whole environment.
        folder: Where it runs.
        spared: The one process among our children that is not part of it: the server.
        is_enough: Asked every tenth of a second with the seconds since the start.
    """
    # Orphans come to us.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    cost, started = Cost(), time.perf_counter()
    with (folder / "output.txt").open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    ended = os.pidfd_open(process.pid)
    while True:
        _sample(_descendants(os.getpid(), {spared}), cost)
        if select.select([ended], [], [], _SAMPLE_S)[0]:
            break
        if is_enough(time.perf_counter() - started):
            _end(_descendants(os.getpid(), {spared}))
            break
        _reap(cost, {spared, process.pid})
    _, status, used = os.wait4(process.pid, 0)
    cost.wall_s = time.perf_counter() - started
    os.close(ended)
    process.returncode = cost.exit_code = os.waitstatus_to_exitcode(status)
    cost.cpu_s += used.ru_utime + used.ru_stime
    _end_rest(cost, spared)
    return cost


def _end_rest(cost: Cost, spared: int) -> None:
    """What the command left behind has a while to end, and is killed then."""
    until = time.perf_counter() + _GRACE_S
    while tree := _descendants(os.getpid(), {spared}):
        if time.perf_counter() > until:
            _end(tree)
        _reap(cost, {spared})
        time.sleep(_SAMPLE_S)


def _reap(cost: Cost, spared: set[int]) -> None:
    """Count the CPU time of orphans that have ended."""
    for pid in _children(os.getpid()) - spared:
        ended, _, used = os.wait4(pid, os.WNOHANG)
        if ended:
            cost.cpu_s += used.ru_utime + used.ru_stime


def _end(tree: set[int]) -> None:
    for pid in tree:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _sample(tree: set[int], cost: Cost) -> None:
    memory = _resident if len(tree) == 1 else _proportional
    cost.peak_mb = max(cost.peak_mb, sum(map(memory, tree)) / 2**20)
    cost.processes = max(cost.processes, len(tree))


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):  # it has ended
        return 0


def _proportional(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(text.partition("\nPss:")[2].split()[0]) * 1024 if "\nPss:" in text else 0


def _descendants(pid: int, spared: set[int]) -> set[int]:
    """All that came from the process, without those spared."""
    parents = _parents()
    tree: set[int] = set()
    found = {pid}
    while found:
        found = {child for child, parent in parents.items() if parent in found} - spared - tree
        tree |= found
    return tree


def _children(pid: int) -> set[int]:
    return {child for child, parent in _parents().items() if parent == pid}


def _parents() -> dict[int, int]:
    """The parent of every process."""
    parents = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                stat = (path / "stat").read_text()
            except OSError:
                continue
            parents[int(path.name)] = int(stat.rpartition(")")[2].split()[1])
    return parents


def cpu_s(pid: int) -> float:
    """CPU time of one process so far, to a hundredth of a second."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
