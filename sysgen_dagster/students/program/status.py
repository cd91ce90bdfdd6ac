"""`status.json`: where a training stands, for those who follow it from another process."""

import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .files import write_json

STATUS = "status.json"
PREPARING, TRAINING, SAVING = "preparing", "training", "saving"
DONE, STOPPED, FAILED = "done", "stopped", "failed"
_LIBRARIES = ("torch", "transformers", "trl", "accelerate", "datasets")


class Status:
    """The fields of the file; whatever changes is written at once, whole.

    Attributes:
        writes: Whether this process writes: of several of one training the first alone.
        fields: What the file holds.
    """

    def __init__(self, folder: Path, *, writes: bool) -> None:
        """Begin with the state ``preparing``; nothing is written yet."""
        self._path = folder / STATUS
        self.writes = writes
        self._began = time.monotonic()
        self._seconds_before = 0.0
        self.fields: dict[str, Any] = {
            "state": PREPARING,
            # Tokens of all rows and epochs; those that are learned are the answers among them.
            **dict.fromkeys(("step", "tokens_seen", "learned_tokens_seen"), 0),
            **dict.fromkeys(("trained_tokens_expected", "learned_tokens_expected")),
            **dict.fromkeys(("steps", "epoch", "rows_before", "rows_after", "rows_cut")),
            **dict.fromkeys(("changed_weights", "resumed_from", "error", "template_sha256")),
            "sampling": "group_by_length",
            "packing": False,
            "versions": {},
            "seconds": 0.0,
        }

    def update(self, **fields: Any) -> None:
        """Set fields and write the file.

        Raises:
            KeyError: There is no such field.
        """
        if unknown := fields.keys() - self.fields.keys():
            raise KeyError(f"status.json has no fields {sorted(unknown)}")
        self.fields |= fields | {"seconds": round(self.seconds, 3)}
        if self.writes:
            write_json(self._path, self.fields)

    @property
    def seconds(self) -> float:
        """Of the training so far, with those before it was resumed."""
        return self._seconds_before + time.monotonic() - self._began

    def go_on_from(self, seconds: float) -> None:
        """Count on from the seconds that an earlier process trained until its last saved state."""
        self._seconds_before = seconds


def find_versions() -> dict[str, str]:
    """Name to version of the libraries that train."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
