import os
import subprocess
import sys
from pathlib import Path

import pytest

from sysgen_dagster_tests.students.program.trainings import PROGRAM

pytest.importorskip("transformers", reason="run by `make test-train`")
pytestmark = [pytest.mark.trl, pytest.mark.filterwarnings("ignore")]


def ask(folder: Path, prompt: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "program.answer", str(folder), "--most-tokens", "8"],
        input=prompt,
        env=os.environ | {"PYTHONPATH": str(PROGRAM.parent), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_checkpoint_that_loads_answers_the_same_each_time(tiny: Path) -> None:
    from sysgen_dagster.students.program.answer import answer

    done = ask(tiny, "What is 1 + 1?")
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == answer(tiny, "What is 1 + 1?", 8) + "\n"
    assert len(done.stdout) > 1  # of a random model perhaps eight line breaks


def test_a_folder_without_a_checkpoint_fails_with_its_name(tmp_path: Path) -> None:
    done = ask(tmp_path / "nothing", "What is 1 + 1?")
    assert done.returncode != 0
    assert "nothing" in done.stderr
