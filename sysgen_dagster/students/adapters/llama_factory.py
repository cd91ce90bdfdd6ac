"""A training as LLaMA-Factory makes it. The keys are those of 0.9.5."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sysgen_dagster.catalog.students import Objective, Student, StudentTraining
from sysgen_dagster.students.adapters.plan import (
    DEEPSPEED,
    Plan,
    as_yaml,
    deepspeed_of,
    gpus_of,
    read_snippet,
)
from sysgen_dagster.students.arguments import TrainingError

FILE, ROWS = "llamafactory.yaml", "dataset_info.json"
# Writes a row for each message to be learned; in exports of which LLaMA-Factory, which learns the
# last answer of a row or every one, would learn others.
_PREFIX_ROWS = "prefix_rows.py"


def plan_llama_factory(
    arguments: Mapping[str, Any], training: StudentTraining, student: Student
) -> Plan:
    """The files and the commands of a training.

    Args:
        arguments: As `build_arguments` makes them.
        training: Its entry in the catalogue.
        student: The entry of its student.

    Raises:
        TrainingError: The training is of pairs, which it reads in another form, or it is not said
            which of its own templates is the student's: it uses none of the model's files.
    """
    _require_what_it_can_do(training, student)
    folder, export = Path(arguments["output"]), Path(arguments["data"]["folder"])
    files, commands = deepspeed_of(training), []
    rows = read_snippet(arguments, "llamafactory_dataset_info.json")
    place = str(export)
    if (script := export / "trainers" / _PREFIX_ROWS).is_file():
        commands.append((sys.executable, str(script), arguments["data"]["configuration"]))
        # Beside the export, and of the configuration alone, as the script says.
        place = str(export.with_name(f"{export.name}-prefixes"))
    for each in rows.values():
        each["hf_hub_url"] = place
        if commands:
            each.pop("subset", None)
        else:
            each["subset"] = arguments["data"]["configuration"]
    settings = read_snippet(arguments, "llamafactory.yaml")
    settings |= _settings(arguments, training, folder, has_deepspeed=bool(files))
    settings["template"] = student.llama_factory_template
    commands.append(("llamafactory-cli", "train", str(folder / FILE)))
    written = {
        FILE: as_yaml(settings, "LLaMA-Factory"),
        ROWS: f"{json.dumps(rows, indent=2)}\n",
        **files,
    }
    return Plan(folder, written, commands, gpus_of(training))


def _require_what_it_can_do(training: StudentTraining, student: Student) -> None:
    if training.objective is not Objective.SFT:
        raise TrainingError(
            f"the training {training.name}: LLaMA-Factory reads preference pairs in a form that "
            "exports do not have, and skips every one of ours. Give `trainer: trl`, or axolotl "
            "for dpo"
        )
    if not student.llama_factory_template:
        raise TrainingError(
            f"the training {training.name}: LLaMA-Factory has templates of its own, and reads none "
            f"of a model or a Jinja file. Give the student {training.student} the name of one as "
            "`llama_factory_template`, such as llama3 or qwen, once you have compared its text "
            "with that of the template that serves; or give `trainer: trl`"
        )


def _settings(
    arguments: Mapping[str, Any], training: StudentTraining, folder: Path, *, has_deepspeed: bool
) -> dict[str, Any]:
    """What the entry says; of what it does not the snippet has spoken."""
    lora = training.lora
    return {
        "model_name_or_path": arguments["model"]["weights"],
        "model_revision": arguments["model"]["revision"],
        "dataset_dir": str(folder),
        "finetuning_type": "lora" if lora else "full",
        "lora_rank": lora.rank if lora else None,
        "lora_alpha": lora.alpha if lora else None,
        "lora_dropout": lora.dropout if lora else None,
        "lora_target": "all" if lora else None,
        "cutoff_len": training.max_length,
        "learning_rate": training.learning_rate,
        "warmup_steps": training.warmup_steps,
        "lr_scheduler_type": training.schedule,
        "weight_decay": training.weight_decay,
        "per_device_train_batch_size": training.batch_per_device,
        "gradient_accumulation_steps": training.accumulation,
        "num_train_epochs": training.epochs,
        "max_steps": arguments["most_steps"],
        "save_strategy": "epoch",
        # Weights of 32 bits are learned, computed with in 16: without `pure_bf16`.
        "bf16": True,
        "deepspeed": str(folder / DEEPSPEED) if has_deepspeed else None,
        "seed": training.seed,
        "output_dir": str(folder / "checkpoints"),
    }
