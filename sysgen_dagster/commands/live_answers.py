"""Answers that lie in ledgers and are not stored yet, for the live report.

A partition is stored when all its rows are answered, which takes hours; until then its answers are
lines of a ledger. Only the end of a file is read, so that a ledger may be of any size.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sysgen_dagster.inference.ledger_files import Entry, read_newest_lines
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.phases import PHASES, Phase
from sysgen_dagster.lanes.sysgen.stories import Story, build_stories
from sysgen_dagster.lanes.sysgen.unstored import with_answer
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Table, TableError

_END_BYTES = 100_000  # of a file of lines, that are looked at for new answers
_CHUNK_BYTES = 1_000_000
_MOST = 6  # answers of a look that are told
_LINE = b'\n{"'  # with which a line begins


@dataclass(slots=True)
class _File:
    """What is known of one file of lines."""

    size: int = 0
    lines: int = 0
    told: frozenset[str] = frozenset()


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
        for phase in PHASES:
            for path in self._paths(phase.table) if phase.asks else ():
                place = (phase.table.name, path.stem)
                file = self._files[place] = before.get(place, _File())
                if entries := _new_entries(path, file):
                    stories += self._tell(phase, path.stem, entries)
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

    def _tell(self, phase: Phase, key: str, entries: list[Entry]) -> Iterator[Story]:
        """The rows of these answers, as far as they are rows of a shard of the catalogue."""
        model, _, shard = key.partition("|")
        if model not in self.catalog.models or shard not in self.catalog.partition_values["shard"]:
            return
        excluded = self.store.excluded()
        answers = {entry.request_id: entry for entry in entries if entry.request_id not in excluded}
        evidence = StoredEvidence(self.store, (shard,), model)
        try:
            ids = [str(identity) for identity in answers]
            stories = build_stories([evidence], model, ids, upto=phase.before)
        except (StoreError, TableError):  # what came before is being made again
            return
        by_id: dict[str, Story] = {story["id"]: story for story in stories}
        for identity, entry in answers.items():
            outcome = _outcome(entry)
            if (story := by_id.get(str(identity))) is not None and outcome is not None:
                text, failed = outcome.get("text"), outcome.get("failed_because")
                yield with_answer(story, phase.table, text, failed)


def _new_entries(path: Path, file: _File) -> list[Entry]:
    """The newest answers of a file that were not told, the newest last; notes what is known."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:  # it was sealed meanwhile
        size = 0
    if size == file.size:
        return []
    if size < file.size:  # it was begun again
        file.size, file.lines = 0, 0
    file.lines += _count_lines(path, file.size, size)
    file.size = size
    entries = [entry for entry in read_newest_lines(path, _END_BYTES) if entry.request_id]
    new = [entry for entry in entries if entry.key not in file.told]
    file.told = frozenset(entry.key for entry in entries)
    return new[-_MOST:]


def _count_lines(path: Path, begin: int, end: int) -> int:
    """How many lines begin in a part of a file; each is written at once, so none is cut there."""
    lines, before = 0, b""
    try:
        with path.open("rb") as file:
            file.seek(begin)
            while begin < end and (chunk := file.read(min(_CHUNK_BYTES, end - begin))):
                lines += (before + chunk).count(_LINE)
                before, begin = chunk[-len(_LINE) + 1 :], begin + len(chunk)
    except FileNotFoundError:
        return 0
    return lines


def _outcome(entry: Entry) -> dict[str, Any] | None:
    """What is written in an entry; None where it cannot be read."""
    try:
        outcome = json.loads(entry.outcome)
    except (ValueError, RecursionError):
        return None
    return outcome if isinstance(outcome, dict) else None
