"""The state file of a server on this machine, which its supervisor writes and holds locked."""

import fcntl
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_LOOK_EVERY_S = 0.02


def running(folder: Path) -> list[str]:
    """Names of the servers that run."""
    names = sorted(path.stem for path in folder.glob("*.json"))
    return [name for name in names if read_state(folder, name) is not None]


def ready(folder: Path, name: str) -> Path:
    """The file with the process id of the supervisor whose server has answered once."""
    return folder / f"{name}.ready"


def was_ready(folder: Path, name: str, state: Mapping[str, Any]) -> bool:
    """Whether the server of this state has answered once."""
    file = ready(folder, name)
    return file.is_file() and file.read_text() == str(state["pid"])


def devices_of(state: Mapping[str, Any]) -> list[str]:
    """The devices that a running server holds."""
    if "device" in state:  # as supervisors of version 0.1 wrote it, which may still run
        return [state["device"]] if state["device"] else []
    return list(state["devices"])


def read_state(folder: Path, name: str) -> dict[str, Any] | None:
    """What the supervisor of a server wrote: ``port``, ``command``, ``devices`` and its ``pid``.

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
