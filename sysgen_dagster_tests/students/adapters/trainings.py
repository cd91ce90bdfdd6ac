"""Trainings on small exports, as other trainers get them."""

from pathlib import Path
from typing import Any

from sysgen_dagster.catalog.students import Student, StudentTraining, Trainer
from sysgen_dagster.students.arguments import Devices, build_arguments, find_rows

STUDENT = Student(
    name="pupil", weights="org/pupil", revision="a" * 40, llama_factory_template="qwen"
)


def entry(trainer: Trainer, **fields: Any) -> StudentTraining:
    """A training whose settings are none of the trainers' own."""
    settings = {
        "learning_rate": 3e-6,
        "warmup_steps": 7,
        "schedule": "linear",
        "weight_decay": 0.01,
        "batch": 24,
        "batch_per_device": 3,
        "max_length": 1500,
        "epochs": 4,
        "gpus": (4, 6),
        "seed": 11,
    }
    names = {"name": "one", "student": "pupil", "mixture": "small", "trainer": trainer}
    return StudentTraining(**names | settings | fields)


def arguments_of(
    training: StudentTraining, export: Path, output: Path, student: Student = STUDENT, **how: Any
) -> dict[str, Any]:
    """What our own program would be told."""
    rows = find_rows(export, training)
    return build_arguments(training, student, rows, output, devices=Devices.CUDA, **how)
