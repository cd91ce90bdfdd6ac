"""Where the rows of a task come from: the catalogue's file, or its data set at one commit."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from sysgen_dagster.catalog.sources import UpstreamFile
from sysgen_dagster.evaluation.leaderboard.task_files import Data
from sysgen_dagster.evaluation.leaderboard.tasks import HarnessTask
from sysgen_dagster.sources.folders import sha256_of
from sysgen_dagster.sources.places import locate
from sysgen_dagster.storage.files import replacing
from sysgen_dagster.storage.store import Store

_COMMITS = "commits.txt"  # of JSON; in the folder of the harness


def find_data(
    task: HarnessTask,
    benchmarks: Mapping[str, UpstreamFile],
    folder: Path,
    downloads: Path,
    store: Store,
) -> Data:
    """The rows of a task.

    The files of the catalogue's benchmark are taken where they have all that the task reads. A data
    set is read at the commit that a benchmark of the catalogue names, or at the newest one when it
    is read first, which is kept.

    Args:
        task: Which.
        benchmarks: Of the catalogue.
        folder: Keeps the commits.
        downloads: Keeps files of the Hub.
        store: Keeps what an entry of the catalogue leaves open.

    Raises:
        SourceError: The file or the data set is not there.
        SourceUnavailableError: The Hub does not answer.
    """
    if task.benchmark and task.benchmark in benchmarks:
        located = locate(benchmarks[task.benchmark], downloads, store)
        return Data(_version_of(located.files.paths), located.files.paths)
    pinned = (each.hub for each in benchmarks.values() if each.hub)
    named = next((hub.revision for hub in pinned if hub.repo == task.repo and hub.revision), None)
    return Data(named or _find_commit(task, folder))


def _version_of(files: Sequence[Path]) -> str:
    """The sha256 of one file, or of those of several."""
    of_each = [sha256_of(file) for file in files]
    return of_each[0] if len(files) == 1 else hashlib.sha256("".join(of_each).encode()).hexdigest()


def _find_commit(task: HarnessTask, folder: Path) -> str:
    from sysgen_dagster.sources.hub import look_up

    file = folder / _COMMITS
    kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if task.repo not in kept:
        kept[task.repo] = look_up(task.name, task.repo, None).revision
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(file) as written:
            written.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    return kept[task.repo]
