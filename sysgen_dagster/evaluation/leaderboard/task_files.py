"""Writes the definition of a task with its data pinned: the harness' own names no revision.

Each file includes the original one and replaces where its rows come from.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import yaml

from sysgen_dagster.evaluation.leaderboard.harness import Harness, HarnessError
from sysgen_dagster.evaluation.leaderboard.tasks import HarnessTask
from sysgen_dagster.sources.folders import Format, format_of

_SPLITS = ("training_split", "validation_split", "test_split", "fewshot_split")
_LOADERS: Final = {
    Format.PARQUET: "parquet",
    Format.JSON: "json",
    Format.JSON_LINES: "json",
}
_UNREADABLE: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
_TASK_NAME = re.compile(r"\w+")


class _Loader(yaml.SafeLoader):
    """Reads the harness' files, whose references to functions are left as text."""


_Loader.add_constructor("!function", lambda _, node: str(node.value))


@dataclass(frozen=True, slots=True)
class Data:
    """Where the rows of a task come from: files of this machine, or a commit of its data set.

    Attributes:
        version: The commit, or the sha256 of the files.
        files: All of them, JSON lines or Parquet; none: the data set at that commit.
    """

    version: str
    files: tuple[Path, ...] = ()


def write_task_files(task: HarnessTask, harness: Harness, data: Data, folder: Path) -> list[str]:
    """Write a definition for each part of a task; returns their names, sorted.

    Args:
        task: What is run.
        harness: Has the original files.
        data: Where the rows come from.
        folder: Takes the files.

    Raises:
        HarnessError: This release of the harness lacks the task, or a file cannot be read or
            lacks the column of parts, or no file has a part.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for original, name, merged in _originals(task, harness):
        changes: dict[str, Any] = {"include": str(original), "task": name}
        if not data.files:
            changes["dataset_kwargs"] = {"revision": data.version}
        else:
            files = _part_of(task, data.files, str(merged.get("dataset_name")), folder)
            changes |= {
                "dataset_path": _loader_of(files),
                "dataset_name": None,
                "dataset_kwargs": {"data_files": {_split_of(task, merged): [*map(str, files)]}},
                **{
                    split: None for split in _SPLITS if merged.get(split) != _split_of(task, merged)
                },
            }
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(changes), encoding="utf-8")
        names.append(name)
    if not names:
        raise HarnessError(
            f"lm_eval {harness.versions['lm_eval']} has no {task.name} in {harness.tasks}: make "
            "its environment anew with `deploy/install-lm-eval`"
        )
    return sorted(names)


def _originals(
    task: HarnessTask, harness: Harness
) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    """Each file that defines a part of a task, its name, and all it says with what it includes."""
    for file in sorted(harness.tasks.glob(task.files)):
        merged = _read_merged(file)
        name = merged.get("task")
        if isinstance(name, str) and _TASK_NAME.fullmatch(name):
            yield file, name, merged


def _read_merged(file: Path) -> dict[str, Any]:
    said: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - safe
    included = said.pop("include", None)
    return (_read_merged(file.parent / included) if included else {}) | said


def _split_of(task: HarnessTask, merged: Mapping[str, Any]) -> str:
    """The split that is scored: that for tests, else that for validation, as in the harness."""
    return str(merged.get("test_split") or merged.get("validation_split") or task.split)


def _loader_of(files: Sequence[Path]) -> str:
    """What the harness reads the files with; they are of one format."""
    kind = format_of(files[0])
    if kind not in _LOADERS:
        raise HarnessError(f"{files[0]} is {kind}: give JSON lines or Parquet to leaderboard tasks")
    return _LOADERS[kind]


def _part_of(
    task: HarnessTask, files: Sequence[Path], configuration: str, folder: Path
) -> Sequence[Path]:
    """The files with the rows of one configuration; all as they are where they are of one alone."""
    if task.by is None:
        return files
    parts = []
    for number, file in enumerate(files):
        rows = _rows_of(task, file, task.by, configuration)
        if not rows.is_empty():
            parts.append(folder / f"{configuration}-{number}.parquet")
            rows.write_parquet(parts[-1])
    if not parts:
        raise HarnessError(
            f"{', '.join(map(str, files))} has no rows whose `{task.by}` is {configuration}: "
            f"{task.name} needs those of every one"
        )
    return parts


def _rows_of(task: HarnessTask, file: Path, column: str, value: str) -> pl.DataFrame:
    """The rows of a file with this value."""
    read = pl.scan_parquet if _loader_of([file]) == "parquet" else pl.scan_ndjson
    fix = f"give {task.repo} as benchmark `{task.benchmark}`, or take that entry out"
    try:
        rows = read(file)
        columns = rows.collect_schema().names()
        if column in columns:
            return rows.filter(pl.col(column) == value).collect()
    except _UNREADABLE as error:
        first_line, *_ = str(error).splitlines() or [type(error).__name__]
        raise HarnessError(f"{file} cannot be read ({first_line}): {fix}") from error
    raise HarnessError(f"{file} has no column `{column}`, only {', '.join(columns)}: {fix}")
