"""Reads the files that lm-evaluation-harness writes: scores by task, and every item of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from sysgen_dagster.evaluation.leaderboard.command import NO_ANSWER
from sysgen_dagster.evaluation.leaderboard.harness import HarnessError
from sysgen_dagster.evaluation.leaderboard.tables import LEADERBOARD_GRADINGS, Dropped
from sysgen_dagster.evaluation.leaderboard.tasks import HarnessTask

_RESULTS: Final = "results_"


def is_whole(folder: Path, names: Sequence[str]) -> bool:
    """Whether a run of these parts of a task has written all it writes: items come last."""
    found = _find(folder)
    if found is None:
        return False
    said, stamp = found
    counts = said.get("n-samples", {})
    return all(
        name in counts
        and (file := _items_file(folder, name, stamp)) is not None
        and _count_lines(file) == counts[name]["effective"]
        for name in names
    )


def read_results(
    task: HarnessTask, folder: Path, names: Sequence[str], **noted: Any
) -> pl.DataFrame:
    """`LEADERBOARD_GRADINGS`: one row an item and metric of a task that was run.

    Args:
        task: Which.
        folder: Where the harness has written its results.
        names: Of the parts of the task.
        noted: Columns that are the same in all rows, which the harness does not know.

    Raises:
        HarnessError: They are not whole.
    """
    found = _find(folder)
    if found is None or not is_whole(folder, names):
        raise HarnessError(
            f"{folder} has no whole results of {task.name}: delete that folder, and materialize "
            "this partition again"
        )
    said, stamp = found
    rows: list[dict[str, Any]] = []
    for name in names:
        of_part = {**noted, "task": task.name, "part": name, **_facts(said, name)}
        file = _items_file(folder, name, stamp)
        assert file is not None, "results that are whole have items"
        with file.open(encoding="utf-8") as lines:
            rows += (
                of_part | row for line in lines for row in _grade(task, name, json.loads(line))
            )
    return pl.DataFrame(rows, schema=LEADERBOARD_GRADINGS.schema)


def left_out(task: HarnessTask, reason: Dropped, why: str, **noted: Any) -> pl.DataFrame:
    """The one row of a task that cannot be run here."""
    row = {**noted, "task": task.name, "metric": task.metrics[0], "number": 0}
    row |= {"item": task.name, "drop_reason": reason.value, "failure": why}
    return pl.DataFrame([row], schema=LEADERBOARD_GRADINGS.schema)


def _find(folder: Path) -> tuple[dict[str, Any], str] | None:
    """The newest results, and the stamp that the names of their files share."""
    files = sorted(folder.rglob(f"{_RESULTS}*.json"), key=lambda file: file.name)
    if not files:
        return None
    try:
        said = json.loads(files[-1].read_text(encoding="utf-8"))
    except ValueError:  # it was killed while it wrote them
        return None
    return said, files[-1].stem.removeprefix(_RESULTS)


def _items_file(folder: Path, name: str, stamp: str) -> Path | None:
    return next(folder.rglob(f"samples_{name}_{stamp}.jsonl"), None)


def _count_lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)


def _facts(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What the harness says of how it ran a part of a task."""
    counts = said["n-samples"][name]
    return {
        "shots": said["n-shot"][name],
        "task_version": str(said["versions"][name]),
        "task_hash": (said.get("task_hashes") or {}).get(name),
        "template_hash": said.get("chat_template_sha"),
        "items_of_task": counts["original"],
        "items_asked": counts["effective"],
    }


def _grade(task: HarnessTask, name: str, sample: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each metric of an item, or for each of its instructions."""
    answers = sample.get("filtered_resps") or [None]
    is_dropped = answers == [NO_ANSWER]
    item = f"{name}/{sample['doc_id']}-{sample['doc_hash'][:16]}"
    for metric in task.metrics:
        values = sample[metric] if isinstance(sample[metric], list) else [sample[metric]]
        for number, value in enumerate(values):
            yield {
                "item": item,
                "metric": metric,
                "number": number,
                "value": None if is_dropped else float(value),
                "drop_reason": Dropped.NO_ANSWER.value if is_dropped else None,
                "doc_hash": sample["doc_hash"],
                "prompt_hash": sample["prompt_hash"],
            }
