"""What a training leaves to go on from, and whether another may go on from it.

    resume/identity.json        what the training is of: arguments, checksums, the day it began
    resume/first_weights-0.pt   a sample of the weights before the first step, a process each
    resume/done.json            the last status of a training that is through
    resume/checkpoint-N/        the trainer's own state after N steps, with ours: progress.json

A state counts when it has `progress.json`, which is written when all else is there; older states
are removed after that. A kill at any moment leaves one whole state, or none if none was saved.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .endings import RefusedError
from .records import write_json

RESUME = "resume"
_IDENTITY, _PROGRESS, _DONE = "identity.json", "progress.json", "done.json"


@dataclass(frozen=True, slots=True)
class Progress:
    """What had been done when a state was saved, over all processes."""

    step: int
    tokens_seen: int
    learned_tokens_seen: int
    seconds: float
    changed_weights: float | None


def require_identity(folder: Path, identity: Mapping[str, Any]) -> None:
    """Note what a training is of, or compare it with what was noted.

    Args:
        folder: Of the training.
        identity: JSON values by name.

    Raises:
        RefusedError: The folder holds another training; with what differs.
    """
    path = folder / RESUME / _IDENTITY
    noted = _read(path)
    if noted is None:
        write_json(path, dict(identity))
        return
    wanted = json.loads(json.dumps(dict(identity)))
    differ = sorted(name for name in {*noted, *wanted} if noted.get(name) != wanted.get(name))
    if differ:
        said = "; ".join(
            f"`{name}` was {noted.get(name)!r} and is {wanted.get(name)!r}" for name in differ
        )
        raise RefusedError(
            "another_training",
            f"{folder} holds another training: {said}. Train into another folder, or delete this "
            "one to begin anew",
        )


def find_noted(folder: Path, name: str) -> Any:
    """A value of the training that a folder holds; None where it holds none."""
    return (_read(folder / RESUME / _IDENTITY) or {}).get(name)


def note_done(folder: Path, status: Mapping[str, Any]) -> None:
    """Note that a training is through, and remove its states: nothing goes on from them."""
    write_json(folder / RESUME / _DONE, dict(status))
    remove_other_states(folder, None)


def find_done(folder: Path) -> dict[str, Any] | None:
    """The last status of the training that a folder holds; None while it is not through."""
    return _read(folder / RESUME / _DONE)


def find_last_state(folder: Path) -> tuple[Path, Progress] | None:
    """The last whole state of a training, and what had been done by then."""
    states = [
        (path.parent, Progress(**content))
        for path in (folder / RESUME).glob(f"checkpoint-*/{_PROGRESS}")
        if (content := _read(path)) is not None
    ]
    return max(states, key=lambda state: state[1].step, default=None)


def complete_state(folder: Path, progress: Progress) -> None:
    """Call the state of this step whole, and remove all others."""
    state = folder / RESUME / f"checkpoint-{progress.step}"
    write_json(state / _PROGRESS, asdict(progress))
    remove_other_states(folder, state)


def remove_other_states(folder: Path, kept: Path | None) -> None:
    """Remove every state but one, such as those that a kill left unfinished."""
    for path in (folder / RESUME).glob("checkpoint-*"):
        if path != kept:
            shutil.rmtree(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return content
