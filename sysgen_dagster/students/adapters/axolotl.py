"""A training as Axolotl makes it. The keys are those of 0.19."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sysgen_dagster.catalog.students import Objective, StudentTraining
from sysgen_dagster.students.adapters.plan import (
    DEEPSPEED,
    Plan,
    as_yaml,
    deepspeed_of,
    gpus_of,
    read_snippet,
)
from sysgen_dagster.students.arguments import TrainingError

FILE = "axolotl.yaml"
_SNIPPETS = {Objective.SFT: "axolotl.yaml", Objective.DPO: "axolotl_dpo.yaml"}


def plan_axolotl(arguments: Mapping[str, Any], training: StudentTraining) -> Plan:
    """The files and the command of a training.

    Args:
        arguments: As `build_arguments` makes them.
        training: Its entry in the catalogue.

    Raises:
        TrainingError: The training is by ORPO, whose rows Axolotl reads in another form: of one
            question, and with the system message in a column. Or the chat template cannot be read.
    """
    if training.objective not in _SNIPPETS:
        raise TrainingError(
            f"the training {training.name}: Axolotl reads rows for {training.objective} in a form "
            "that exports do not have. Give `trainer: trl`"
        )
    folder = Path(arguments["output"])
    files = deepspeed_of(training)
    settings = read_snippet(arguments, _SNIPPETS[training.objective])
    for split in ("datasets", "test_datasets"):
        for each in settings.get(split, ()):
            each |= {
                "path": arguments["data"]["folder"],
                "name": arguments["data"]["configuration"],
            }
    settings |= _settings(arguments, training, folder, has_deepspeed=bool(files))
    text = as_yaml(settings, "Axolotl")
    command = ("axolotl", "train", str(folder / FILE))
    return Plan(folder, {FILE: text, **files}, [command], gpus_of(training))


def _settings(
    arguments: Mapping[str, Any], training: StudentTraining, folder: Path, *, has_deepspeed: bool
) -> dict[str, Any]:
    """What the entry says; of what it does not the snippet has spoken."""
    lora = training.lora
    # Axolotl loads weights in the numbers that it computes in, and without copies of 32 bits steps
    # of 1e-6 leave weights of 16 as they are.
    may_have_16_bits = has_deepspeed or lora is not None
    return {
        "base_model": arguments["model"]["weights"],
        "revision_of_model": arguments["model"]["revision"],
        **_template(arguments),
        "sequence_len": training.max_length,
        "learning_rate": training.learning_rate,
        "warmup_steps": training.warmup_steps,
        "lr_scheduler": training.schedule,
        "weight_decay": training.weight_decay,
        "micro_batch_size": training.batch_per_device,
        "gradient_accumulation_steps": training.accumulation,
        "num_epochs": training.epochs,
        "max_steps": arguments["most_steps"],
        "save_strategy": "epoch",
        "save_total_limit": training.epochs,
        "auto_resume_from_checkpoints": True,
        "rl_beta": training.beta if training.objective is Objective.DPO else None,
        "bf16": "auto" if may_have_16_bits else False,
        "tf32": None if may_have_16_bits else True,
        "deepspeed": str(folder / DEEPSPEED) if has_deepspeed else None,
        "adapter": "lora" if lora else None,
        "lora_r": lora.rank if lora else None,
        "lora_alpha": lora.alpha if lora else None,
        "lora_dropout": lora.dropout if lora else None,
        "lora_target_linear": True if lora else None,
        "seed": training.seed,
        "output_dir": str(folder / "checkpoints"),
        "dataset_prepared_path": str(folder / "prepared"),
    }


def _template(arguments: Mapping[str, Any]) -> dict[str, str]:
    """The template of the student, where it has one in the place of the model's own."""
    file = arguments["model"]["chat_template"]
    if file is None:
        return {}
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"the chat template {file} cannot be read ({error}): correct `chat_template`"
        ) from error
    return {"chat_template": "jinja", "chat_template_jinja": text}
