"""The asset that trains students, in runs that are real processes; the trainer trains nothing."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sysgen_dagster.catalog.students import StudentTraining
from sysgen_dagster.defs.students import _own_gpus
from sysgen_dagster.processes.state import running
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students.launching import find_running
from sysgen_dagster.students.tables import TRAINED_STUDENTS
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.defs.student_deployment import MIXTURE, Deployment
from sysgen_dagster_tests.inference.local_servers import in_use, on_gpu, quick_use
from sysgen_dagster_tests.inference.processes import Descendants, kill, wait_until
from sysgen_dagster_tests.students.trainings import (
    ONLY_THE_TRAINING,
    losses,
    uninterrupted,
)


@pytest.fixture
def deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, descendants: Descendants
) -> Iterator[Deployment]:
    it = Deployment(tmp_path / "data", monkeypatch)
    it.build()
    yield it
    for run in it.runs:
        run.kill()
    for name in ("first", "second"):
        left = find_running(it.folder(name)) if it.folder(name).is_dir() else None
        if left:
            left.stop()


def test_a_run_trains_a_student_and_shows_how_it_went(deployment: Deployment) -> None:
    deployment.behave(step_s=0.2)
    said = deployment.make()

    assert (said["errors"], said["broken"]) == ([], [])
    stored = Store(deployment.data).read(TRAINED_STUDENTS, Partition(training="first"))
    assert list(stored.select("step", "loss").iter_rows()) == uninterrupted()
    assert stored["eval_loss"].drop_nulls().len() == 1
    assert said["observed"][-1]["step"] == said["observed"][-1]["steps"] == 10
    assert "minutes_left" in said["observed"][-1]
    assert said["metadata"]["tokens"] == "1000"
    assert said["metadata"]["used_epoch"] == "1"
    assert "data:image/svg+xml" in said["metadata"]["loss"]
    arguments = json.loads((deployment.folder() / "arguments.json").read_text())
    assert arguments["data"]["folder"] == str(deployment.folder() / "data")
    noted = json.loads((deployment.folder() / "checkpoints.json").read_text())["checkpoints"]
    assert [each["steps"] for each in noted] == [10]


def test_a_cancelled_run_ends_its_training_with_a_checkpoint_and_the_next_one_resumes(
    deployment: Deployment, descendants: Descendants
) -> None:
    deployment.behave(waits_after=5, save_s=0.3)
    run = deployment.begin()
    deployment.wait_for_step(5)
    run.process.send_signal(signal.SIGTERM)
    run.process.wait(60)
    assert descendants(ONLY_THE_TRAINING) == []
    assert json.loads((deployment.folder() / "resume" / "resume.json").read_text())["step"] == 5
    deployment.behave()
    assert deployment.make()["errors"] == []
    assert losses(deployment.folder()) == uninterrupted()


def test_a_killed_run_leaves_its_training_to_the_next_one(
    deployment: Deployment, descendants: Descendants
) -> None:
    deployment.behave(waits_after=5)
    run = deployment.begin()
    deployment.wait_for_step(5)
    [process] = descendants(ONLY_THE_TRAINING)
    run.kill()
    users = deployment.folder() / "process.users"
    before = users.read_text()
    second = deployment.begin()
    wait_until(lambda: users.read_text() not in ("", before))
    assert descendants(ONLY_THE_TRAINING) == [process]
    (deployment.folder() / "go").touch()
    said = json.loads(second.url)
    assert (said["errors"], said["broken"]) == ([], [])
    assert losses(deployment.folder()) == uninterrupted()


@pytest.mark.slow  # the next try comes half a minute later
def test_a_killed_training_is_a_step_that_is_tried_again(
    deployment: Deployment, descendants: Descendants
) -> None:
    deployment.behave(waits_after=5)
    run = deployment.begin()
    deployment.wait_for_step(5)
    deployment.behave()  # the next try waits for nothing
    kill(*descendants(ONLY_THE_TRAINING))
    assert json.loads(run.url)["errors"] == []
    assert losses(deployment.folder()) == uninterrupted()


def test_a_second_training_starts_from_the_checkpoint_of_the_first(deployment: Deployment) -> None:
    [error] = deployment.make("second")["errors"]
    assert "first has no checkpoint" in error
    assert "sysgen train first" in error
    deployment.make()
    assert deployment.make("second")["errors"] == []
    arguments = json.loads((deployment.folder("second") / "arguments.json").read_text())
    assert arguments["model"]["weights"] == str(deployment.folder() / "checkpoints" / "epoch-1")


def test_what_another_trainer_trains_is_not_started(deployment: Deployment) -> None:
    [error] = deployment.make("elsewhere")["errors"]
    assert "elsewhere is trained by axolotl" in error
    assert not deployment.folder("elsewhere").exists()


@pytest.mark.parametrize(
    ("how", "broken"),
    [
        ({"factor": 1.1}, "loss_falls"),
        ({"factor": float("nan")}, "loss_is_finite"),
        ({"lost": 3}, "no_rows_lost"),
        ({"changed": 0.02}, "weights_changed"),
        ({"seen": 0.5}, "tokens_as_expected"),
        ({"says": " "}, "checkpoint_answers"),
    ],
)
def test_what_went_wrong_in_a_training_breaks_a_check(
    deployment: Deployment, how: dict[str, Any], broken: str
) -> None:
    deployment.behave(**how)
    names = [each.partition(":")[0] for each in deployment.make()["broken"]]
    assert broken in names


def test_a_row_that_is_in_the_test_split_was_not_to_be_trained_on(deployment: Deployment) -> None:
    deployment.split("capybara-train-0", "elsewhere")
    [broken] = deployment.make()["broken"]
    assert broken.startswith("no_test_rows")


def test_without_a_trainer_or_an_export_it_is_said_what_to_make(deployment: Deployment) -> None:
    (deployment.data / "exports" / MIXTURE / "manifest.json").unlink()
    [error] = deployment.make()["errors"]
    assert "make the export first" in error
    (deployment.data / "python").unlink()
    [error] = deployment.make()["errors"]
    assert "locks/train.txt" in error


def test_a_training_on_a_gpu_ends_the_idle_server_there_and_lets_none_start(
    tmp_path: Path, descendants: Descendants
) -> None:
    training = StudentTraining(name="first", student="pupil", mixture=MIXTURE, gpus=(0,))
    lines: list[str] = []
    context: Any = SimpleNamespace(log=SimpleNamespace(info=lines.append))
    engines = tmp_path / "engines"
    with in_use(on_gpu("a"), engines):
        pass
    with _own_gpus(training, tmp_path, context):
        assert running(engines) == []
        waiting: list[str] = []
        use = quick_use(on_gpu("b"), engines, waiting.append)

        def give_up(line: str) -> None:
            waiting.append(line)
            use.cancelled.set()

        use.report = give_up
        with pytest.raises(Exception, match="was ended"):
            use.claim()
        use.release()
        assert "another run is starting a server" in waiting[0]
    assert "ending a, which is not in use" in lines[0]
