"""What a model has already answered, kept while a partition is being made.

One JSON line an outcome, appended before the outcome counts, so that a run that dies loses only
what was in flight. A request is known by its content: model, messages, sampling and seed.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any, Self

from sysgen_dagster.sysgen.chat import ChatRequest


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request: a text, or why there is none."""

    text: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    attempts: int = 0
    failed_because: str | None = None  # a DropReason
    failure: str | None = None  # what the server or the connection said


_FIELDS = {field.name for field in fields(Outcome)}


def request_key(answers_as: Sequence[str | None], request: ChatRequest) -> str:
    """32 hex digits that differ when anything the answer depends on differs.

    `answers_as` names engine, model and revision.
    """
    content = json.dumps([answers_as, request.messages, asdict(request.sampling), request.seed])
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


class Ledger:
    """The outcomes of one partition of one phase, as a context manager around an open file.

    Two runs of the same partition may append at once: a line is one write to a file in append
    mode. A line that was cut off by a kill is left out when the file is read again.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is read or written before the ledger is entered."""
        self.path = path
        self._known: Mapping[str, Outcome] = {}
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """The ledger with what earlier runs left, ready to be appended to."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab", buffering=0)
        self._known = _read(self.path)
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; what was appended is on the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()

    def get(self, key: str) -> Outcome | None:
        """What an earlier run was answered."""
        return self._known.get(key)

    def append(self, key: str, outcome: Outcome) -> None:
        """Write an outcome down; it survives a kill of this process from here on."""
        assert self._file is not None
        line = json.dumps({"key": key, **asdict(outcome)})
        self._file.write(f"\n{line}\n".encode())

    def remove(self) -> None:
        """Forget everything: the partition it was for is stored."""
        self.path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Outcome]:
    known = {}
    with path.open("rb") as file:
        for record in filter(None, map(_parse, file)):
            key = record.pop("key")
            known[key] = Outcome(**record)
    return known


def _parse(line: bytes) -> dict[str, Any] | None:
    """The record of a line; None for a blank line and for one that a kill cut off."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.keys() != _FIELDS | {"key"}:
        return None
    return record if isinstance(record["key"], str) else None
