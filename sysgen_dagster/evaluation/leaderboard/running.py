"""Runs a program in a folder until it is done, so that a kill costs only what was in flight.

It runs under a supervisor (`processes`) in a process group of its own, which ends it soon after
nobody waits for it any more. What it has answered lies in its own cache.
"""

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sysgen_dagster.chat.quoting import made_visible
from sysgen_dagster.evaluation.leaderboard.command import RESULTS
from sysgen_dagster.evaluation.leaderboard.harness import HarnessError
from sysgen_dagster.evaluation.leaderboard.results import is_whole
from sysgen_dagster.processes import supervised
from sysgen_dagster.processes.supervisor import Ending

LOG: Final = "log.txt"
_PROCESS = "process"
_ENDS_WITHIN_S = 30.0
_ENDING = Ending(idle_s=5.0, grace_s=10.0)
_LOOK_EVERY_S = 0.2
_LINES_SHOWN = 15


def run_until_done(
    folder: Path,
    names: Sequence[str],
    command: Sequence[str],
    environment: Mapping[str, str],
    report: Callable[[str], object] = lambda _: None,
) -> None:
    """Run a program unless its results are there; they are in `RESULTS` of the folder.

    Args:
        folder: Of the task; its name is that of the task.
        names: Of the parts of the task, each of which has results in the end.
        command: Starts the program.
        environment: All that it gets of one.
        report: Takes a line for the run's log.

    Raises:
        HarnessError: It failed, or another run runs it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if is_whole(folder / RESULTS, names):
            return
        supervised.stop(folder, _PROCESS, _ENDS_WITHIN_S)  # of a run that was killed
        shutil.rmtree(folder / RESULTS, ignore_errors=True)
        log = folder / LOG
        report(f"{folder.name} runs; its log is {log}")
        log.unlink(missing_ok=True)
        process = supervised.start(
            *(folder, _PROCESS, command, {"command": [*command]}),
            log=log,
            ending=_ENDING,
            environment=environment,
        )
        try:
            while (code := process.poll()) is None:
                time.sleep(_LOOK_EVERY_S)
        except BaseException:  # the run is cancelled: nothing is left of it
            supervised.stop(folder, _PROCESS, _ENDS_WITHIN_S)
            raise
        if code or not is_whole(folder / RESULTS, names):
            raise HarnessError(
                f"{folder.name} ended with status {code}. Materialize this partition again to go "
                f"on from what was answered. The end of {log}:\n{_end_of(log)}"
            )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's file of users, by which the supervisor sees that somebody waits."""
    with (folder / f"{_PROCESS}.users").open("a") as users:
        deadline = time.monotonic() + _ENDS_WITHIN_S
        while True:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # A supervisor that looks holds the lock for a moment.
                if time.monotonic() > deadline:
                    raise HarnessError(
                        f"another run works in {folder}: wait for it, or cancel it"
                    ) from None
                time.sleep(_LOOK_EVERY_S)
        yield


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(made_visible(line) for line in lines[-_LINES_SHOWN:])
