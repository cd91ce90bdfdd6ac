"""Answers that lie in ledgers and are not stored yet, for the live report.

A partition is stored when all its rows are answered, which takes hours; until then its answers are
lines of a ledger. A look reads what was appended since the last one.
"""

import json
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sysgen_dagster.inference.ledger_files import Entry, parse_line
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.report.followed import Followed, Story, list_followed
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Table, TableError

_MOST = 6  # answers of a look that are told


@dataclass(slots=True)
class _File:
    """How far one file of lines was read."""

    end: int = 0
    lines: int = 0


@dataclass(slots=True)
class LedgerAnswers:
    """Follows the ledgers of a deployment; a `report.live.Answers`.

    Attributes:
        ledgers: The folder of all ledgers.
    """

    store: Store
    catalog: Catalog
    ledgers: Path
    _files: dict[tuple[str, str], _File] = field(default_factory=dict)

    def look(self) -> list[Story]:
        """Rows that were answered since the last look, the newest last."""
        before, self._files = self._files, {}
        stories: list[Story] = []
        for step in list_followed(self.catalog):
            for path in self._paths(step.table) if step.asks else ():
                place = (step.table.name, path.stem)
                file = self._files[place] = before.get(place, _File())
                if entries := _new_entries(path, file):
                    stories += self._tell(step, path.stem, entries)
        return stories[-_MOST:]

    def count(self, table: Table, model: str) -> int:
        """Requests for a table that have an outcome, and whose partition is not stored yet."""
        return sum(
            file.lines
            for (name, stem), file in self._files.items()
            if name == table.name and stem.partition("|")[0] == model
        )

    def _paths(self, table: Table) -> list[Path]:
        # Those of a preview are of no shard, and never sealed.
        paths = (self.ledgers / table.name).glob("*.jsonl")
        return sorted(path for path in paths if path.stem.rpartition("-")[2].isdecimal())

    def _tell(self, step: Followed, key: str, entries: list[Entry]) -> list[Story]:
        """The rows of these answers, as far as they are rows of a shard of the catalogue."""
        model, _, shard = key.partition("|")
        if model not in self.catalog.models or shard not in step.table.shards(self.catalog):
            return []
        answers = {
            str(entry.request_id): (outcome.get("text"), outcome.get("failed_because"))
            for entry in entries
            if (outcome := _outcome(entry)) is not None
        }
        evidence = StoredEvidence(self.store, (shard,), model)
        try:
            return step.tell_answers(evidence, answers, self.store.excluded())
        except (StoreError, TableError):  # what came before is being made again
            return []


def _new_entries(path: Path, file: _File) -> list[Entry]:
    """The newest answers that were appended since the last look, the newest last; notes how far."""
    newest: deque[bytes] = deque(maxlen=_MOST)
    try:
        with path.open("rb") as opened:
            if path.stat().st_size < file.end:  # it was begun again
                file.end, file.lines = 0, 0
            opened.seek(file.end)
            for line in opened:
                if not line.endswith(b"\n"):  # a writer is at it, or was killed
                    break
                file.end += len(line)
                if line.strip():
                    file.lines += 1
                    newest.append(line)
    except FileNotFoundError:  # it was sealed meanwhile
        return []
    return [entry for entry in map(parse_line, newest) if entry and entry.request_id]


def _outcome(entry: Entry) -> dict[str, Any] | None:
    """What is written in an entry; None where it cannot be read."""
    try:
        outcome = json.loads(entry.outcome)
    except (ValueError, RecursionError):
        return None
    return outcome if isinstance(outcome, dict) else None
