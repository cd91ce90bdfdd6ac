"""What others read of a training while it runs and after: `status.json` and `metrics.jsonl`.

A reader finds each of them whole, also after a kill.
"""

import json
import os
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

STATUS, METRICS = "status.json", "metrics.jsonl"
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
        self._write()

    def restore(self, fields: dict[str, Any]) -> None:
        """Write the fields of an earlier process as they were."""
        self.fields = fields
        self._write()

    def _write(self) -> None:
        if self.writes:
            write_json(self._path, self.fields)

    @property
    def seconds(self) -> float:
        """Of the training so far, with those before it was resumed."""
        return self._seconds_before + time.monotonic() - self._began

    def go_on_from(self, seconds: float) -> None:
        """Count on from the seconds that an earlier process trained until its last saved state."""
        self._seconds_before = seconds


class Metrics:
    """Writes lines that a reader sees at once."""

    def __init__(self, folder: Path, *, writes: bool) -> None:
        """Of several processes of one training the first alone writes."""
        self._path = folder / METRICS
        self._writes = writes

    def add(self, **line: Any) -> None:
        """Append a line, whole."""
        if self._writes:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def keep_until(self, step: int) -> None:
        """Take away lines of later steps, which will be made again, and a line that was cut."""
        if not self._writes or not self._path.exists():
            return
        kept = [
            line
            for line in self._path.read_text(encoding="utf-8").splitlines()
            if _step_of(line) <= step
        ]
        beside = self._path.with_name(f".{METRICS}.{os.getpid()}.part")
        beside.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        beside.replace(self._path)


def find_versions() -> dict[str, str]:
    """Name to version of the libraries that train."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def write_json(path: Path, content: Any) -> None:
    """Put JSON in the place of a file; a reader finds the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _step_of(line: str) -> float:
    """The step of a line; of one that was cut a later one than any."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
