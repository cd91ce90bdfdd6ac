"""`metrics.jsonl`: one line for each step, and one for each evaluation."""

import json
import os
from pathlib import Path
from typing import Any

METRICS = "metrics.jsonl"


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


def _step_of(line: str) -> float:
    """The step of a line; of one that was cut a later one than any."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
