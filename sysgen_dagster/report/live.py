"""What is new in a deployment while a run goes on: how far the steps are, and the newest rows.

A browser asks again and again with the number of the last news it has. Nothing here changes a file,
and what is kept and sent stays small however many rows there are: of a partition only its counts,
and a few rows of those stored last. What lies in ledgers is told by the caller, who may read them.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Protocol

from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.report.followed import Followed, Story, list_followed, reached
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.rates import count_drops, kept_rate
from sysgen_dagster.tables.table import Partition, Table, TableError

# Between two looks at the store, where a look costs a request for each file.
_LOOK_EVERY_S, _LOOK_AWAY_EVERY_S = 0.4, 10.0
_ROWS_KEPT, _ROWS_SENT = 60, 20
_FILES = 4  # the newest ones of a look, of which rows are told
_LONGEST_TEXT, _LONGEST_PART, _LONGEST_LIST = 1_500, 200, 12
_MOST_REASONS = 12
_TOKENS = ("prompt_tokens", "completion_tokens")


class Answers(Protocol):
    """What models have answered for partitions that are not stored yet."""

    def look(self) -> list[Story]:
        """Rows that were answered since the last look, the newest last; a few of them if many."""

    def count(self, table: Table, model: str) -> int:
        """Requests for a table that have an outcome, and whose partition is not stored yet."""


class NoAnswers:
    """Where nothing is known of answers that are not stored."""

    def look(self) -> list[Story]:
        """None."""
        return []

    def count(self, table: Table, model: str) -> int:
        """None."""
        return 0


@dataclass(frozen=True, slots=True)
class _Counts:
    """What became of the rows of one stored partition, or of several."""

    rows: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "_Counts") -> "_Counts":
        return _Counts(
            self.rows + other.rows,
            self.kept + other.kept,
            self.dropped + other.dropped,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


_Place = tuple[Table, Partition]


@dataclass(slots=True)
class Live:
    """Follows a store; several browsers may ask at once.

    Attributes:
        answers: What is answered and not stored yet.
        look_every_s: How old what a browser is told may be.
    """

    store: Store
    catalog: Catalog
    answers: Answers = field(default_factory=NoAnswers)
    look_every_s: float | None = None
    _seen: dict[_Place, tuple[float, int]] = field(default_factory=dict)
    _counts: dict[_Place, _Counts] = field(default_factory=dict)
    _rows: deque[tuple[int, Story]] = field(default_factory=lambda: deque(maxlen=_ROWS_KEPT))
    _last: int = 0
    _looked: float | None = None
    _problems: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _followed: dict[Table, Followed] = field(init=False)

    def __post_init__(self) -> None:
        """Follow what the deployment has."""
        self._followed = {each.table: each for each in list_followed(self.catalog)}

    def news(self, after: int = 0) -> dict[str, Any]:
        """What is new since the news of that number, as JSON can hold it.

        ``last`` is the number of the newest news, ``phases`` how far each step of each model is,
        ``rows`` the newest rows, the newest first, and ``problems`` what could not be read.
        """
        with self._lock:
            self._look_again()
            known = after if after <= self._last else 0  # else of a server that has ended
            new = [story for number, story in self._rows if number > known]
            return {
                "last": self._last,
                "phases": list(self._phases()),
                "rows": new[: -_ROWS_SENT - 1 : -1],
                "problems": self._problems,
            }

    def _look_again(self) -> None:
        every = _LOOK_EVERY_S if isinstance(self.store.root, Path) else _LOOK_AWAY_EVERY_S
        if self.look_every_s is not None:
            every = self.look_every_s
        now = time.monotonic()
        if self._looked is not None and now - self._looked < every:
            return
        problems: list[str] = []
        try:
            changed = self._find_changed()
        except StoreError as error:
            changed, problems = [], [str(error)]
        for at, (table, partition) in enumerate(changed):
            is_shown = at >= len(changed) - _FILES
            try:
                self._counts[table, partition] = self._count(table, partition)
                if is_shown:
                    self._add(self._tell(table, partition))
            except (StoreError, TableError) as error:
                problems.append(str(error))
                del self._seen[table, partition]  # it is read again at the next look
        self._add(self.answers.look())
        self._problems = problems[:3]
        self._looked = time.monotonic()

    def _find_changed(self) -> list[_Place]:
        """The partitions that were stored since the last look, those stored last at the end."""
        found: dict[_Place, tuple[float, int]] = {}
        for model, step in product(self.catalog.models, self._followed.values()):
            shards = set(step.table.shards(self.catalog))
            for shard in shards.intersection(self.store.shards(step.table, model)):
                place = (step.table, Partition(model, shard))
                try:
                    stat = self.store.path(*place).stat()
                except FileNotFoundError:  # it was removed meanwhile
                    continue
                found[place] = (stat.st_mtime, stat.st_size)
        changed = [place for place, stamp in found.items() if self._seen.get(place) != stamp]
        for place in self._counts.keys() - found.keys():
            del self._counts[place]
        self._seen = found
        return sorted(changed, key=lambda place: found[place])

    def _count(self, table: Table, at: Partition) -> _Counts:
        tokens = [name for name in _TOKENS if name in table.columns]
        rows = reached(self.store.read(table, at, "drop_reason", *tokens))
        rate = kept_rate(rows)
        sums = {name: int(rows[name].sum()) for name in tokens}
        return _Counts(rate.whole, rate.part, Counter(count_drops(rows)), **sums)

    def _tell(self, table: Table, at: Partition) -> list[Story]:
        """A few rows of a partition that was just stored."""
        shard = StoredEvidence(self.store, (str(at.shard),), at.model)
        return self._followed[table].tell(shard, self.store.excluded())

    def _add(self, stories: Iterable[Story]) -> None:
        for story in stories:
            self._last += 1
            self._rows.append((self._last, shorten(story)))

    def _phases(self) -> Iterator[Mapping[str, Any]]:
        """One record for each step of each model that has begun."""
        for model, step in product(self.catalog.models, self._followed.values()):
            parts = [
                counts
                for (table, at), counts in self._counts.items()
                if table == step.table and at.model == model
            ]
            counts = sum(parts, _Counts())
            answered = self.answers.count(step.table, model) if step.asks else 0
            if not (parts or answered):
                continue
            first = counts.dropped.most_common(_MOST_REASONS)
            others = sum(counts.dropped.values()) - sum(number for _, number in first)
            yield {
                "model": model,
                "phase": step.title,
                "shards": len(parts),
                "of_shards": len(step.table.shards(self.catalog)),
                "rows": counts.rows,
                "kept": counts.kept,
                "dropped": [*first, *([("other reasons", others)] if others else [])],
                "answered": answered,
                "prompt_tokens": counts.prompt_tokens,
                "completion_tokens": counts.completion_tokens,
            }


def shorten(story: Story) -> Story:
    """A story that is small whatever its row holds: long texts and long lists are cut."""
    return {
        name: [shorten(each) for each in value[:_LONGEST_LIST]]
        if name == "sets"  # each is as much as a row of the first lane
        else _cut(value, _LONGEST_TEXT)
        for name, value in story.items()
    }


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, str) and len(value) > most:
        return f"{value[:most]} [{len(value) - most:,} more characters]"
    if isinstance(value, list):
        return [_cut(part, _LONGEST_PART) for part in value[:_LONGEST_LIST]]
    if isinstance(value, dict):
        return {name: _cut(part, _LONGEST_PART) for name, part in value.items()}
    return value
