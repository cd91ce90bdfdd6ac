"""A checkpoint is asked in the environment that trains."""

from pathlib import Path

import pytest

from sysgen_dagster.students.answering import ask_checkpoint
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster_tests.students.simulated_trainer import Behaviour
from sysgen_dagster_tests.students.trainings import write_trainer


def written(folder: Path, script: str) -> Path:
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return python


def test_it_gets_the_prompt_and_its_answer_is_given_without_blanks(tmp_path: Path) -> None:
    python = written(tmp_path, 'echo "  $3 $4: $(cat)  "')
    said = ask_checkpoint(python, Path("/x"), "Who?")
    assert said == "/x : Who?"


def test_the_simulated_trainer_answers(tmp_path: Path) -> None:
    python = write_trainer(tmp_path / "python", Behaviour(says="Yes."))
    assert ask_checkpoint(python, tmp_path, "Is it?") == "Yes."


@pytest.mark.parametrize(
    ("script", "within_s", "said"),
    [
        ("echo 'OSError: no file named model.safetensors' >&2; exit 1", 60, "no file named model"),
        ("exec sleep 60", 0.3, "gave no answer within 0.3 s"),
    ],
)
def test_what_goes_wrong_is_said(tmp_path: Path, script: str, within_s: float, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        ask_checkpoint(written(tmp_path, script), tmp_path, "Who?", within_s)


@pytest.mark.parametrize(("python", "checkpoint"), [(None, Path("/x")), (Path("/x"), None)])
def test_without_a_python_or_a_checkpoint_nothing_is_asked(
    python: Path | None, checkpoint: Path | None
) -> None:
    with pytest.raises(TrainingError, match="could not be asked"):
        ask_checkpoint(python, checkpoint, "Who?")
