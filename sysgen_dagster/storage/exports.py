"""Exports between the pipeline and where they are kept: a folder, or objects under a URL.

What makes an export and what pushes one know folders only. In object storage both get one of the
working folder, whose content is published or was fetched.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sysgen_dagster.storage.files import locked
from sysgen_dagster.storage.store import Store, StoreError, answering

_MANIFEST = "manifest.json"


@contextmanager
def making_export(store: Store, mixture: str, working: Path) -> Iterator[Path]:
    """A path at which to make an export; it is at `Store.export` when no error is raised.

    In object storage the manifest is published last. Until then the one before stands beside
    files that have other checksums, so that a push is refused.

    Args:
        store: Where exports are kept.
        mixture: Which.
        working: A folder of this machine; not used where exports are kept in one.

    Raises:
        StoreUnavailableError: Object storage did not take all of it.
        StoreError: What is there is no export.
    """
    target = store.export(mixture)
    if isinstance(target, Path):
        yield target
        return
    from sysgen_dagster.storage import objects

    with _folder_of_its_own(working, mixture) as folder:
        yield folder
        try:
            with answering(target):
                objects.publish(folder, target, last=_MANIFEST)
        except objects.ForeignObjectsError as error:
            raise StoreError(str(error)) from error


@contextmanager
def reading_export(store: Store, mixture: str, working: Path) -> Iterator[Path]:
    """A folder that holds what is at `Store.export`, and nothing where nothing is.

    Raises:
        StoreUnavailableError: Object storage did not give all of it.
    """
    source = store.export(mixture)
    if isinstance(source, Path):
        yield source
        return
    from sysgen_dagster.storage import objects

    with _folder_of_its_own(working, mixture) as folder:
        folder.mkdir()
        with answering(source):
            objects.fetch(source, folder)
        yield folder


def remove_export(store: Store, mixture: str) -> None:
    """No export is at `Store.export` afterwards; what is none of ours stays.

    Raises:
        StoreUnavailableError: Object storage did not delete all of it.
    """
    target = store.export(mixture)
    with answering(target):
        if not (target / _MANIFEST).is_file():
            return
    if isinstance(target, Path):
        shutil.rmtree(target)
        return
    from sysgen_dagster.storage import objects

    with answering(target):
        objects.remove(target)


@contextmanager
def _folder_of_its_own(working: Path, mixture: str) -> Iterator[Path]:
    """A path where nothing is, for one process at a time; nothing is there afterwards."""
    folder = working / "exports" / mixture
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f".{mixture}.in-use.lock")):
        shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
