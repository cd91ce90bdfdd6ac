"""Which checkpoint a model of the catalogue is, and what is said where it is none."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.catalog.models import Model
from sysgen_dagster.catalog.students import StudentTraining
from sysgen_dagster.defs.plumbing import asked, trained
from sysgen_dagster.defs.plumbing.asked import asked_tags
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.resources import InferenceResource
from sysgen_dagster.defs.plumbing.trained import students_of
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.local.checkpoints import ServedCheckpoint
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.students.checkpoints import CHECKPOINTS, write_checkpoints
from sysgen_dagster.tables.table import Partition


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a deployment with the training `made`, of five epochs."""
    entry = {"name": "made", "student": "base", "mixture": "sysgen", "epochs": 5}
    trainings = {"made": StudentTraining.model_validate(entry)}
    catalog = CATALOG.model_copy(update={"trainings": trainings})
    monkeypatch.setattr(trained, "CATALOG", catalog)
    return tmp_path


def train(work: Path, epochs: Iterable[int], weights: str = "weights of epoch") -> Path:
    """What a training leaves in its folder."""
    folder = work / "students" / "made"
    for epoch in epochs:
        place = folder / "checkpoints" / f"epoch-{epoch}"
        place.mkdir(parents=True, exist_ok=True)
        (place / "config.json").write_text("{}")
        (place / "model.safetensors").write_text(f"{weights} {epoch}")
    write_checkpoints(folder, [])
    return folder


def student(**fields: Any) -> Model:
    return Model.model_validate({"name": "student", "training": "made"} | fields)


def find(work: Path, **fields: Any) -> ServedCheckpoint:
    return students_of(work).checkpoint_of(student(**fields))


def test_it_is_the_epoch_that_the_training_uses(work: Path) -> None:
    folder = train(work, range(1, 6))
    found = find(work)
    assert found.folder == folder / "checkpoints" / "epoch-3"
    assert found.title == "epoch 3 of the training made"


def test_a_model_may_be_another_epoch_with_a_checksum_of_its_own(work: Path) -> None:
    train(work, range(1, 6))
    found = find(work, epoch=5)
    assert found.folder.name == "epoch-5"
    assert found.sha256 != find(work).sha256


def test_of_a_training_that_ended_before_the_used_epoch_it_is_the_last_one(work: Path) -> None:
    train(work, [1, 2])
    assert find(work).folder.name == "epoch-2"


@pytest.mark.parametrize(
    ("epochs", "fields"),
    [
        pytest.param([], {}, id="not-made"),
        pytest.param([1, 2], {"epoch": 3}, id="not-that-far"),
    ],
)
def test_where_there_is_none_the_error_names_model_training_epoch_and_what_makes_it(
    work: Path, epochs: list[int], fields: dict[str, Any]
) -> None:
    train(work, epochs) if epochs else None
    with pytest.raises(EngineError, match="student is the student of a training") as error:
        find(work, **fields)
    for word in ("made", "epoch 3", "trained_students", "sysgen train made"):
        assert word in str(error.value)


def test_weights_that_changed_after_the_training_are_refused_until_they_are_noted(
    work: Path,
) -> None:
    file = train(work, range(1, 6)) / "checkpoints" / "epoch-3" / "model.safetensors"
    before = find(work).sha256
    noted_at = (work / "students" / "made" / CHECKPOINTS).stat().st_mtime
    file.write_text("weights of another")  # as long as before
    os.utime(file, (noted_at + 1, noted_at + 1))
    with pytest.raises(EngineError, match=r"epoch 3 of the training made.*changed after it"):
        find(work)
    file.write_text("cut")
    os.utime(file, (noted_at - 1, noted_at - 1))
    with pytest.raises(EngineError, match="make the partition made of trained_students again"):
        find(work)
    os.utime(file, (noted_at - 1, noted_at - 1))
    write_checkpoints(work / "students" / "made", [])
    assert find(work).sha256 != before


def test_other_epochs_may_change_meanwhile(work: Path) -> None:
    file = train(work, range(1, 6)) / "checkpoints" / "epoch-4" / "model.safetensors"
    file.write_text("other")
    assert find(work).folder.name == "epoch-3"


def test_the_deployment_s_engines_know_its_students(work: Path) -> None:
    train(work, range(1, 6))
    engines = InferenceResource(root=str(work)).engines()
    assert find(work).sha256 in str(engines.identify(student()).variant)


def _asked_as(work: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    catalog = CATALOG.model_copy(update={"models": {**CATALOG.models, "student": student()}})
    monkeypatch.setattr(asked, "CATALOG", catalog)
    identify = InferenceResource(root=str(work)).engines().identify
    return asked_tags(ALIGNED, Partition("student", "capybara-000"), identify)


def test_rows_of_another_checkpoint_are_out_of_date_and_those_of_the_same_are_not(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(work, range(1, 6))
    first = _asked_as(work, monkeypatch)
    train(work, range(1, 6))
    assert _asked_as(work, monkeypatch) == first != {}
    train(work, range(1, 6), "other weights")
    assert _asked_as(work, monkeypatch) != first


def test_where_the_training_lies_on_another_machine_its_rows_are_not_called_out_of_date(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _asked_as(work, monkeypatch) == {}
