"""Export folders in the store, which is a folder or object storage.

The code that writes exports and the code that pushes them to the Hub work on local folders. If the
store is in object storage, they get a temporary folder, which is uploaded or was downloaded.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sysgen_dagster.storage.files import locked
from sysgen_dagster.storage.store import Store, answering

_MANIFEST = "manifest.json"


@contextmanager
def making_export(store: Store, mixture: str, working: Path) -> Iterator[Path]:
    """A local path to write an export to; afterwards the export is at `Store.export`.

    In object storage the manifest is uploaded last. An upload that breaks off leaves the previous
    manifest beside files with other checksums, and such an export is not pushed to the Hub.

    Args:
        store: The store that holds the exports.
        mixture: The name of the mixture.
        working: A local folder for temporary files; only used with object storage.

    Raises:
        StoreUnavailableError: The upload failed or is incomplete.
        StoreError: The place of the export holds objects that are no export.
    """
    target = store.export(mixture)
    if isinstance(target, Path):
        yield target
        return
    from sysgen_dagster.storage import objects

    with _temporary_folder(working, mixture) as folder:
        yield folder
        with answering(target):
            objects.publish(folder, target, last=_MANIFEST)


@contextmanager
def reading_export(store: Store, mixture: str, working: Path) -> Iterator[Path]:
    """A local folder with the content of `Store.export`; empty or missing if there is no export.

    Raises:
        StoreUnavailableError: The download failed.
    """
    source = store.export(mixture)
    if isinstance(source, Path):
        yield source
        return
    from sysgen_dagster.storage import objects

    with _temporary_folder(working, mixture) as folder:
        folder.mkdir()
        with answering(source):
            objects.fetch(source, folder)
        yield folder


def stored_exports(store: Store) -> set[str]:
    """The mixtures of which there is an export.

    Raises:
        StoreUnavailableError: Object storage did not answer.
    """
    exports = store.export("*").parent
    with answering(exports):
        return {path.parent.name for path in exports.glob(f"*/{_MANIFEST}")}


def remove_export(store: Store, mixture: str) -> None:
    """Delete the export of a mixture, if there is one; a folder without a manifest is none.

    Raises:
        StoreUnavailableError: Object storage did not delete all objects.
    """
    target = store.export(mixture)
    with answering(target):
        if not (target / _MANIFEST).is_file():
            return
        if isinstance(target, Path):
            shutil.rmtree(target)
        else:
            from sysgen_dagster.storage import objects

            objects.remove(target)


@contextmanager
def _temporary_folder(working: Path, mixture: str) -> Iterator[Path]:
    """A path where nothing exists, for one process at a time; it is deleted afterwards."""
    folder = working / "exports" / mixture
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f".{mixture}.in-use.lock")):
        shutil.rmtree(folder, ignore_errors=True)  # left over by a killed process
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
