"""Folders that are whole or not there: a new one takes the place of the old one in one step."""

import ctypes
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sysgen_dagster.storage.store import StoreError

_RENAME_EXCHANGE = 2  # linux/fs.h
_AT_FDCWD = -100  # fcntl.h


@contextmanager
def replacing(target: Path, known_by: str) -> Iterator[Path]:
    """An empty folder that takes the place of `target` when it is written and on the disk.

    Args:
        target: Stays as it was when the writing fails.
        known_by: The file at the top of every folder that may be replaced.

    Raises:
        StoreError: `target` holds files, but not the one it would be known by.
    """
    new, old = (target.with_name(f".{target.name}.{word}") for word in ("new", "old"))
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if old.exists() and not target.exists():
            old.rename(target)  # an exchange in two steps was cut short
        _require_replaceable(target, known_by)
        for left_over in (new, old):
            shutil.rmtree(left_over, ignore_errors=True)
        new.mkdir()
        try:
            yield new
            _sync(new)
            _exchange(new, target, old)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _require_replaceable(target: Path, known_by: str) -> None:
    if target.exists() and not (target / known_by).is_file() and any(target.iterdir()):
        raise StoreError(
            f"{target} holds files of something else (no {known_by}): empty it, or name another "
            "folder"
        )


def _exchange(new: Path, target: Path, old: Path) -> None:
    """Put `new` where `target` is; the folder that was there is then at `new` or `old`."""
    if not target.exists():
        new.rename(target)
    elif not _swap(new, target):
        target.rename(old)
        new.rename(target)
    _sync_folder(target.parent)


def _swap(one: Path, other: Path) -> bool:
    """Whether the two paths changed places in one step, which Linux can do and Python cannot."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    paths = (os.fsencode(path) for path in (one, other))
    done: int = renameat2(_AT_FDCWD, next(paths), _AT_FDCWD, next(paths), _RENAME_EXCHANGE)
    return done == 0


def _sync(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            _sync_folder(path)
            continue
        with path.open("rb") as written:
            os.fsync(written.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
