"""`sysgen train`: what it makes, tries, writes for other trainers, and how it is ended."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from click.testing import CliRunner, Result

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.cli import sysgen
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students.metrics import read_status
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.tables import SPLITS
from sysgen_dagster_tests.inference.processes import CEILING_S, Descendants, wait_until
from sysgen_dagster_tests.students.simulated_trainer import Behaviour
from sysgen_dagster_tests.students.trainings import write_trainer
from sysgen_dagster_tests.training_sets.export.exports import export

MIXTURE = "sysgen"
ENTRY = {"student": "pupil", "mixture": MIXTURE, "epochs": 1, "most_steps": 10, "batch": 4}
TRAININGS = {
    "ours": ENTRY,
    "of-phi": ENTRY | {"configuration": "phi-4", "epochs": 5},
    "axolotl": ENTRY | {"trainer": "axolotl"},
    "factory": ENTRY | {"trainer": "llama_factory"},
    "later": ENTRY | {"starts_from": "ours"},
    "of-nobody": ENTRY | {"configuration": "qwen2.5-14b"},
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment with an export, some trainings on it, and a trainer that trains nothing."""
    folder = tmp_path / "data"
    full = local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS).model_dump(mode="json")
    pupil = {"weights": "org/pupil", "license": "mit"}
    catalog = full | {"students": {"pupil": pupil}, "trainings": TRAININGS}
    folder.mkdir()
    (folder / "catalog.yaml").write_text(yaml.safe_dump(catalog, sort_keys=False))
    export(folder / "exports" / MIXTURE, name=MIXTURE)
    Store(folder).write(SPLITS, Partition(), pl.DataFrame(schema=SPLITS.schema))
    for name in ("SYSGEN_DATA", "SYSGEN_WORK", "SYSGEN_CATALOG", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("SYSGEN_TRAIN", str(write_trainer(tmp_path / "python")))
    return folder


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(sysgen, ["train", *arguments, "-o", str(data)])


def start(data: Path, name: str) -> "subprocess.Popen[str]":
    program = "from sysgen_dagster.cli import sysgen; sysgen()"
    command = [sys.executable, "-c", program, "train", name, "-o", str(data)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("arguments", [[], ["ours", "--list"]])
def test_it_wants_a_name_or_to_list(data: Path, arguments: list[str]) -> None:
    result = run(data, *arguments)

    assert result.exit_code == 2
    assert "give the name of a training, or --list" in result.output


def test_the_list_says_of_each_training_what_it_is_and_how_far(data: Path) -> None:
    status = data / "students" / "of-phi" / "status.json"
    status.parent.mkdir(parents=True)
    status.write_text('{"state": "stopped", "step": 7, "steps": 40}')
    lines = {
        cells[0]: cells[1:]
        for line in run(data, "--list").output.splitlines()
        if (cells := [cell.strip() for cell in line.strip("│").split("│")])[0] in TRAININGS
    }

    assert lines.keys() == TRAININGS.keys()
    assert lines["ours"] == ["pupil", "sysgen, all rows", "sft", "trl", "1 of 1", "to do"]
    assert lines["of-phi"][1] == "sysgen, phi-4"
    assert lines["of-phi"][-2:] == ["3 of 5", "stopped, step 7 of 40"]


def test_a_training_whose_mixture_is_not_exported_says_so(data: Path) -> None:
    (data / "exports" / MIXTURE / "manifest.json").unlink()

    assert "to do, and to export" in run(data, "--list").output


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("our", "our is no training of the catalogue, which has ours, of-phi, axolotl"),
        ("factory", "Give the student pupil the name of one as `llama_factory_template`"),
    ],
)
def test_what_cannot_be_done_is_one_message(data: Path, name: str, message: str) -> None:
    result = run(data, name)

    assert result.exit_code == 1
    assert message in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("later", "the training ours has no checkpoint"),
        ("of-nobody", "which has no rows to train on there; its models are llama-3.1-8b, phi-4"),
    ],
)
def test_a_trial_says_what_the_training_would(data: Path, name: str, message: str) -> None:
    result = run(data, name, "--steps", "3")

    assert result.exit_code == 1
    assert message in " ".join(result.output.split())


def test_a_trial_shows_its_steps_and_keeps_nothing(data: Path, descendants: Descendants) -> None:
    result = run(data, "ours", "--steps", "3")

    assert result.exit_code == 0
    assert [line[:6] for line in result.output.splitlines() if line.startswith("step")] == [
        "step 1",
        "step 2",
        "step 3",
    ]
    assert "nothing of it is kept" in result.output
    assert not list((data / "students").iterdir())


def test_a_trial_that_fails_says_why(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_trainer(tmp_path / "python", Behaviour(fails="the rows are longer than the model reads"))
    result = run(data, "ours", "--steps", "3")

    assert result.exit_code == 1
    assert "the rows are longer than the model reads" in result.output


def test_a_trial_needs_a_trainer(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSGEN_TRAIN", str(data / "nowhere"))

    assert "SYSGEN_TRAIN" in run(data, "ours", "--steps", "3").output


def test_for_another_trainer_its_file_is_written_and_its_command_said(data: Path) -> None:
    result = run(data, "axolotl")
    folder = data / "students" / "axolotl"
    written: dict[str, Any] = yaml.safe_load((folder / "axolotl.yaml").read_text())

    assert result.exit_code == 0
    assert f"axolotl train {folder / 'axolotl.yaml'}" in result.output
    assert written["base_model"] == "org/pupil"
    assert written["datasets"][0]["path"] == str(data / "exports" / MIXTURE)


def test_a_training_is_made_and_its_card_written(data: Path, descendants: Descendants) -> None:
    process = start(data, "ours")
    said, _ = process.communicate(timeout=CEILING_S)
    folder = data / "students" / "ours"

    assert process.returncode == 0, said
    assert f"Trained: {folder / 'checkpoints' / 'epoch-1'} (epoch 1, sha256 " in said
    assert "Built with Llama" in (folder / "README.md").read_text()
    assert "trained" in run(data, "--list").output


@pytest.mark.slow
def test_a_signal_ends_a_training_with_a_checkpoint_and_the_command_goes_on(
    data: Path, tmp_path: Path, descendants: Descendants
) -> None:
    write_trainer(tmp_path / "python", Behaviour(waits_after=4))
    folder = data / "students" / "ours"
    process = start(data, "ours")
    metrics = folder / "metrics.jsonl"
    wait_until(lambda: metrics.is_file() and metrics.read_bytes().count(b"\n") >= 4)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=CEILING_S)
    status = read_status(folder)

    assert process.returncode == 130
    assert "the training writes a checkpoint and ends" in said
    assert status is not None
    assert (status.state, status.step) == ("stopped", 4)

    write_trainer(tmp_path / "python")
    again = start(data, "ours")
    said, _ = again.communicate(timeout=CEILING_S)
    status = read_status(folder)
    assert again.returncode == 0, said
    assert status is not None
    assert (status.state, status.resumed_from) == ("done", 4)
