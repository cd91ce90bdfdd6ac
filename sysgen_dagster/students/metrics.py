"""What a training writes while it runs: a line of metrics for each step, and how far it is."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.students.tables import TRAINED_STUDENTS

METRICS, STATUS = "metrics.jsonl", "status.json"
_LATEST = 20  # steps of which the time of the next ones is told


@dataclass(frozen=True, slots=True)
class Status:
    """How far a training is; None: not known yet.

    Attributes:
        state: ``preparing``, ``training``, ``saving``, ``done``, ``stopped`` or ``failed``.
        step: The last one that was made, of `steps`.
        rows_before: Rows before they were made tokens; `rows_after` those that are trained on.
        trained_tokens_expected: Tokens of all rows and epochs.
        tokens_seen: Tokens so far, over all processes.
        changed_weights: The share of weights that the first steps have changed.
        resumed_from: The step that the last process began after.
        error: ``kind`` and ``message`` of a failure.
        versions: The libraries that train.
        template_sha256: Of the chat template.
        seconds: Of all processes after each other.
    """

    state: str
    step: int = 0
    steps: int | None = None
    epoch: float | None = None
    rows_before: int | None = None
    rows_after: int | None = None
    trained_tokens_expected: int | None = None
    tokens_seen: int = 0
    changed_weights: float | None = None
    resumed_from: int | None = None
    error: Mapping[str, str] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    template_sha256: str | None = None
    seconds: float = 0.0


def read_status(folder: Path) -> Status | None:
    """The status of the training in a folder; None where none was begun."""
    file = folder / STATUS
    if not file.is_file():
        return None
    known = {each.name for each in fields(Status)}
    said = json.loads(file.read_text(encoding="utf-8"))
    return Status(**{name: value for name, value in said.items() if name in known})


class MetricsFile:
    """The metrics of a training, of which each line is given once.

    A training that is resumed takes lines away and makes their steps again: they are given again.
    """

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet."""
        self._file = folder / METRICS
        self._id, self._at = 0, 0

    def read_new(self) -> list[dict[str, Any]]:
        """The whole lines since the last call; a line that a kill has cut is none."""
        if not self._file.is_file():
            return []
        with self._file.open("rb") as file:
            now = self._file.stat().st_ino
            if now != self._id:
                self._id, self._at = now, 0
            file.seek(self._at)
            lines = file.read().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        self._at += sum(map(len, whole))
        return [line for line in map(_parse, whole) if line is not None]


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(line)
    except ValueError:  # the end of one that was cut, and the next one behind it
        return None
    return read if isinstance(read, dict) and isinstance(read.get("step"), int) else None


def build_rows(lines: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """`TRAINED_STUDENTS`: one row for each step, of lines of metrics in the order of the file.

    The last line of a step counts, and an evaluation joins the step that it follows.
    """
    steps: dict[int, dict[str, Any]] = {}
    for line in lines:
        step = steps.setdefault(line["step"], dict.fromkeys(TRAINED_STUDENTS.names))
        step.update({name: line[name] for name in TRAINED_STUDENTS.names if name in line})
    rows = [steps[number] for number in sorted(steps)]
    return pl.DataFrame(rows, TRAINED_STUDENTS.schema, orient="row", strict=False)


def seconds_left(lines: Iterable[Mapping[str, Any]], steps: int | None) -> float | None:
    """How long the training will take from its last line, by the pace of its latest steps.

    None: not known, because it has not said how many steps it makes, or has made too few.
    """
    timed = [line for line in lines if "loss" in line][-_LATEST:]
    if steps is None or len(timed) < 2:
        return None
    made = timed[-1]["step"] - timed[0]["step"]
    took = timed[-1]["seconds"] - timed[0]["seconds"]
    return (steps - timed[-1]["step"]) * took / made if made > 0 and took > 0 else None
