"""Trainings that train nothing, and the following of them by processes that can be killed."""

import json
import sys
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any

from sysgen_dagster.processes.supervisor import Ending
from sysgen_dagster_tests.students.simulated_trainer import Behaviour

SIMULATED = Path(__file__).with_name("simulated_trainer.py")
ONLY_THE_TRAINING = r"^\S+ \S+simulated_trainer\.py"  # not its supervisor, which has that, too
ENDING = Ending(600.0, 60.0, 60.0, keeps_state=True, look_every_s=0.05)
WAITING = Behaviour(waits_after=5)


def arguments_in(folder: Path, **changes: Any) -> dict[str, Any]:
    """What a training in this folder is told: ten steps, with a state after every third one."""
    said = {
        **{"version": 1, "objective": "sft", "output": str(folder), "learning_rate": 1e-3},
        **{"epochs": 1, "most_steps": 10, "save_every_steps": 3, "processes": 1},
        "data": {"train_rows": 1000},
    }
    return said | changes


def command_of(behaviour: Behaviour | None = None) -> list[str]:
    """Starts the simulated trainer."""
    how = json.dumps(asdict(behaviour or Behaviour()))
    return ["env", f"SIMULATED={how}", sys.executable, str(SIMULATED)]


def losses(folder: Path) -> list[tuple[int, float]]:
    """Step and loss of each line of metrics that has one, as they stand in the file."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line["loss"]) for line in lines if "loss" in line]


def uninterrupted() -> list[tuple[int, float]]:
    """The same of ten steps that nothing has interrupted, each after the one before it."""
    made = accumulate(range(10), lambda loss, _: loss * Behaviour().factor, initial=4.0)
    return list(enumerate(made))[1:]


def write_trainer(place: Path, behaviour: Behaviour | None = None) -> Path:
    """An executable in the place of the training environment's Python."""
    how = json.dumps(asdict(behaviour or Behaviour()))
    place.write_text(f"#!/bin/sh\nSIMULATED='{how}' exec {sys.executable} {SIMULATED} \"$@\"\n")
    place.chmod(0o755)
    return place
