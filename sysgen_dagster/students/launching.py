"""Starts the program that trains, finds one that runs already, and says how it has ended.

A training runs in a process group of its own under a supervisor (`processes`), so that it outlives
the run that started it: the next run of the same training finds it and goes on following it. Its
state file lies in the folder of the training, and the program holds its lock, too: there are never
two on one folder. One that no run follows any more ends after a while, with a checkpoint.
"""

import fcntl
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sysgen_dagster.processes import supervised
from sysgen_dagster.processes.state import read_state
from sysgen_dagster.processes.supervised import Place, Process
from sysgen_dagster.processes.supervisor import Ending
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster.students.metrics import STATUS, Status, read_status

TRAINER = "SYSGEN_TRAIN"  # the Python that has the trainer, or the folder of its environment
ARGUMENTS, LOG = "arguments.json", "log.txt"
# A checkpoint of the largest students takes minutes to be written: their full state is 16 bytes a
# parameter, 240 GB of the 15 billion of phi-4.
GRACE_S = 1800.0
# How long a training goes on that no run follows: what retries or restarts a run takes minutes.
IDLE_S = 3600.0
HOME = Path(__file__).parent  # holds the program
_PROCESS = "process"  # the name of the state file
_LOOK_EVERY_S = 0.1


class TrainingEndedError(TrainingError):
    """A training ended before it was done; the next run goes on from its last saved state."""

    may_come_back = True


def find_trainer() -> Path | None:
    """The Python that has the trainer; None where there is none.

    ``SYSGEN_TRAIN`` names it, or the folder of its environment; else it is that of ``.venv-train``
    beside the environment of this Python.
    """
    named = os.environ.get(TRAINER)
    place = Path(named).expanduser() if named else Path(sys.prefix).with_name(".venv-train")
    python = place / "bin" / "python" if place.is_dir() else place
    return python.absolute() if os.access(python, os.X_OK) else None


def require_trainer() -> Path:
    """The Python that has the trainer.

    Raises:
        TrainingError: There is none.
    """
    python = find_trainer()
    if python is None:
        named = os.environ.get(TRAINER)
        there = f"{TRAINER}={named} is none" if named else f"{TRAINER} is not set"
        raise TrainingError(
            f"students are trained by a Python of its own, and {there}: make an environment with "
            "`python3 -m venv .venv-train` and `.venv-train/bin/pip install --require-hashes -r "
            f"locks/train.txt`, and set {TRAINER} to its folder"
        )
    return python


# What `accelerate launch` is told of each way to share weights; DeepSpeed is to be installed beside
# TRL for the first two. Checkpoints have whole weights in all of them.
_SHARDED: Mapping[str, Sequence[str]] = {
    "none": (),
    "zero2": ("--use_deepspeed", "--zero_stage=2"),
    "zero3": (
        *("--use_deepspeed", "--zero_stage=3", "--zero3_init_flag=true"),
        "--zero3_save_16bit_model=true",
    ),
    "fsdp": (
        *("--use_fsdp", "--fsdp_version=2", "--fsdp_reshard_after_forward=true"),
        *("--fsdp_auto_wrap_policy=TRANSFORMER_BASED_WRAP",),
        "--fsdp_state_dict_type=FULL_STATE_DICT",
    ),
}


def program_command(
    python: Path,
    module: str,
    *words: str,
    processes: int = 1,
    sharding: str = "none",
    home: Path = HOME,
) -> list[str]:
    """The command line that runs a module of the program; it gets nothing else of this package.

    Args:
        python: The one that has the trainer.
        module: ``program``, or a module of it.
        words: The module's own.
        processes: One for each GPU.
        sharding: How they share the weights: `catalog.students.StudentTraining.sharding`.
        home: The folder that holds the program.
    """
    alone = ["env", f"PYTHONPATH={home}", "PYTHONSAFEPATH=1", str(python)]
    launch = ("-m", "accelerate.commands.launch", f"--num_processes={processes}")
    several = [*launch, *_SHARDED[sharding], "-m"]
    return [*alone, *(several if processes > 1 else ["-m"]), module, *words]


@dataclass(frozen=True, slots=True)
class Running:
    """A training that runs.

    Attributes:
        folder: Of the training.
        is_attached: Whether an earlier run has started it.
        status_before: What `status.json` was when it was started.
        supervisor: The process that ends when the training does; None where it is attached.
        place: Where it runs; None: where this deployment does not train.
    """

    folder: Path
    is_attached: bool
    status_before: str
    supervisor: Process | None = None
    place: Place | None = supervised

    @property
    def is_alive(self) -> bool:
        """Whether any process of it lives, or is about to."""
        is_started = self.supervisor is not None and self.supervisor.poll() is None
        return is_started or read_state(self.folder, _PROCESS) is not None

    def stop(self, within_s: float = GRACE_S) -> None:
        """End it with a checkpoint and return when it is gone; kill it where that takes too long.

        Raises:
            TrainingError: It is another user's, or runs where this deployment does not train.
        """
        try:
            self.require_place().stop(self.folder, _PROCESS, within_s)
        except PermissionError as error:
            raise TrainingError(str(error).replace(_PROCESS, self.folder.name)) from error

    def require_place(self) -> Place:
        """Where it runs.

        Raises:
            TrainingError: In a pod, and this deployment trains on its machine, or the other way.
        """
        if self.place is None:
            raise TrainingError(
                f"{self.folder.name} is trained elsewhere, in a pod or not in one: cancel the run "
                "that follows it, or set SYSGEN_TRAIN_POD as it was when that began"
            )
        return self.place

    def require_done(self, last_words: str) -> Status:
        """The status of a training that has ended as it should.

        Args:
            last_words: The end of its log.

        Raises:
            TrainingError: It has refused its arguments, or failed.
            TrainingEndedError: It was stopped or killed; the next run goes on.
        """
        name, status = self.folder.name, read_status(self.folder)
        code = None if self.supervisor is None else self.supervisor.wait()
        if status is None or (_digest(self.folder / STATUS) == self.status_before and code != 0):
            kind = TrainingEndedError if code is None else TrainingError
            raise kind(f"{name} ended before it began to train. The end of its log:\n{last_words}")
        if status.state == "done":
            return status
        if status.state == "failed" and status.error is not None:
            raise TrainingError(f"{name} failed: {status.error['message']}")
        where = f"{name} at step {status.step} of {status.steps or 'an unknown number'}"
        if status.state == "stopped":
            raise TrainingEndedError(
                f"{where} was stopped with a checkpoint: run it again to go on"
            )
        raise TrainingEndedError(
            f"{where} was killed: if that was for want of memory, which the kernel's log says "
            "(dmesg), take fewer rows at once (`batch_per_device`). Run it again to go on from the "
            f"last saved state. The end of its log:\n{last_words}"
        )


@contextmanager
def following(folder: Path, who: str, within_s: float = 60.0) -> Iterator[None]:
    """Follow a training alone: while a run does, no other one starts, follows or changes it.

    Args:
        folder: Of the training; made where it is missing.
        who: Names the run in the error of another one.
        within_s: How long a run that is ending may take, and a training that nobody followed.

    Raises:
        TrainingError: Another run follows it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + within_s
    with (folder / f"{_PROCESS}.users").open("a+") as users:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > deadline:
                users.seek(0)
                other = users.read() or "a training that nobody followed is ending"
                raise TrainingError(
                    f"{folder.name} is in use ({other}): wait for that, or cancel it"
                )
            time.sleep(_LOOK_EVERY_S)
        users.truncate(0)
        users.write(who)
        users.flush()
        yield


def find_running(folder: Path, place: Place = supervised) -> Running | None:
    """The training that runs in this folder; None where none does.

    Args:
        folder: Of the training.
        place: Where this deployment trains.
    """
    state = read_state(folder, _PROCESS)
    if state is None:
        return None
    is_reached = state.get("in_pod", False) == (place is not supervised)
    return Running(folder, True, state["status_before"], place=place if is_reached else None)


def start_or_attach(
    folder: Path,
    arguments: Mapping[str, Any],
    command: Sequence[str],
    environment: Mapping[str, str],
    ending: Ending | None = None,
    place: Place = supervised,
) -> Running:
    """The training of a folder, which is started unless it runs already; within `following`.

    Args:
        folder: Of the training.
        arguments: What the program is told, which is written to the folder.
        command: Starts the program, without the file of the arguments, which is its last word.
        environment: All that the program gets of an environment.
        ending: When it is ended, and how; with the times of this module by default.
        place: Where it runs.

    Raises:
        TrainingError: It runs with other arguments.
    """
    file, text = folder / ARGUMENTS, f"{json.dumps(arguments, indent=2)}\n"
    running = find_running(folder, place)
    if running is not None:
        running.require_place()
        if file.read_text(encoding="utf-8") != text:
            raise TrainingError(
                f"{folder.name} is being trained with other arguments than the catalogue gives it "
                "now. Set the catalogue back, or wait until it is done; to end it, with a "
                "checkpoint, cancel a run that follows it"
            )
        return running
    beside = file.with_suffix(".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)
    before = _digest(folder / STATUS)
    record = {"command": [*command], "status_before": before, "in_pod": place is not supervised}
    supervisor = place.start(
        folder,
        _PROCESS,
        [*command, str(file)],
        record,
        log=folder / LOG,
        ending=ending or Ending(IDLE_S, GRACE_S, keeps_state=True),
        environment=environment,
    )
    return Running(folder, False, before, supervisor, place)


def _digest(file: Path) -> str:
    """The sha256 of a file; empty where there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
