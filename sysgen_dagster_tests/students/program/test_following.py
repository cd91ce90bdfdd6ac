"""What a follower says a trainer is to do; `test_training.py` holds what comes of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("transformers", reason="run by `make test-train`")
pytestmark = [pytest.mark.trl, pytest.mark.filterwarnings("ignore")]

from sysgen_dagster.students.program.arguments import read_arguments  # noqa: E402
from sysgen_dagster.students.program.endings import FailedError, Stopping  # noqa: E402
from sysgen_dagster.students.program.following import MEASURED_AFTER, Follower  # noqa: E402
from sysgen_dagster.students.program.order import Batches  # noqa: E402
from sysgen_dagster.students.program.records import Status  # noqa: E402
from sysgen_dagster_tests.students.program.trainings import build, read_metrics  # noqa: E402


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    """Of a training with 40 steps an epoch, which saves every 15 and evaluates."""
    (tmp_path / "manifest.json").write_text('{"files": []}')
    build(tmp_path, tmp_path, tmp_path, 160, save_every_steps=15)
    arguments = read_arguments(tmp_path / "arguments.json")
    status = Status(tmp_path, writes=True)
    follower = Follower(arguments, Batches(160, 2, 2, 1), status, Stopping(), None)
    follower.trainer = SimpleNamespace(eval_dataset=[1], tokens=(70, 20))
    return follower


def after(follower: Follower, step: int, most: int = 80) -> tuple[bool, bool, bool]:
    """Whether it evaluates, saves, ends after a step."""
    control = SimpleNamespace(should_training_stop=False)
    follower.on_step_end(None, SimpleNamespace(global_step=step, max_steps=most), control)
    return control.should_evaluate, control.should_save, control.should_training_stop


@pytest.mark.parametrize(
    ("step", "most", "expected"),
    [
        (1, 80, (False, False, False)),
        (15, 80, (False, True, False)),
        (40, 80, (True, True, False)),
        (41, 80, (False, False, False)),
        (45, 80, (False, True, False)),
        (80, 80, (True, True, False)),
        (50, 50, (True, True, False)),  # `most_steps` ends the second epoch
    ],
)
def test_epochs_are_evaluated_and_saved_and_states_between_saved(
    follower: Follower, step: int, most: int, expected: tuple[bool, bool, bool]
) -> None:
    assert after(follower, step, most) == expected


def test_after_a_signal_the_step_is_the_last_and_is_saved(follower: Follower) -> None:
    follower._stopping.wanted = True
    assert after(follower, 7) == (False, True, True)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_leaves_no_line(
    follower: Follower, tmp_path: Path, loss: float
) -> None:
    state: Any = SimpleNamespace(global_step=3, epoch=0.1)
    args: Any = SimpleNamespace(device=SimpleNamespace(type="cpu"))
    logs = {"loss": 2.0, "grad_norm": 1.0, "learning_rate": 1e-6}
    follower.on_log(args, state, SimpleNamespace(should_save=False), logs)
    with pytest.raises(FailedError, match="step 3"):
        follower.on_log(args, state, SimpleNamespace(should_save=False), logs | {"loss": loss})
    (line,) = read_metrics(tmp_path)
    assert (line["step"], line["loss"], line["tokens"]) == (3, 2.0, 70)


def test_weights_are_looked_at_once(follower: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    monkeypatch.setattr(Follower, "_require_moved_weights", lambda _, step: looked.append(step))
    for step in range(1, 81):
        after(follower, step)
    after(follower, 3, most=3)
    assert looked == [MEASURED_AFTER, 3]
