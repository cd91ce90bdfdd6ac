"""What the record of a server on this machine says: whether it has answered, what it holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


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
