"""What another trainer needs for one training: files, a command, and the environment of that."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sysgen_dagster.catalog.students import StudentTraining
from sysgen_dagster.students.arguments import TrainingError

DEEPSPEED = "deepspeed.json"
_STAGES = {"zero2": 2, "zero3": 3}


@dataclass(frozen=True, slots=True)
class Plan:
    """How another trainer makes one training.

    Attributes:
        folder: Where its files lie, and its checkpoints will.
        files: Their contents by name.
        commands: To be run one after the other; the last one trains.
        environment: Of the commands, beside that which is there.
    """

    folder: Path
    files: Mapping[str, str]
    commands: Sequence[Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """Write the files; what lies there under other names stays."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    @property
    def as_shell(self) -> str:
        """The commands as lines of a shell."""
        before = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        return "\n".join(
            " ".join([*before * (command is self.commands[-1]), shlex.join(command)])
            for command in self.commands
        )


def read_snippet(arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a file in `trainers/` of the export says, as YAML; JSON is YAML, too.

    Raises:
        TrainingError: The export has no such file, or it cannot be read.
    """
    file = Path(arguments["data"]["folder"]) / "trainers" / name
    try:
        return dict(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise TrainingError(
            f"{file} cannot be read ({type(error).__name__}): export the mixture again"
        ) from error


def gpus_of(training: StudentTraining) -> dict[str, str]:
    """The environment in which a trainer sees the GPUs of a training, and no others."""
    return {"CUDA_VISIBLE_DEVICES": ",".join(str(gpu) for gpu in training.gpus)}


def deepspeed_of(training: StudentTraining) -> dict[str, str]:
    """The file of DeepSpeed's settings that the sharding of a training needs; none without one.

    With it the weights may have 16 bits: DeepSpeed keeps copies of 32 that the steps move.

    Raises:
        TrainingError: The sharding is FSDP, for which the files here have no settings.
    """
    if training.sharding == "fsdp":
        raise TrainingError(
            f"the training {training.name} shards by fsdp, and what is written for "
            f"{training.trainer} shards by DeepSpeed: give `sharding` zero2 or zero3"
        )
    if training.sharding not in _STAGES:
        return {}
    settings = {
        "bf16": {"enabled": True},
        "zero_optimization": {
            "stage": _STAGES[training.sharding],
            "overlap_comm": True,
            "stage3_gather_16bit_weights_on_model_save": training.sharding == "zero3",
        },
        **dict.fromkeys(
            (
                "train_micro_batch_size_per_gpu",
                "gradient_accumulation_steps",
                "train_batch_size",
                "gradient_clipping",
            ),
            "auto",
        ),
    }
    return {DEEPSPEED: f"{json.dumps(settings, indent=2)}\n"}


def as_yaml(settings: Mapping[str, Any], trainer: str) -> str:
    """Settings as a file of the trainer, without those that are None."""
    given = {name: value for name, value in settings.items() if value is not None}
    head = f"# Written by sysgen train for {trainer}; the catalogue says what is trained.\n"
    return head + yaml.safe_dump(given, sort_keys=False, allow_unicode=True)
