"""What a training says of itself, read while it writes."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.students.metrics import (
    MetricsFile,
    Status,
    build_rows,
    read_status,
    seconds_left,
)
from sysgen_dagster.students.tables import TRAINED_STUDENTS


def line(step: int, loss: float = 1.0, **fields: Any) -> dict[str, Any]:
    return {"step": step, "epoch": step / 10, "loss": loss, "seconds": 2.0 * step} | fields


def write(folder: Path, *lines: dict[str, Any], mode: str = "w", end: str = "\n") -> None:
    with (folder / "metrics.jsonl").open(mode) as file:
        file.write("\n".join(map(json.dumps, lines)) + end)


def test_each_line_is_given_once(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path)
    assert metrics.read_new() == []
    write(tmp_path, line(1), line(2))
    assert metrics.read_new() == [line(1), line(2)]
    assert metrics.read_new() == []
    write(tmp_path, line(3), mode="a")
    assert metrics.read_new() == [line(3)]


def test_a_line_that_is_being_written_is_given_when_it_is_whole(tmp_path: Path) -> None:
    metrics, text = MetricsFile(tmp_path), json.dumps(line(1))
    file = tmp_path / "metrics.jsonl"
    file.write_text(text[:9])
    assert metrics.read_new() == []
    file.write_text(f"{text}\n")
    assert metrics.read_new() == [line(1)]


@pytest.mark.parametrize(
    "torn", ['{"step": 2, "lo', "", "null", "[]", '{"loss": 1}', '{"step": "2"}']
)
def test_a_line_that_a_kill_has_cut_is_none(tmp_path: Path, torn: str) -> None:
    (tmp_path / "metrics.jsonl").write_text(f"{torn}\n{json.dumps(line(2))}\n")
    assert MetricsFile(tmp_path).read_new() == [line(2)]


def test_a_resumed_training_gives_its_lines_again(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path)
    write(tmp_path, line(1), line(2), line(3))
    metrics.read_new()
    beside = tmp_path / "beside"
    beside.mkdir()
    write(beside, line(1), line(2, 0.5))
    (beside / "metrics.jsonl").replace(tmp_path / "metrics.jsonl")
    assert metrics.read_new() == [line(1), line(2, 0.5)]


def test_a_step_is_one_row_with_its_evaluation_and_the_last_of_its_lines_counts() -> None:
    rows = build_rows(
        [
            line(2, 9.0),
            line(1),
            line(2, 0.5, tokens=7, memory_mib=1),
            {"step": 2, "epoch": 0.2, "eval_loss": 0.4, "more": "than is known"},
        ]
    )
    assert rows.schema == TRAINED_STUDENTS.schema
    assert rows.select("step", "loss", "eval_loss", "tokens").rows() == [
        (1, 1.0, None, None),
        (2, 0.5, 0.4, 7),
    ]


def test_no_lines_are_no_rows_and_a_loss_that_is_no_number_is_one() -> None:
    assert build_rows([]).schema == TRAINED_STUDENTS.schema
    nan = build_rows([json.loads('{"step": 1, "loss": NaN}')])
    assert nan.filter(pl.col("loss").is_nan()).height == 1


@pytest.mark.parametrize(
    ("lines", "steps", "left"),
    [
        ([], 10, None),
        ([line(1)], 10, None),
        ([line(1), line(2)], None, None),
        ([line(1), line(2)], 10, 16.0),
        ([line(n) for n in range(1, 11)], 10, 0.0),
        ([line(5), line(3)], 10, None),
        ([line(1, seconds=0.0), *(line(n, seconds=5.0 * n) for n in range(100, 121))], 130, 50.0),
        ([line(1), {"step": 1, "eval_loss": 1.0}, line(2)], 3, 2.0),
    ],
)
def test_the_time_that_is_left_follows_from_the_latest_steps(
    lines: list[dict[str, Any]], steps: int | None, left: float | None
) -> None:
    assert seconds_left(lines, steps) == left


def test_a_status_takes_what_it_knows_of_what_the_program_says(tmp_path: Path) -> None:
    assert read_status(tmp_path) is None
    said = {"state": "training", "step": 3, "steps": 10, "packing": False}
    (tmp_path / "status.json").write_text(json.dumps(said))
    assert read_status(tmp_path) == Status("training", 3, 10)
