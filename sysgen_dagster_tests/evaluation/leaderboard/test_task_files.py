"""The definitions of tasks with pinned data."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from sysgen_dagster.evaluation.leaderboard.harness import Harness, HarnessError
from sysgen_dagster.evaluation.leaderboard.task_files import Data, write_task_files
from sysgen_dagster.evaluation.leaderboard.tasks import TASKS
from sysgen_dagster_tests.evaluation.leaderboard.fake_harness import VERSIONS, write_harness


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    python = write_harness(tmp_path / "harness")
    return Harness(python, python.with_name("tasks"), VERSIONS, {})


def written(harness: Harness, task: str, data: Data, folder: Path) -> dict[str, dict[str, Any]]:
    """What the file of each part says."""
    names = write_task_files(TASKS[task], harness, data, folder)
    assert names == sorted(file.stem for file in folder.glob("*.yaml"))
    return {name: yaml.safe_load((folder / f"{name}.yaml").read_text()) for name in names}


def test_a_data_set_is_read_at_its_commit_by_every_part(harness: Harness, tmp_path: Path) -> None:
    parts = written(harness, "mmlu", Data("c30699e"), tmp_path / "out")
    assert set(parts) == {"mmlu_anatomy", "mmlu_virology"}
    for name, said in parts.items():
        assert said["dataset_kwargs"] == {"revision": "c30699e"}
        assert (said["task"], Path(said["include"]).name) == (name, f"{name}.yaml")


@pytest.mark.parametrize(
    ("task", "split"), [("arc_challenge", "test"), ("hellaswag", "validation")]
)
def test_a_file_stands_for_the_split_that_is_scored_and_no_other_is_read(
    task: str, split: str, harness: Harness, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("{}\n")
    [said] = written(harness, task, Data("sha", (file,)), tmp_path / "out").values()
    assert said["dataset_path"] == "json"
    assert said["dataset_kwargs"] == {"data_files": {split: [str(file)]}}
    original = said["include"]
    assert Path(original).is_absolute()
    others = {"training_split", "validation_split", "test_split", "fewshot_split"}
    others -= {f"{split}_split"}
    assert {name for name in others if said[name] is None} == others


def test_parts_of_a_group_get_their_own_rows_of_one_file(harness: Harness, tmp_path: Path) -> None:
    rows = [{"subject": each, "question": each} for each in ("anatomy", "virology", "anatomy")]
    frame, file = pl.DataFrame(rows), tmp_path / "all.parquet"
    frame.write_parquet(file)
    (tmp_path / "all.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    for each in (file, file.with_suffix(".jsonl")):
        parts = written(harness, "mmlu", Data("sha", (each,)), tmp_path / "out")
        said = parts["mmlu_anatomy"]
        [[part]] = said["dataset_kwargs"]["data_files"].values()
        assert pl.read_parquet(part)["question"].to_list() == ["anatomy", "anatomy"]
        assert (said["dataset_path"], said["dataset_name"]) == ("parquet", None)


@pytest.mark.parametrize("task", ["hellaswag", "mmlu"])
def test_every_file_is_read(task: str, harness: Harness, tmp_path: Path) -> None:
    files = tuple(tmp_path / name / "0.parquet" for name in ("a", "b", "c"))
    for file, subjects in zip(files, ("anatomy", "virology", "anatomy"), strict=True):
        file.parent.mkdir()
        pl.DataFrame({"subject": [subjects], "question": [file.parent.name]}).write_parquet(file)
    parts = written(harness, task, Data("sha", files), tmp_path / "out")
    asked = {
        name: pl.read_parquet(read)["question"].to_list()
        for name, said in parts.items()
        for read in said["dataset_kwargs"]["data_files"].values()
    }
    one = {"hellaswag": ["a", "b", "c"]}
    assert asked == (
        one if task == "hellaswag" else {"mmlu_anatomy": ["a", "c"], "mmlu_virology": ["b"]}
    )


@pytest.mark.parametrize("ending", [".parquet", ".jsonl"])
def test_a_file_without_the_column_of_parts_is_refused_by_name(
    ending: str, harness: Harness, tmp_path: Path
) -> None:
    file, frame = tmp_path / f"all{ending}", pl.DataFrame({"Subject": ["anatomy"], "answer": [0]})
    frame.write_parquet(file) if ending == ".parquet" else frame.write_ndjson(file)
    with pytest.raises(HarnessError, match="no column `subject`, only Subject, answer") as caught:
        write_task_files(TASKS["mmlu"], harness, Data("sha", (file,)), tmp_path / "out")
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "written_as"),
    [("all.parquet", b"no Parquet"), ("all.jsonl", b"[1, 2"), ("n.parquet", None)],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(
    name: str, written_as: bytes | None, harness: Harness, tmp_path: Path
) -> None:
    file = tmp_path / name
    if written_as is None:
        pl.DataFrame({"subject": [1]}).write_parquet(file)  # no text
    else:
        file.write_bytes(written_as)
    with pytest.raises(HarnessError, match=f"{name} cannot be read"):
        write_task_files(TASKS["mmlu"], harness, Data("sha", (file,)), tmp_path / "out")


def test_a_format_that_the_harness_does_not_read_as_it_is_is_refused(
    harness: Harness, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    with pytest.raises(HarnessError, match=r"rows\.csv is csv: give JSON lines or Parquet"):
        write_task_files(TASKS["hellaswag"], harness, Data("sha", (file,)), tmp_path / "out")


def test_a_file_that_lacks_a_part_is_refused(harness: Harness, tmp_path: Path) -> None:
    file = tmp_path / "all.parquet"
    pl.DataFrame({"subject": ["anatomy"]}).write_parquet(file)
    with pytest.raises(HarnessError, match="no rows whose `subject` is virology"):
        write_task_files(TASKS["mmlu"], harness, Data("sha", (file,)), tmp_path / "out")


def test_a_release_without_the_task_is_refused(harness: Harness, tmp_path: Path) -> None:
    other = replace(harness, tasks=tmp_path / "nothing")
    with pytest.raises(HarnessError, match=r"lm_eval 0\.4\.13 has no mathqa"):
        write_task_files(TASKS["mathqa"], other, Data("c1"), tmp_path / "out")
