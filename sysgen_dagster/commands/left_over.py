"""What writers leave behind when they are killed: unfinished files, and folders of exports."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sysgen_dagster.lanes.multifaceted.bench.tables import MULTIFACETED_BENCH
from sysgen_dagster.storage.store import Store

# The names that `storage.files.replacing` and `storage.folders.replacing` give, that of a ledger
# while it is sealed, that of the note who has one, and the Hub client's.
_UNFINISHED = re.compile(r"\..+\.\d+\.tmp|[^.].*\.(tmp|incomplete|held_by)")


def left_over(store: Store, work: Path) -> Iterator[Path]:
    """Unfinished files and folders in a deployment, each once, sorted; those in use among them.

    Object storage shows nothing of an upload that was cut off. Of files that are not ours in the
    deployment's folder only those with such a name in the folders that we write are listed.
    """
    found: set[Path] = set()
    if isinstance(store.root, Path):
        found |= {path for path in store.root.glob(".*.tmp") if _is_ours(path)}
        for folder in (
            "conversations",
            "exports",
            "review",
            "source",
            "engines",
            MULTIFACETED_BENCH.name,
        ):
            found |= set(_files(store.root / folder))
        exports = store.root / "exports"
        found |= {path for end in ("new", "old") for path in exports.glob(f".*.{end}")}
    for folder in ("ledger", "downloads", "engines", "exports"):
        found |= set(_files(work / folder))
    loading = work / "downloads" / "loading"
    found |= {path for path in loading.glob("*") if path.is_dir()}
    if work != store.root:  # where exports lie only while they are written or pushed
        found |= {path for path in (work / "exports").glob("*") if path.is_dir()}
    whole = sorted(found)
    inside = {path for path in whole if found & set(path.parents)}
    yield from (path for path in whole if path not in inside)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if _is_ours(path))


def _is_ours(path: Path) -> bool:
    return bool(_UNFINISHED.fullmatch(path.name)) and path.is_file() and not path.is_symlink()


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; nothing where it is gone already."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
