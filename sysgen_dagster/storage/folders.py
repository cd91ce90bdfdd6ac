"""Atomic replacement of folders."""

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sysgen_dagster.storage.files import locked, sync
from sysgen_dagster.storage.store import StoreError

_RENAME_EXCHANGE = 2  # linux/fs.h
_AT_FDCWD = -100  # fcntl.h


@contextmanager
def replacing(target: Path, known_by: str) -> Iterator[Path]:
    """An empty folder to write to; afterwards it is synced to disk and takes the place of `target`.

    If an error is raised, `target` stays as it was. Processes that replace the same folder wait for
    each other.

    Args:
        target: The folder to replace, or to create.
        known_by: Name of a file at the top of every folder that may be replaced.

    Raises:
        StoreError: `target` holds files, but not `known_by`.
    """
    new, old = (target.with_name(f".{target.name}.{word}") for word in ("new", "old"))
    with locked(target.with_name(f".{target.name}.lock")):
        if old.exists() and not target.exists():
            old.rename(target)  # a process was killed between the two renames of `_exchange`
        if target.exists() and not (target / known_by).is_file() and any(target.iterdir()):
            raise StoreError(
                f"{target} holds files of something else (no {known_by}): empty it, or name "
                "another folder"
            )
        for left_over in (new, old):
            shutil.rmtree(left_over, ignore_errors=True)
        new.mkdir()
        try:
            yield new
            for path in (*new.rglob("*"), new):
                sync(path)
            _exchange(new, target, old)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _exchange(new: Path, target: Path, old: Path) -> None:
    """Move `new` to `target`; the previous folder at `target` ends up at `new` or at `old`."""
    if not target.exists():
        new.rename(target)
    elif not _swap(new, target):
        target.rename(old)
        new.rename(target)
    sync(target.parent)


def _swap(one: Path, other: Path) -> bool:
    """Exchange two paths atomically with Linux's renameat2; returns whether that worked."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    result: int = renameat2(
        _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE
    )
    return result == 0
