"""Whether the process of a run lives: it holds a lock that the system releases when it ends.

Dagster knows of a run what the run reports, and a killed process reports nothing. While a run
works, it holds the lock of a file of its own under the Dagster home; one that anybody else can lock
is that of a process that is gone, whatever took its number since. The file names the machine:
nothing is said of runs of another one, whose locks may not be seen here.
"""

import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg

_FOLDER = "workers"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PID = "pid"  # what Dagster's own event calls the process of a run


@contextmanager
def living(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Show that the process of a run lives, until the context or the process ends.

    Nothing is shown where the Dagster home cannot be written to, as in a pod.
    """
    folder = Path(instance.root_directory) / _FOLDER
    if not instance.is_ephemeral and os.access(folder.parent, os.W_OK):
        folder.mkdir(exist_ok=True)
    if instance.is_ephemeral or not os.access(folder, os.W_OK):
        yield
        return
    begun, mark = folder / f".{run_id}.{os.getpid()}", folder / run_id
    with begun.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        json.dump(_here(), held)
        held.flush()
        os.fsync(held.fileno())  # what is there after a power cut is whole
        begun.replace(mark)  # only now: who finds it finds it locked
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)


def is_dead(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the process of a run was one of this machine and is gone; False where unsure."""
    try:
        with _mark(instance, run.run_id).open() as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)  # NFS gives readers no other lock
            here, there = _here(), json.load(held)
            return any(there[name] and there[name] == here[name] for name in here)
    except (BlockingIOError, PermissionError):
        return False
    # Killed before it made the file, begun by an older version, or the file was lost with the power
    # of the machine.
    except (FileNotFoundError, ValueError):
        pid = _pid(instance, run)
        return pid is not None and not _may_be_a_worker(pid)


def forget(instance: dg.DagsterInstance, run_id: str) -> None:
    """Remove what a process that is gone has left."""
    _mark(instance, run_id).unlink(missing_ok=True)


def _mark(instance: dg.DagsterInstance, run_id: str) -> Path:
    return Path(instance.root_directory) / _FOLDER / run_id


def _here() -> dict[str, str]:
    """The machine, by its name and by when it was started: a container has a name of its own."""
    boot = _BOOT.read_text().strip() if _BOOT.is_file() else ""
    return {"host": platform.node(), "boot": boot}


def _pid(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int | None:
    """The process of a run, where that was surely started on this machine."""
    if not _is_of_this_machine(run):
        return None
    events = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    for record in reversed(events.records):
        event = record.event_log_entry.get_dagster_event()
        if _PID in event.engine_event_data.metadata:
            return int(str(event.engine_event_data.metadata[_PID].value))
    return None


def _is_of_this_machine(run: dg.DagsterRun) -> bool:
    """Whether a code server started it that Dagster itself had started, over a local socket."""
    started_by = json.loads(run.tags.get(".dagster/grpc_info", "{}"))
    return bool(started_by.get("socket"))


def _may_be_a_worker(pid: int) -> bool:
    """Whether a process of this number runs Python, which is all that is known of the worker."""
    with suppress(ProcessLookupError, FileNotFoundError):
        os.kill(pid, 0)
        try:
            return Path(f"/proc/{pid}/exe").resolve(strict=True).name.startswith("python")
        except PermissionError:
            return True  # somebody else's
    return False
