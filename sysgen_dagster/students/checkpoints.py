"""The checkpoints of a training: the weights after each epoch, with a checksum over their files."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sysgen_dagster.catalog.students import StudentTraining
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster.students.folders import training_folder
from sysgen_dagster.tables.rates import Rate

CHECKPOINTS = "checkpoints.json"
_FOLDER = "checkpoints"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The weights after one epoch.

    Attributes:
        epoch: From 1.
        path: The folder of configuration, weights, tokenizer and chat template, in that of the
            training.
        sha256: Of all files together.
        bytes: Of all files together.
        steps: Optimiser steps that it has seen; None: no metrics tell.
        pairs: Of a reward model: the pairs of the validation split; None where none were compared.
        chosen_higher: Those among them whose chosen answer it gives the higher score.
    """

    epoch: int
    path: str
    sha256: str
    bytes: int
    steps: int | None
    pairs: int | None = None
    chosen_higher: int | None = None

    @property
    def compared(self) -> Rate:
        """The share of the pairs that it scores as they are chosen."""
        return Rate(self.chosen_higher or 0, self.pairs or 0)


def write_checkpoints(folder: Path, lines: Iterable[Mapping[str, Any]]) -> list[Checkpoint]:
    """The checkpoints in the folder of a training, which are noted in its `checkpoints.json`.

    Args:
        folder: Of the training.
        lines: Its metrics.
    """
    lines = list(lines)
    found = []
    for place in (folder / _FOLDER).glob("epoch-*"):
        epoch = int(place.name.removeprefix("epoch-"))
        files = sorted(path for path in place.rglob("*") if path.is_file())
        found.append(
            Checkpoint(
                epoch,
                place.relative_to(folder).as_posix(),
                _digest(place, files),
                sum(path.stat().st_size for path in files),
                max((line["step"] for line in lines if line["epoch"] <= epoch), default=None),
                *_compared(line for line in lines if epoch - 1 < line["epoch"] <= epoch),
            )
        )
    found.sort(key=lambda each: each.epoch)
    text = json.dumps({"checkpoints": [asdict(each) for each in found]}, indent=2)
    beside = folder / f".{CHECKPOINTS}.part"
    beside.write_text(f"{text}\n", encoding="utf-8")
    beside.replace(folder / CHECKPOINTS)
    return found


def _compared(lines: Iterable[Mapping[str, Any]]) -> tuple[int | None, int | None]:
    """The pairs that an epoch's evaluation compared, and those with the chosen answer higher."""
    last: Mapping[str, Any] = {}
    for line in lines:
        last = line if "eval_pairs" in line else last
    return last.get("eval_pairs"), last.get("eval_chosen_higher")


def read_checkpoints(folder: Path) -> list[Checkpoint]:
    """The checkpoints of a training that is done, by epoch; none where it is not."""
    file = folder / CHECKPOINTS
    if not file.is_file():
        return []
    noted = json.loads(file.read_text(encoding="utf-8"))["checkpoints"]
    return [Checkpoint(**each) for each in noted]


def find_checkpoint(folder: Path, epoch: int) -> Checkpoint:
    """The checkpoint after an epoch.

    Raises:
        TrainingError: The training was not made, or not for so many epochs.
    """
    noted = {each.epoch: each for each in read_checkpoints(folder)}
    if epoch not in noted:
        there = f"epochs {', '.join(map(str, noted))}" if noted else "no checkpoint"
        raise TrainingError(
            f"the training {folder.name} has {there}, not epoch {epoch}: make the partition "
            f"{folder.name} of trained_students (sysgen train {folder.name})"
        )
    return noted[epoch]


def used_epoch(training: StudentTraining, made: Sequence[Checkpoint]) -> int:
    """The epoch whose checkpoint is the trained student: the last one where fewer were made.

    Args:
        training: Its entry in the catalogue, whose `most_steps` may end it in an earlier epoch.
        made: Its checkpoints.
    """
    return min(training.used_epoch, max((each.epoch for each in made), default=training.used_epoch))


def find_used(folder: Path, training: StudentTraining) -> Checkpoint:
    """The checkpoint that is the trained student; raises as `find_checkpoint` does."""
    return find_checkpoint(folder, used_epoch(training, read_checkpoints(folder)))


def find_start(
    working: Path, training: StudentTraining, trainings: Mapping[str, StudentTraining]
) -> Path | None:
    """The checkpoint that a training starts from; None where it is the student as published.

    Args:
        working: The working folder of the deployment.
        training: Its entry in the catalogue.
        trainings: All entries.

    Raises:
        TrainingError: The training before it was not made.
    """
    if training.starts_from is None:
        return None
    before = trainings[training.starts_from]
    folder = training_folder(working, before.name)
    return folder / find_used(folder, before).path


def _digest(folder: Path, files: Iterable[Path]) -> str:
    """The sha256 of the names and sha256 of all files."""
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            own = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{own}  {path.relative_to(folder).as_posix()}\n".encode())
    return whole.hexdigest()
