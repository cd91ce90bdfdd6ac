"""Trainings as processes that are really killed: they go on, are found again, and are never two."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sysgen_dagster.processes.supervisor import Ending
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster.students.launching import (
    Running,
    TrainingEndedError,
    find_running,
    find_trainer,
    following,
    program_command,
    require_trainer,
    start_or_attach,
)
from sysgen_dagster_tests.inference.processes import Descendants, Run, kill, wait_until
from sysgen_dagster_tests.students.simulated_trainer import Behaviour
from sysgen_dagster_tests.students.trainings import (
    ENDING,
    ONLY_THE_TRAINING,
    WAITING,
    arguments_in,
    command_of,
    losses,
    uninterrupted,
)

# Follows a training as a run does. Arguments: folder, behaviour.
RUN = """
import os, sys, time
from pathlib import Path
from sysgen_dagster.students.launching import following, start_or_attach
from sysgen_dagster_tests.students.trainings import ENDING, WAITING, arguments_in, command_of
folder = Path(sys.argv[1])
with following(folder, "run one"):
    running = start_or_attach(folder, arguments_in(folder), command_of(WAITING), os.environ, ENDING)
    print("url: attached" if running.is_attached else "url: started", flush=True)
    while running.is_alive:
        time.sleep(0.02)
    running.require_done("")
    print("url: done", flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path, descendants: Descendants) -> Iterator[Path]:
    """The folder of a training, which is ended after the test."""
    folder = tmp_path / "tiny-sft"
    yield folder
    left = find_running(folder)
    if left:
        left.stop()


@pytest.fixture
def begin(folder: Path, tmp_path: Path) -> Iterator[Callable[[], Run]]:
    """Begins runs that follow the training, each a process of its own."""
    runs: list[Run] = []

    def begin() -> Run:
        runs.append(Run.of(tmp_path / f"run-{len(runs)}.txt", RUN, str(folder)))
        return runs[-1]

    yield begin
    for run in runs:
        run.kill()


@contextmanager
def training(
    folder: Path, behaviour: Behaviour = WAITING, ending: Ending = ENDING, **changes: object
) -> Iterator[Running]:
    """A training that is followed until the context ends, which does not end the training."""
    with following(folder, "run two", within_s=5):
        said = arguments_in(folder, **changes)
        yield start_or_attach(folder, said, command_of(behaviour), os.environ, ending)


def wait_for_end(running: Running) -> None:
    wait_until(lambda: not running.is_alive)


def wait_for_step(folder: Path, step: int) -> None:
    file = folder / "metrics.jsonl"
    wait_until(lambda: file.is_file() and file.read_bytes().count(b"\n") >= step)


def test_a_training_that_is_done_says_so(folder: Path) -> None:
    with training(folder, Behaviour(step_s=0)) as running:
        assert not running.is_attached
        wait_for_end(running)
        status = running.require_done("")
    assert (status.state, status.step, status.tokens_seen) == ("done", 10, 1000)
    assert json.loads((folder / "arguments.json").read_text()) == arguments_in(folder)


def test_one_that_is_started_again_when_it_is_done_makes_no_step_again(folder: Path) -> None:
    for _ in range(2):
        with training(folder, Behaviour(step_s=0)) as running:
            wait_for_end(running)
            assert running.require_done("").state == "done"
    assert [step for step, _ in losses(folder)] == [*range(1, 11)]


def test_a_training_outlives_the_run_that_started_it_and_the_next_one_finds_it(
    folder: Path, begin: Callable[[], Run], descendants: Descendants
) -> None:
    first = begin()
    wait_for_step(folder, 2)
    [process] = descendants(ONLY_THE_TRAINING)
    first.kill()
    second = begin()
    second.wait_for("url: attached")
    assert descendants(ONLY_THE_TRAINING) == [process]
    (folder / "go").touch()
    second.end()
    assert "url: done" in second.output
    assert losses(folder) == uninterrupted()


@pytest.mark.parametrize("step", [0, 4, 9])
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_a_training_that_a_signal_ends_goes_on_to_the_same_losses(
    folder: Path, descendants: Descendants, sent: signal.Signals, step: int
) -> None:
    slow = Behaviour(step_s=0.05, save_s=0.02, prepare_s=0.05)
    with training(folder, slow) as running:
        wait_until(lambda: (folder / "status.json").is_file())
        wait_for_step(folder, step)
        [process] = descendants(ONLY_THE_TRAINING)
        os.kill(process, sent)
        wait_for_end(running)
        words = "was stopped" if sent == signal.SIGTERM else "was killed"
        with pytest.raises(TrainingEndedError, match=words):
            running.require_done("the log")
    with training(folder, slow) as running:
        wait_for_end(running)
        running.require_done("")
    assert losses(folder) == uninterrupted()


def test_when_run_and_training_are_killed_together_the_next_run_resumes(
    folder: Path, begin: Callable[[], Run], descendants: Descendants
) -> None:
    run = begin()
    wait_for_step(folder, 5)
    kill(*descendants(ONLY_THE_TRAINING))
    run.kill()
    (folder / "go").touch()
    again = begin()
    again.end()
    assert "url: started" in again.output
    assert losses(folder) == uninterrupted()


def test_where_the_supervisor_is_killed_nothing_starts_before_the_training_has_ended(
    folder: Path, descendants: Descendants
) -> None:
    with training(folder, Behaviour(step_s=0.05, save_s=1.0)) as running:
        wait_for_step(folder, 2)
        [supervisor] = descendants(r"sysgen_dagster\.processes\.supervisor")
        kill(supervisor)
    with training(folder, Behaviour(step_s=0.05, save_s=1.0)) as running:
        assert running.is_attached
        wait_for_end(running)
        assert descendants() == []
    with training(folder, Behaviour(step_s=0)) as running:
        wait_for_end(running)
        running.require_done("")
    assert losses(folder) == uninterrupted()


def test_stopping_ends_it_with_a_checkpoint(folder: Path, descendants: Descendants) -> None:
    with training(folder, Behaviour(step_s=0.05, save_s=0.3)) as running:
        wait_for_step(folder, 2)
        running.stop()
        assert descendants(ONLY_THE_TRAINING) == []
        with pytest.raises(TrainingEndedError, match=r"tiny-sft at step \d of 10 was stopped"):
            running.require_done("")
    saved = json.loads((folder / "resume" / "resume.json").read_text())
    assert saved["step"] == losses(folder)[-1][0]


def test_one_that_does_not_end_is_killed(folder: Path, descendants: Descendants) -> None:
    never = replace(ENDING, grace_s=0.3, group_grace_s=0.1)
    with training(folder, Behaviour(step_s=0.05, save_s=600), never) as running:
        wait_for_step(folder, 1)
        running.stop()
        assert descendants(ONLY_THE_TRAINING) == []
        with pytest.raises(TrainingEndedError, match="was killed"):
            running.require_done("")


def test_a_training_that_no_run_follows_ends_with_a_checkpoint(
    folder: Path, descendants: Descendants
) -> None:
    with training(folder, WAITING, replace(ENDING, idle_s=0.2)):
        wait_for_step(folder, 2)
    wait_until(lambda: not descendants())
    assert json.loads((folder / "status.json").read_text())["state"] == "stopped"


def test_a_second_run_is_refused_by_the_name_of_the_first(folder: Path) -> None:
    with (
        training(folder),
        pytest.raises(TrainingError, match=r"tiny-sft is in use \(run two\)"),
        following(folder, "run three", within_s=0.1),
    ):
        pass


def test_other_arguments_do_not_reach_a_training_that_runs(folder: Path) -> None:
    with training(folder):
        wait_for_step(folder, 1)
    with (
        pytest.raises(TrainingError, match="tiny-sft is being trained with other arguments"),
        training(folder, learning_rate=1.0),
    ):
        pass
    assert json.loads((folder / "arguments.json").read_text())["learning_rate"] == 1e-3


@pytest.mark.parametrize("processes", [2, 8])
def test_a_launcher_of_several_processes_does_not_kill_them_while_they_save(
    folder: Path, descendants: Descendants, processes: int
) -> None:
    several = Behaviour(step_s=0.05, save_s=0.8, launches=processes)
    with training(folder, several, replace(ENDING, spares_launcher=True)) as running:
        wait_for_step(folder, 2)
        running.stop()
        assert descendants(ONLY_THE_TRAINING) == []
        with pytest.raises(TrainingEndedError, match="was stopped"):
            running.require_done("")
    with training(folder, Behaviour(step_s=0)) as running:
        wait_for_end(running)
    assert losses(folder) == uninterrupted()


def test_a_refusal_says_why_and_is_not_tried_again(folder: Path) -> None:
    with training(folder, Behaviour(fails="the template has no end mark")) as running:
        wait_for_end(running)
        with pytest.raises(TrainingError, match="failed: the template has no end mark") as caught:
            running.require_done("")
    assert not caught.value.may_come_back


def test_what_an_earlier_process_said_is_not_taken_for_the_word_of_one_that_died_at_once(
    folder: Path,
) -> None:
    with training(folder, Behaviour(step_s=0)) as running:
        wait_for_end(running)
    with training(folder, Behaviour(dies=True)) as running:
        wait_for_end(running)
        with pytest.raises(TrainingError, match=r"before it began to train.*log:\nNo module"):
            running.require_done("No module named 'torch'")


@pytest.mark.parametrize("kind", ["python", "environment", "beside"])
def test_the_trainer_is_the_python_that_is_named_or_beside_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    python = tmp_path / ".venv-train" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    named = {"python": str(python), "environment": str(tmp_path / ".venv-train"), "beside": ""}
    monkeypatch.setenv("SYSGEN_TRAIN", named[kind])
    assert find_trainer() == python


def test_without_a_trainer_it_is_said_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_TRAIN", str(tmp_path / "nothing"))
    assert find_trainer() is None
    with pytest.raises(TrainingError, match=r"SYSGEN_TRAIN=.*nothing is none.*locks/train.txt"):
        require_trainer()


def test_the_program_gets_nothing_of_this_package_but_its_own_folder() -> None:
    command = program_command(Path("/train/python"), "program")
    students = Path(sys.modules["sysgen_dagster.students"].__path__[0])
    assert command == [
        "env", f"PYTHONPATH={students}", "PYTHONSAFEPATH=1", "/train/python", "-m", "program",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sharding", "word"),
    [
        ("none", "accelerate.commands.launch"),
        ("zero2", "--zero_stage=2"),
        ("zero3", "--zero_stage=3"),
        ("fsdp", "--use_fsdp"),
    ],
)
def test_several_processes_share_the_weights_as_the_training_says(sharding: str, word: str) -> None:
    command = program_command(Path("/train/python"), "program", processes=8, sharding=sharding)
    assert command[-2:] == ["-m", "program"]
    assert "--num_processes=8" in command
    assert word in command


def test_a_run_that_starts_at_the_moment_another_one_ends_waits_for_it(folder: Path) -> None:
    with following(folder, "run one"):
        began = time.monotonic()
        with (
            pytest.raises(TrainingError, match="run one"),
            following(folder, "run two", within_s=0.3),
        ):
            pass
        assert time.monotonic() - began > 0.3
    with following(folder, "run two", within_s=0.3):
        pass


def test_what_trains_in_a_pod_is_not_ended_by_a_process_id_of_this_machine(
    tmp_path: Path,
) -> None:
    folder, child = tmp_path, subprocess.Popen(["sleep", "60"])
    with (folder / "process.json").open("w") as state:
        fcntl.flock(state, fcntl.LOCK_EX)
        json.dump({"status_before": "", "in_pod": True, "pid": child.pid}, state)
        state.flush()
        running = find_running(folder)
        assert running is not None
        assert running.is_alive
        with pytest.raises(TrainingError, match="SYSGEN_TRAIN_POD"):
            running.stop(0.1)
        with pytest.raises(TrainingError, match="SYSGEN_TRAIN_POD"):
            start_or_attach(folder, {}, ["true"], {})
    assert child.poll() is None
    child.kill()
    child.wait()
