"""Writes the definition of a task with its data pinned: the harness' own names no revision.

Each file includes the original one and replaces where its rows come from.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from sysgen_dagster.evaluation.leaderboard.harness import Harness, HarnessError
from sysgen_dagster.evaluation.leaderboard.tasks import HarnessTask

_SPLITS = ("training_split", "validation_split", "test_split", "fewshot_split")
_TASK_NAME = re.compile(r"\w+")


class _Loader(yaml.SafeLoader):
    """Reads the harness' files, whose references to functions are left as text."""


_Loader.add_constructor("!function", lambda _, node: str(node.value))


@dataclass(frozen=True, slots=True)
class Data:
    """Where the rows of a task come from: a file of this machine, or a commit of its data set.

    Attributes:
        version: The commit, or the sha256 of the file.
        file: JSON lines or Parquet; None: the data set at that commit.
    """

    version: str
    file: Path | None = None


def write_task_files(task: HarnessTask, harness: Harness, data: Data, folder: Path) -> list[str]:
    """Write a definition for each part of a task; returns their names, sorted.

    Args:
        task: What is run.
        harness: Has the original files.
        data: Where the rows come from.
        folder: Takes the files.

    Raises:
        HarnessError: This release of the harness lacks the task, or the file a part of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for original, name, merged in _originals(task, harness):
        changes: dict[str, Any] = {"include": str(original), "task": name}
        if data.file is None:
            changes["dataset_kwargs"] = {"revision": data.version}
        else:
            file = _part_of(task, data.file, str(merged.get("dataset_name")), folder)
            ending = "json" if file.suffix in (".json", ".jsonl") else "parquet"
            changes |= {
                "dataset_path": ending,
                "dataset_name": None,
                "dataset_kwargs": {"data_files": {_split_of(task, merged): str(file)}},
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


def _part_of(task: HarnessTask, file: Path, configuration: str, folder: Path) -> Path:
    """The rows of one configuration; all of them where the file is of one alone."""
    if task.by is None:
        return file
    read = pl.scan_ndjson if file.suffix in (".json", ".jsonl") else pl.scan_parquet
    rows = read(file).filter(pl.col(task.by) == configuration).collect()
    if rows.is_empty():
        raise HarnessError(
            f"{file} has no rows whose `{task.by}` is {configuration}: {task.name} needs those of "
            "every one"
        )
    part = folder / f"{configuration}.parquet"
    rows.write_parquet(part)
    return part
