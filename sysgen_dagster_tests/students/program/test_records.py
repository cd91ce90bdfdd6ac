import json
from pathlib import Path

import pytest

from sysgen_dagster.students.program.records import Metrics, Status, find_versions, write_json
from sysgen_dagster_tests.students.program.trainings import read_metrics, read_status


def test_the_status_has_all_its_fields_from_the_first_time_on(tmp_path: Path) -> None:
    status = Status(tmp_path / "not there yet", writes=True)
    status.update(state="training", step=3)
    first = read_status(tmp_path / "not there yet")
    status.update(state="done", changed_weights=0.9)
    assert first.keys() == read_status(tmp_path / "not there yet").keys()
    assert (first["state"], first["step"], first["resumed_from"]) == ("training", 3, None)


def test_a_field_that_nobody_reads_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="steps_done"):
        Status(tmp_path, writes=True).update(steps_done=3)


def test_of_several_processes_one_writes(tmp_path: Path) -> None:
    Status(tmp_path, writes=False).update(state="training")
    Metrics(tmp_path, writes=False).add(step=1, loss=2.0)
    Metrics(tmp_path, writes=False).keep_until(0)
    assert list(tmp_path.iterdir()) == []


def test_seconds_go_on_from_those_before(tmp_path: Path) -> None:
    status = Status(tmp_path, writes=True)
    status.go_on_from(100.0)
    assert 100.0 <= status.seconds < 110.0


def test_lines_of_steps_that_are_made_again_are_taken_away(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, writes=True)
    for step in (1, 2, 3):
        metrics.add(step=step, loss=1.0 / step)
    metrics.add(step=2, eval_loss=3.0)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')  # cut by a kill
    metrics.keep_until(2)
    metrics.add(step=3, loss=0.5)
    assert [line["step"] for line in read_metrics(tmp_path)] == [1, 2, 2, 3]
    assert read_metrics(tmp_path)[-1] == {"step": 3, "loss": 0.5}


def test_metrics_that_are_not_there_need_nothing_taken_away(tmp_path: Path) -> None:
    Metrics(tmp_path, writes=True).keep_until(5)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "new" / "a.json", {"text": "\u8a9e"})
    with pytest.raises(TypeError):
        write_json(tmp_path / "new" / "a.json", {"text": object()})
    assert json.loads((tmp_path / "new" / "a.json").read_text()) == {"text": "\u8a9e"}


def test_versions_are_of_all_libraries_that_train() -> None:
    assert find_versions().keys() == {"torch", "transformers", "trl", "accelerate", "datasets"}
