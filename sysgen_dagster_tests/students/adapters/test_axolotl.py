"""A training as Axolotl makes it: the export's own file with what the catalogue says."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from sysgen_dagster.catalog.students import Lora, Objective, Student, Trainer
from sysgen_dagster.students.adapters.axolotl import FILE, plan_axolotl
from sysgen_dagster.students.adapters.plan import DEEPSPEED, Plan
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster_tests.students.adapters.trainings import STUDENT, arguments_of, entry
from sysgen_dagster_tests.training_sets.export.exports import export


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    export(folder / "small")
    export(folder / "pairs", name="pairs", pairs=True)
    return folder


def planned(exports: Path, student: Student = STUDENT, **fields: Any) -> Plan:
    training = entry(Trainer.AXOLOTL, **fields)
    mixture = "small" if training.objective is Objective.SFT else "pairs"
    said = arguments_of(training, exports / mixture, Path("/trainings/one"), student)
    return plan_axolotl(said, training)


def settings(plan: Plan) -> dict[str, Any]:
    return dict(yaml.safe_load(plan.files[FILE]))


def test_an_entry_says_how_is_trained_and_the_export_on_what(exports: Path) -> None:
    plan = planned(exports, configuration="phi-4")
    said = settings(plan)

    assert said["base_model"] == "org/pupil"
    assert said["revision_of_model"] == "a" * 40
    assert said["learning_rate"] == 3e-6
    assert (said["warmup_steps"], said["lr_scheduler"], said["weight_decay"]) == (7, "linear", 0.01)
    assert (said["micro_batch_size"], said["gradient_accumulation_steps"]) == (3, 4)
    assert (said["sequence_len"], said["num_epochs"], said["seed"]) == (1500, 4, 11)
    assert (said["save_strategy"], said["save_total_limit"]) == ("epoch", 4)
    assert said["output_dir"] == "/trainings/one/checkpoints"
    for split in ("datasets", "test_datasets"):
        [rows] = said[split]
        assert (rows["path"], rows["name"]) == (str(exports / "small"), "phi-4")
        assert rows["message_field_training"] == "train"  # exactly the marked messages
    assert said["chat_template"] == "tokenizer_default"


def test_the_command_is_one_that_sees_the_entry_s_gpus(exports: Path) -> None:
    plan = planned(exports)

    assert plan.as_shell == f"CUDA_VISIBLE_DEVICES=4,6 axolotl train /trainings/one/{FILE}"


@pytest.mark.parametrize(
    ("fields", "bf16"),
    [
        pytest.param({}, False, id="all-weights"),
        pytest.param({"sharding": "zero2"}, "auto", id="copies-of-deepspeed"),
        pytest.param({"sharding": "zero3"}, "auto", id="the-same-in-parts"),
        pytest.param({"lora": Lora()}, "auto", id="adapters-of-their-own"),
    ],
)
def test_weights_that_are_learned_have_32_bits(
    exports: Path, fields: dict[str, Any], bf16: str | bool
) -> None:
    plan = planned(exports, **fields)

    assert settings(plan)["bf16"] == bf16
    assert (DEEPSPEED in plan.files) is ("sharding" in fields)
    assert settings(plan).get("deepspeed") == (
        f"/trainings/one/{DEEPSPEED}" if "sharding" in fields else None
    )


def test_adapters_have_the_entry_s_numbers(exports: Path) -> None:
    said = settings(planned(exports, lora=Lora(rank=8, alpha=4, dropout=0.1)))

    assert (said["adapter"], said["lora_r"], said["lora_alpha"]) == ("lora", 8, 4)
    assert (said["lora_dropout"], said["lora_target_linear"]) == (0.1, True)


def test_a_trial_ends_after_its_steps_and_others_after_their_epochs(exports: Path) -> None:
    assert settings(planned(exports, most_steps=9))["max_steps"] == 9
    assert "max_steps" not in settings(planned(exports))


def test_dpo_reads_pairs_with_the_entry_s_beta(exports: Path) -> None:
    said = settings(planned(exports, mixture="pairs", objective=Objective.DPO, beta=0.3))

    assert (said["rl"], said["rl_beta"]) == ("dpo", 0.3)
    assert said["datasets"][0]["path"] == str(exports / "pairs")


@pytest.mark.parametrize("objective", [Objective.ORPO, Objective.REWARD])
def test_pairs_in_another_form_are_refused_with_the_trainer_that_has_it(
    exports: Path, objective: Objective
) -> None:
    with pytest.raises(TrainingError, match=r"form that exports do not have. Give `trainer: trl`"):
        planned(exports, mixture="pairs", objective=objective)


def test_the_student_s_template_is_the_one_that_trains(exports: Path, tmp_path: Path) -> None:
    file = tmp_path / "chat.jinja"
    file.write_text("{% for m in messages %}{{ m.content }}\n{% endfor %}", encoding="utf-8")
    said = settings(planned(exports, STUDENT.model_copy(update={"chat_template": str(file)})))

    assert said["chat_template"] == "jinja"
    assert said["chat_template_jinja"] == file.read_text(encoding="utf-8")


def test_a_template_that_is_not_there_is_named(exports: Path, tmp_path: Path) -> None:
    gone = STUDENT.model_copy(update={"chat_template": str(tmp_path / "chat.jinja")})

    with pytest.raises(TrainingError, match=r"chat\.jinja cannot be read.*correct `chat_template`"):
        planned(exports, gone)


@pytest.mark.parametrize(
    "fields",
    [{}, {"sharding": "zero3"}, {"lora": Lora()}, {"objective": Objective.DPO, "most_steps": 3}],
)
def test_axolotl_has_every_setting(exports: Path, fields: dict[str, Any]) -> None:
    schemas = pytest.importorskip("axolotl.utils.schemas.config")
    said = settings(planned(exports, **fields)) | {"bf16": False}
    read = schemas.AxolotlInputConfig.model_validate(said).model_dump(exclude_unset=True)

    assert said.keys() <= read.keys()
