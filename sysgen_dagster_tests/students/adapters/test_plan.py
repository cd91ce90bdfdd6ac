"""What another trainer is given: files, commands that a shell takes, DeepSpeed's settings."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from sysgen_dagster.catalog.students import Trainer
from sysgen_dagster.students.adapters.plan import (
    DEEPSPEED,
    Plan,
    as_yaml,
    deepspeed_of,
    gpus_of,
    read_snippet,
)
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster_tests.students.adapters.trainings import entry


def test_files_are_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    plan = Plan(tmp_path / "a" / "b", {"one.yaml": "a: 1\n", "two.json": "{}"}, [])
    plan.folder.mkdir(parents=True)
    (plan.folder / "log.txt").write_text("kept")
    plan.write()
    plan.write()

    assert {path.name: path.read_text() for path in plan.folder.iterdir()} == {
        "one.yaml": "a: 1\n",
        "two.json": "{}",
        "log.txt": "kept",
    }


def test_a_shell_runs_the_commands_in_order_the_last_one_with_the_environment(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "a folder; rm -rf it's $HOME"
    say = ("sh", "-c", 'echo "$GPUS" "$0"')
    plan = Plan(folder, {}, [(*say, "first"), (*say, str(folder))], {"GPUS": "4,6"})
    said = subprocess.run(
        ["sh", "-c", plan.as_shell],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/bin"},
    )

    assert said.stdout.splitlines() == [" first", f"4,6 {folder}"]


def test_the_gpus_of_an_entry_are_all_that_a_trainer_sees() -> None:
    assert gpus_of(entry(Trainer.AXOLOTL, gpus=(4, 6))) == {"CUDA_VISIBLE_DEVICES": "4,6"}


@pytest.mark.parametrize(("sharding", "stage"), [("zero2", 2), ("zero3", 3)])
def test_sharding_is_deepspeed_s_with_copies_of_32_bits(sharding: str, stage: int) -> None:
    files = deepspeed_of(entry(Trainer.AXOLOTL, sharding=sharding))
    settings = json.loads(files[DEEPSPEED])

    assert settings["zero_optimization"]["stage"] == stage
    assert settings["bf16"] == {"enabled": True}
    assert settings["zero_optimization"]["stage3_gather_16bit_weights_on_model_save"] is (
        stage == 3
    )
    batch = ("train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps")
    assert {settings[name] for name in batch} == {"auto"}  # as the trainer's own settings say


def test_without_sharding_there_is_no_file() -> None:
    assert deepspeed_of(entry(Trainer.AXOLOTL)) == {}


def test_another_sharding_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(TrainingError, match=r"shards by fsdp.*zero2 or zero3"):
        deepspeed_of(entry(Trainer.AXOLOTL, sharding="fsdp"))


@pytest.mark.parametrize("content", [None, "- a\n- b\n", "a: [", "", "\xff"])
def test_a_file_that_an_export_lacks_is_named_with_the_fix(
    tmp_path: Path, content: str | None
) -> None:
    (tmp_path / "trainers").mkdir()
    if content is not None:
        (tmp_path / "trainers" / "axolotl.yaml").write_bytes(content.encode("latin-1"))

    with pytest.raises(TrainingError, match=r"axolotl\.yaml cannot be read.*export the mixture"):
        read_snippet({"data": {"folder": str(tmp_path)}}, "axolotl.yaml")


def test_settings_of_which_nothing_is_said_are_left_to_the_trainer() -> None:
    text = as_yaml({"b": 1e-6, "a": None, "template": "{{ a }}\nä"}, "Axolotl")

    assert text.startswith("# Written by sysgen train for Axolotl;")
    assert yaml.safe_load(text) == {"b": 1e-6, "template": "{{ a }}\nä"}
