"""Which checkpoint a model of the catalogue is that names a training: what engines ask of us."""

from functools import partial
from pathlib import Path

from sysgen_dagster.catalog.models import Model
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.local.checkpoints import ServedCheckpoint, Students
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster.students.checkpoints import (
    CHECKPOINTS,
    Checkpoint,
    find_checkpoint,
    read_checkpoints,
    used_epoch,
)
from sysgen_dagster.students.folders import STUDENTS
from sysgen_dagster.students.launching import find_trainer


def students_of(working_folder: Path) -> Students:
    """The students that were trained in a deployment.

    Args:
        working_folder: Of the deployment, on this machine.
    """
    return Students(partial(checkpoint_of, working_folder / STUDENTS), find_trainer)


def checkpoint_of(trainings: Path, model: Model) -> ServedCheckpoint:
    """The checkpoint that a model is.

    Its epoch is that of the model's entry, else the one that its training uses, or the last one of
    a training that ended before that.

    Args:
        trainings: The folder with a folder for each training.
        model: An entry with `training`.

    Raises:
        EngineError: The training has not been made, or its files are not those that it left.
    """
    training = CATALOG.trainings[model.training or ""]
    folder = trainings / training.name
    epoch = model.epoch or used_epoch(training, read_checkpoints(folder))
    try:
        noted = find_checkpoint(folder, epoch)
    except TrainingError as error:
        raise EngineError(f"{model.name} is the student of a training: {error}") from error
    title = f"epoch {epoch} of the training {training.name}"
    if not _is_as_noted(folder, noted):
        raise EngineError(
            f"{model.name} is {title}, whose files in {folder / noted.path} were changed after it "
            f"was done: make the partition {training.name} of trained_students again, which notes "
            "what is there"
        )
    return ServedCheckpoint(title, folder / noted.path, noted.sha256)


def _is_as_noted(folder: Path, noted: Checkpoint) -> bool:
    """Whether no file is newer than the note, without reading gigabytes before each request."""
    files = [path.stat() for path in (folder / noted.path).rglob("*") if path.is_file()]
    noted_at = (folder / CHECKPOINTS).stat().st_mtime_ns
    is_older = all(file.st_mtime_ns <= noted_at for file in files)
    return is_older and sum(file.st_size for file in files) == noted.bytes
