"""Notes in the store that are written once: what was resolved first is what all keep to.

Processes and hosts that write one at the same time end with the same note, the first one.
"""

from pathlib import Path

from upath import UPath

from sysgen_dagster.storage.files import locked, write_text
from sysgen_dagster.storage.store import Store, answering


def pin_path(store: Store, name: str) -> Path | UPath:
    """The path of a note, which need not exist."""
    return store.root / "pins" / f"{name}.json"


def read_pin(store: Store, name: str) -> str | None:
    """The text of a note; None if there is none.

    Raises:
        StoreUnavailableError: Storage did not answer.
        StoreError: The system does not allow it.
    """
    path = pin_path(store, name)
    with answering(path):
        return path.read_text(encoding="utf-8") if path.is_file() else None


def keep_first(store: Store, name: str, text: str) -> str:
    """Write a note unless there is one, and return the text of the note that there is then.

    Raises:
        StoreUnavailableError: Storage did not answer, or is full.
        StoreError: The system does not allow it.
    """
    path = pin_path(store, name)
    with answering(path):
        if not isinstance(path, Path):
            from sysgen_dagster.storage import objects

            return objects.update_text(path, lambda before: before or text)
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_suffix(".lock")):
            if path.is_file():
                return path.read_text(encoding="utf-8")
            write_text(path, text)
    return text
