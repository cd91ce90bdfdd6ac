"""A training as LLaMA-Factory makes it: the last answer of each row, or every one."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sysgen_dagster.catalog.students import Lora, Objective, Trainer
from sysgen_dagster.students.adapters.llama_factory import FILE, ROWS, plan_llama_factory
from sysgen_dagster.students.adapters.plan import DEEPSPEED, Plan
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster_tests.students.adapters.trainings import STUDENT, arguments_of, entry
from sysgen_dagster_tests.training_sets.export.exports import FACTS, export, frame, row, said

QUESTION, ANSWER = said("user", "And 2 + 2?"), said("assistant", "It is 4.")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    export(folder / "small")
    export(folder / "pairs", name="pairs", pairs=True)
    chat = row("capybara", "phi-4", "train", 0)["messages"]
    unmarked = [{**turn, "train": False} for turn in chat]
    chats = [[*chat, QUESTION, ANSWER], [*unmarked, QUESTION, ANSWER]]
    some = frame(
        [row("capybara", "phi-4", "train", at, messages=each) for at, each in enumerate(chats)]
    )
    write_folder(folder / "some", "some", [some], FACTS)
    return folder


def planned(exports: Path, mixture: str = "small", **fields: Any) -> Plan:
    training = entry(Trainer.LLAMA_FACTORY, mixture=mixture, **fields)
    said_ = arguments_of(training, exports / mixture, Path("/trainings/one"))
    return plan_llama_factory(said_, training, STUDENT)


def settings(plan: Plan) -> dict[str, Any]:
    return dict(yaml.safe_load(plan.files[FILE]))


def test_an_entry_says_how_is_trained_and_the_export_on_what(exports: Path) -> None:
    plan = planned(exports, configuration="phi-4")
    found, rows = settings(plan), json.loads(plan.files[ROWS])

    assert found["model_name_or_path"] == "org/pupil"
    assert found["model_revision"] == "a" * 40
    assert found["template"] == "qwen"
    assert (found["learning_rate"], found["warmup_steps"]) == (3e-6, 7)
    assert (found["lr_scheduler_type"], found["weight_decay"]) == ("linear", 0.01)
    assert found["per_device_train_batch_size"] == 3
    assert found["gradient_accumulation_steps"] == 4
    assert (found["cutoff_len"], found["num_train_epochs"], found["seed"]) == (1500, 4, 11)
    assert (found["dataset_dir"], found["dataset"]) == ("/trainings/one", "small_train")
    assert (found["mask_history"], found["train_on_prompt"]) == (True, False)
    for each in rows.values():
        assert (each["hf_hub_url"], each["subset"]) == (str(exports / "small"), "phi-4")


def test_one_command_trains_where_the_last_answers_are_marked(exports: Path) -> None:
    assert planned(exports).as_shell == (
        f"CUDA_VISIBLE_DEVICES=4,6 llamafactory-cli train /trainings/one/{FILE}"
    )


def test_where_some_earlier_answers_are_marked_each_gets_a_row_first(exports: Path) -> None:
    plan = planned(exports, "some", configuration="phi-4")
    first, then = plan.commands

    script = exports / "some" / "trainers" / "prefix_rows.py"
    assert first == (sys.executable, str(script), "phi-4")
    assert then[0] == "llamafactory-cli"
    for each in json.loads(plan.files[ROWS]).values():
        assert each["hf_hub_url"] == str(exports / "some-prefixes")
        assert "subset" not in each  # the rows of the configuration alone are there


@pytest.mark.parametrize("sharding", ["none", "zero2", "zero3"])
def test_weights_that_are_learned_have_32_bits(exports: Path, sharding: str) -> None:
    plan = planned(exports, sharding=sharding)

    assert settings(plan)["bf16"] is True
    assert "pure_bf16" not in settings(plan)
    assert (DEEPSPEED in plan.files) is (sharding != "none")


def test_all_weights_are_learned_or_adapters_with_the_entry_s_numbers(exports: Path) -> None:
    lora = settings(planned(exports, lora=Lora(rank=8, alpha=4, dropout=0.1)))

    assert settings(planned(exports))["finetuning_type"] == "full"
    assert (lora["finetuning_type"], lora["lora_target"]) == ("lora", "all")
    assert (lora["lora_rank"], lora["lora_alpha"], lora["lora_dropout"]) == (8, 4, 0.1)


@pytest.mark.parametrize("objective", [Objective.DPO, Objective.ORPO, Objective.REWARD])
def test_pairs_are_refused_with_the_trainers_that_read_them(
    exports: Path, objective: Objective
) -> None:
    with pytest.raises(TrainingError, match=r"skips every one of ours. Give `trainer: trl`"):
        planned(exports, "pairs", objective=objective)


def test_a_student_whose_template_it_does_not_know_is_refused(exports: Path) -> None:
    training = entry(Trainer.LLAMA_FACTORY)
    arguments = arguments_of(training, exports / "small", Path("/trainings/one"))
    student = STUDENT.model_copy(update={"llama_factory_template": None})

    with pytest.raises(TrainingError, match="the student pupil the name of one as"):
        plan_llama_factory(arguments, training, student)


def test_llama_factory_has_every_setting(exports: Path) -> None:
    hparams = pytest.importorskip("llamafactory.hparams")
    kinds = (hparams.DataArguments, hparams.FinetuningArguments, hparams.ModelArguments)
    known = set().union(*(kind.__dataclass_fields__ for kind in kinds))
    known |= hparams.TrainingArguments.__dataclass_fields__.keys()

    assert settings(planned(exports, sharding="zero3", lora=Lora())).keys() <= known
