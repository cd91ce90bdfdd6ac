"""The state file of a process on this machine, which its supervisor writes and holds locked."""

import fcntl
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_LOOK_EVERY_S = 0.02


def running(folder: Path) -> list[str]:
    """Names of the processes that run under the state files of a folder."""
    names = sorted(path.stem for path in folder.glob("*.json"))
    return [name for name in names if read_state(folder, name) is not None]


def read_state(folder: Path, name: str) -> dict[str, Any] | None:
    """What the supervisor of a process wrote: its record, such as a ``port``, and its ``pid``.

    None where no supervisor lives. While one lives, it holds the lock of the file; one that has not
    written yet is waited for.
    """
    path = folder / f"{name}.json"
    while True:
        try:
            with path.open() as state:
                fcntl.flock(state, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
        except FileNotFoundError:
            return None
        except BlockingIOError:
            with suppress(FileNotFoundError):
                written = path.read_text()
                if written.endswith("}"):
                    record: dict[str, Any] = json.loads(written)
                    return record
        time.sleep(_LOOK_EVERY_S)
