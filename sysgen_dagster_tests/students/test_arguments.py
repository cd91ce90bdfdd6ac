"""The arguments of the training program: what the catalogue says, on the devices there are."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.catalog.students import Lora, Objective, Student, StudentTraining
from sysgen_dagster.students.arguments import (
    Devices,
    Rows,
    TrainingError,
    build_arguments,
    find_rows,
)
from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster.training_sets.export.layout import ExportError
from sysgen_dagster_tests.training_sets.export.exports import FACTS, SPLITS, export, frames

STUDENT = Student(weights="org/pupil", revision="a" * 40)
ROWS = Rows(Path("/exports/chats"), "phi-4", "b" * 64, 1000)
OUTPUT = Path("/somewhere/students/one")


def entry(**fields: Any) -> StudentTraining:
    return StudentTraining(name="one", student="pupil", mixture="chats", **fields)


def arguments(
    training: StudentTraining, student: Student = STUDENT, **options: Any
) -> dict[str, Any]:
    how = {"devices": Devices.CUDA} | options
    return build_arguments(training, student, ROWS, OUTPUT, **how)


def test_a_whole_training_is_said_in_json() -> None:
    said = json.loads(json.dumps(arguments(entry())))

    assert said == {
        "version": 1,
        "objective": "sft",
        "model": {
            "weights": "org/pupil",
            "revision": "a" * 40,
            "chat_template": None,
            "dtype": "float32",
        },
        "data": {
            "folder": "/exports/chats",
            "configuration": "phi-4",
            "checksum": "b" * 64,
            "train_rows": 1000,
        },
        "output": "/somewhere/students/one",
        "learning_rate": 1e-6,
        "warmup_steps": 10,
        "schedule": "cosine",
        "weight_decay": 0.0,
        "batch_per_device": 4,
        "accumulation": 64,
        "max_length": 4096,
        "epochs": 5,
        "used_epoch": 3,
        "most_steps": None,
        "beta": 0.1,
        "lora": None,
        "persona": False,
        "seed": 0,
        "devices": "cuda",
        "processes": 1,
        "save_every_steps": None,
    }


@pytest.mark.parametrize("devices", Devices)
@pytest.mark.parametrize("gpus", [1, 2, 8, 64])
def test_a_step_is_of_the_same_rows_on_any_devices(devices: Devices, gpus: int) -> None:
    said = arguments(entry(gpus=tuple(range(gpus))), devices=devices)

    assert said["processes"] == (gpus if devices is Devices.CUDA else 1)
    assert said["processes"] * said["batch_per_device"] * said["accumulation"] == 256


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"objective": Objective.DPO, "beta": 0.2}, {"objective": "dpo", "beta": 0.2}),
        pytest.param({"objective": Objective.ORPO}, {"objective": "orpo"}),
        pytest.param({"epochs": 2}, {"epochs": 2, "used_epoch": 2}),
        pytest.param({"persona": True}, {"persona": True}),
        pytest.param({"most_steps": 7}, {"most_steps": 7}),
        pytest.param({"seed": 5, "schedule": "linear"}, {"seed": 5, "schedule": "linear"}),
        pytest.param(
            {"lora": Lora(rank=8)}, {"lora": {"rank": 8, "alpha": 32, "dropout": 0.0}}, id="lora"
        ),
    ],
)
def test_what_an_entry_says_is_what_the_program_is_told(
    fields: dict[str, Any], said: dict[str, Any]
) -> None:
    assert {name: arguments(entry(**fields))[name] for name in said} == said


def test_a_trial_ends_earlier_than_its_entry_says() -> None:
    assert arguments(entry(most_steps=700), most_steps=3)["most_steps"] == 3


def test_a_template_of_the_student_is_the_one_that_trains() -> None:
    student = Student(weights="org/pupil", chat_template="/templates/chat.jinja")

    assert arguments(entry(), student)["model"]["chat_template"] == "/templates/chat.jinja"


def test_a_training_starts_from_the_checkpoint_of_another_one() -> None:
    start = Path("/somewhere/students/first/checkpoints/epoch-3")
    model = arguments(entry(starts_from="first"), start=start)["model"]

    assert model["weights"] == str(start)
    assert model["revision"] is None  # that of the student as it was published is no longer it


def test_a_start_that_is_not_made_yet_is_named_with_the_command_that_makes_it() -> None:
    with pytest.raises(TrainingError, match=r"starts from first, .*\(sysgen train first\)"):
        arguments(entry(starts_from="first"))


def test_relative_folders_are_whole_ones_for_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    export(tmp_path / "small")
    rows = find_rows(Path("small"), entry())
    said = build_arguments(entry(), STUDENT, rows, Path("one"), devices=Devices.CPU)

    assert said["data"]["folder"] == str(tmp_path / "small")
    assert said["output"] == str(tmp_path / "one")


@pytest.mark.parametrize(
    ("configuration", "loads", "cells"),
    [
        pytest.param(None, "default", 4, id="all"),
        pytest.param("phi-4", "phi-4", 2, id="of-a-model"),
        pytest.param("llama-3.1-8b", "llama-3.1-8b", 2, id="of-another"),
        pytest.param("metamath--phi-4", "metamath--phi-4", 1, id="of-a-source-and-a-model"),
    ],
)
def test_rows_to_train_on_are_counted_in_the_configuration(
    tmp_path: Path, configuration: str | None, loads: str, cells: int
) -> None:
    export(tmp_path / "small")
    rows = find_rows(tmp_path / "small", entry(configuration=configuration))

    assert rows.configuration == loads
    assert rows.train_rows == cells * SPLITS["train"]


@pytest.mark.parametrize("configuration", ["phi", "metamath", "orca--phi-4", "phi-4--metamath"])
def test_a_configuration_without_rows_is_an_error_that_names_the_models_there_are(
    tmp_path: Path, configuration: str
) -> None:
    export(tmp_path / "small")

    with pytest.raises(TrainingError, match=f"configuration {configuration} .*llama-3.1-8b, phi-4"):
        find_rows(tmp_path / "small", entry(configuration=configuration))


def test_the_checksum_is_of_the_rows_and_not_of_the_card(tmp_path: Path) -> None:
    export(tmp_path / "one")
    write_folder(tmp_path / "newer", "small", frames(), replace(FACTS, version="2.0.0", titles={}))
    export(tmp_path / "other", pairs=True)
    sums = {
        name: find_rows(tmp_path / name, entry()).checksum for name in ("one", "newer", "other")
    }

    cards = {(tmp_path / name / "README.md").read_bytes() for name in ("one", "newer")}
    assert len(cards) == 2
    assert sums["one"] == sums["newer"] != sums["other"]


def test_a_folder_that_is_no_export_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="make the export first"):
        find_rows(tmp_path, entry())
