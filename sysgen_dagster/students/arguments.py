"""What the training program is told of one training: the content of its `arguments.json`.

The program knows neither the catalogue nor this package: whatever makes a training what it is
stands there, so that two trainings with equal arguments are the same one.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sysgen_dagster.catalog.students import Student, StudentTraining
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.training_sets.export.layout import DEFAULT
from sysgen_dagster.training_sets.export.manifest import (
    compute_data_checksum,
    count_rows,
    read_manifest,
)
from sysgen_dagster.training_sets.splits import Split

VERSION = 1  # of what the program reads; it refuses another one
# At the rates of full fine-tuning most weights of 16 bits stay as they are: an update of 1e-6 is
# less than half of the distance to the next number that bfloat16 has.
WEIGHTS_ARE = "float32"


class TrainingError(SysgenError):
    """A training cannot be made as it is asked for; the message says why and what to do."""


class Devices(StrEnum):
    """What computes."""

    CPU = "cpu"
    CUDA = "cuda"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of an export that a training learns.

    Attributes:
        folder: The export.
        configuration: What is loaded of it.
        checksum: `manifest.compute_data_checksum` of it: of its rows, not of its card.
        train_rows: How many rows its train split has.
    """

    folder: Path
    configuration: str
    checksum: str
    train_rows: int


def find_rows(export: Path, training: StudentTraining) -> Rows:
    """The rows of an export that a training learns.

    Raises:
        ExportError: The folder is no export.
        TrainingError: It has no such rows to train on.
    """
    manifest, configuration = read_manifest(export), training.configuration or DEFAULT
    train_rows = count_rows(manifest, configuration).get(Split.TRAIN, 0)
    if not train_rows:
        models = ", ".join(each["model"] for each in manifest.get("models", ()))
        raise TrainingError(
            f"the training {training.name} learns the configuration {configuration} of the export "
            f"{export}, which has no rows to train on there; its models are {models or 'unknown'}. "
            "Correct `configuration` in the catalogue, or make rows of that model and export again"
        )
    checksum = compute_data_checksum(manifest)
    return Rows(export.absolute(), configuration, checksum, train_rows)


def build_arguments(
    training: StudentTraining,
    student: Student,
    rows: Rows,
    output: Path,
    *,
    devices: Devices,
    start: Path | None = None,
    most_steps: int | None = None,
    save_every_steps: int | None = None,
) -> dict[str, Any]:
    """The arguments of a training.

    Args:
        training: Its entry in the catalogue.
        student: The entry of its student.
        rows: What it learns.
        output: The folder that the program writes.
        devices: On the CPU one process takes the whole batch.
        start: The checkpoint of the training that it starts from.
        most_steps: Ends after so many steps, in place of the entry's own number.
        save_every_steps: How often what is needed to resume is saved; None: at the end of epochs.

    Raises:
        TrainingError: The training starts from another one, and `start` is not given.
    """
    processes = 1 if devices is Devices.CPU else len(training.gpus)
    return {
        "version": VERSION,
        "objective": training.objective.value,
        "model": _model(training, student, start),
        "data": {**asdict(rows), "folder": str(rows.folder)},
        "output": str(output.absolute()),
        "learning_rate": training.learning_rate,
        "warmup_steps": training.warmup_steps,
        "schedule": training.schedule,
        "weight_decay": training.weight_decay,
        "batch_per_device": training.batch_per_device,
        "accumulation": training.batch // (training.batch_per_device * processes),
        "max_length": training.max_length,
        "epochs": training.epochs,
        "used_epoch": training.used_epoch,
        "most_steps": most_steps or training.most_steps,
        "beta": training.beta,
        "lora": training.lora and training.lora.model_dump(),
        "persona": training.persona,
        "seed": training.seed,
        "devices": devices.value,
        "processes": processes,
        "save_every_steps": save_every_steps,
    }


def _model(training: StudentTraining, student: Student, start: Path | None) -> dict[str, Any]:
    """The weights that are trained: those of the student, or of the training before."""
    if training.starts_from and start is None:
        raise TrainingError(
            f"the training {training.name} starts from {training.starts_from}, which has no "
            f"checkpoint yet: make that first (sysgen train {training.starts_from})"
        )
    return {
        "weights": str(start or student.weights),
        "revision": None if start else student.revision,
        "chat_template": student.chat_template,
        "dtype": WEIGHTS_ARE,
    }
