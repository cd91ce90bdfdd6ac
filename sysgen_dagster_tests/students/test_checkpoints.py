"""Checkpoints are known by what is in their files, and by nothing else."""

import shutil
from pathlib import Path

import pytest

from sysgen_dagster.catalog.students import StudentTraining
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster.students.checkpoints import (
    find_checkpoint,
    find_start,
    find_used,
    read_checkpoints,
    write_checkpoints,
)
from sysgen_dagster.tables.rates import Rate

LINES = [{"step": step, "epoch": step / 4} for step in range(1, 13)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three epochs of four steps; the third one has other weights."""
    for epoch in (1, 2, 3):
        place = tmp_path / "tiny" / "checkpoints" / f"epoch-{epoch}"
        (place / "more").mkdir(parents=True)
        (place / "config.json").write_text("{}")
        (place / "more" / "model.safetensors").write_text("new" if epoch == 3 else "old")
    return tmp_path / "tiny"


def test_epochs_are_noted_in_order_with_their_steps_and_sizes(folder: Path) -> None:
    (folder / "checkpoints" / "epoch-3").rename(folder / "checkpoints" / "epoch-12")
    written = write_checkpoints(folder, LINES[:9])
    assert [(each.epoch, each.steps, each.bytes) for each in written] == [
        (1, 4, 5),
        (2, 8, 5),
        (12, 9, 5),
    ]
    assert read_checkpoints(folder) == written


def test_equal_files_have_equal_checksums_wherever_they_lie(folder: Path, tmp_path: Path) -> None:
    first, second, third = write_checkpoints(folder, LINES)
    assert first.sha256 == second.sha256 != third.sha256
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert write_checkpoints(tmp_path / "elsewhere", LINES)[2].sha256 == third.sha256


@pytest.mark.parametrize(
    "change",
    [
        lambda place: (place / "config.json").write_text("{ }"),
        lambda place: (place / "config.json").rename(place / "configs.json"),
        lambda place: (place / "config.json").rename(place / "more" / "config.json"),
        lambda place: (place / "added").touch(),
        lambda place: (place / "more" / "model.safetensors").unlink(),
    ],
    ids=["bytes", "name", "folder", "added", "taken_away"],
)
def test_any_change_of_a_file_is_another_checksum(folder: Path, change: object) -> None:
    before = write_checkpoints(folder, LINES)[0].sha256
    assert callable(change)
    change(folder / "checkpoints" / "epoch-1")
    assert write_checkpoints(folder, LINES)[0].sha256 != before


def test_a_reward_model_s_epoch_has_the_pairs_that_were_compared_after_it(folder: Path) -> None:
    compared = [{"step": 4, "epoch": 1.0, "eval_loss": 0.6, "eval_pairs": 8}]
    compared = [each | {"eval_chosen_higher": 6} for each in compared]
    first, second, _ = write_checkpoints(folder, [*LINES[:4], *compared])
    assert (first.compared, second.compared) == (Rate(6, 8), Rate(0, 0))
    assert read_checkpoints(folder)[0] == first
    assert write_checkpoints(folder, LINES)[0].compared == Rate(0, 0)


def test_one_that_is_being_written_is_none(folder: Path) -> None:
    (folder / "checkpoints" / ".epoch-4.part").mkdir()
    assert len(write_checkpoints(folder, [])) == 3
    assert read_checkpoints(folder)[0].steps is None


def test_an_epoch_that_is_not_there_names_those_that_are(folder: Path, tmp_path: Path) -> None:
    write_checkpoints(folder, LINES)
    assert find_checkpoint(folder, 3).path == "checkpoints/epoch-3"
    with pytest.raises(TrainingError, match="tiny has epochs 1, 2, 3, not epoch 5"):
        find_checkpoint(folder, 5)
    with pytest.raises(TrainingError, match=r"nothing has no checkpoint.*sysgen train nothing"):
        find_checkpoint(tmp_path / "nothing", 1)


def training(**fields: object) -> StudentTraining:
    """An entry of the catalogue, of five epochs."""
    entry = {"name": "tiny", "student": "pupil", "mixture": "sysgen", **fields}
    return StudentTraining.model_validate(entry)


@pytest.mark.parametrize(
    ("made", "asked", "used"), [(3, None, 3), (3, 2, 2), (2, None, 2), (1, 5, 1)]
)
def test_a_training_that_ended_early_has_its_last_epoch_used(
    folder: Path, made: int, asked: int | None, used: int
) -> None:
    for epoch in range(made + 1, 4):
        shutil.rmtree(folder / "checkpoints" / f"epoch-{epoch}")
    write_checkpoints(folder, LINES)
    assert find_used(folder, training(epoch=asked)).epoch == used


def test_a_training_starts_where_the_one_before_it_is_used(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "students").mkdir()
    folder.rename(tmp_path / "students" / "tiny")
    after = training(name="after", starts_from="tiny")
    trainings = {"tiny": training(epoch=2), "after": after}
    with pytest.raises(TrainingError, match="tiny has no checkpoint"):
        find_start(tmp_path, after, trainings)
    write_checkpoints(tmp_path / "students" / "tiny", LINES)
    used = tmp_path / "students" / "tiny" / "checkpoints" / "epoch-2"
    assert find_start(tmp_path, after, trainings) == used
    assert find_start(tmp_path, trainings["tiny"], trainings) is None
