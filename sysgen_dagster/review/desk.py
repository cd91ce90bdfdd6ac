"""What a reviewer works at: rows in their order, one of them opened, decisions as they are made.

It answers in plain values that can be written as JSON; how they travel is not decided here.
"""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from sysgen_dagster.analysis.findings import list_flags
from sysgen_dagster.analysis.tables import ROW_QUALITY
from sysgen_dagster.chat.visible import is_blank
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.stories import Story, build_stories
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience.tables import (
    JUDGE_CALIBRATION,
    JUDGED_ALIGNMENT,
    JUDGED_PREFERENCES,
    OBEDIENCE,
)
from sysgen_dagster.review.agreement import agreement
from sysgen_dagster.review.decisions import (
    Choice,
    Decision,
    DecisionError,
    Decisions,
    Key,
    digest_of,
    journal_of,
    parse_decision,
    read_decisions,
)
from sysgen_dagster.review.index import Filters, build_index, stored_at, written_at
from sysgen_dagster.review.shown import show, verdicts_in
from sysgen_dagster.review.tables import LABELS
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table

MOST_KEYS = 500  # in one answer
_MOST_OPENED = 64  # rows that are kept in memory

Json = dict[str, Any]


class RowError(DecisionError):
    """There is no such row, or it has changed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class _Opened:
    story: Story
    message: str
    answer: str
    made_at: float | None  # changes when the rows of its shard are made again


class Desk:
    """The rows and decisions of a deployment, for one reviewer; several threads may use it.

    Args:
        store: Where rows and decisions are.
        catalog: Says which models and shards there are.
        reviewer: Who decides.
        excluded: Ids of conversations that must not be shown.
        only: ``model`` and ``conversation_id`` of the rows to be shown; None: all with an answer.
    """

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        reviewer: str,
        excluded: Collection[str] = (),
        only: pl.DataFrame | None = None,
    ) -> None:
        """Read which rows there are, and what was decided."""
        self._store, self._catalog, self._reviewer = store, catalog, reviewer
        self._excluded, self._only = excluded, only
        self._journal, self._lock = journal_of(store), threading.Lock()
        self._made: object = object()
        self._load()

    def _load(self) -> None:
        """Read which rows there are, unless they are those of the last time."""
        made = written_at(self._store, self._catalog)
        if made == self._made and made is not None:
            return
        self._index = build_index(self._store, self._catalog, self._excluded, self._only)
        keys = self._index.select("model", "conversation_id", "shard").iter_rows()
        self._shards: dict[Key, str] = {(model, row): shard for model, row, shard in keys}
        self._digests: dict[Key, str] = {}
        self._opened: dict[Key, _Opened] = {}
        self._mark: object = object()
        self._decisions = Decisions()
        self._catch_up()
        self._made = made

    def options(self) -> Json:
        """What can be filtered by, of the rows that are there now, and who decides."""
        with self._lock:
            self._load()
        flags = self._index["flags"].explode().drop_nulls()
        return {
            "reviewer": self._reviewer,
            "models": self._index["model"].unique().sort().to_list(),
            "sources": self._index["source"].unique().sort().to_list(),
            "flags": flags.unique().sort().to_list(),
        }

    def queue(self, filters: Filters, after: str = "") -> Json:
        """Rows in their order, at most `MOST_KEYS`: their keys, and how many there are in all.

        Args:
            filters: Which.
            after: The order of the row after which they begin.
        """
        with self._lock:
            self._catch_up()
            rows = self._index.join(self._states(), on=["model", "conversation_id"], how="left")
        rows = rows.filter(filters.wanted())
        found = rows.filter(pl.col("order") > after).head(MOST_KEYS)
        keys = found.select("model", "conversation_id", "order").rows()
        return {"rows": rows.height, "keys": keys, **self.progress()}

    def row(self, key: Key) -> Json:
        """One row as it is shown.

        Raises:
            RowError: There is no such row.
            StoreError: What is stored of it cannot be read.
        """
        with self._lock:
            return self._show(key)

    def decide(self, sent: Mapping[str, Any]) -> Json:
        """Write a decision down; when this returns, it is on the disk.

        Args:
            sent: A decision as `parse_decision` reads it; reviewer, time and verdicts are ours.

        Returns:
            The row as it is shown now, what had been decided ``before``, the progress, and whose
            decision was replaced, if another's.

        Raises:
            DecisionError: It is none, or about a row that is not there or has other texts now.
            StoreError: It could not be stored.
        """
        decision = parse_decision({**sent, "reviewer": self._reviewer, "verdicts": {}})
        with self._lock:
            self._catch_up()
            opened, before = self._open(decision.key), self._decisions.last.get(decision.key)
            if decision.texts != self._digests[decision.key]:
                raise RowError("the row has other texts now: load the page again")
            verdicts = {tag: verdicts_in(opened.story).get(tag, "") for tag in decision.labels}
            decision = replace(_without_idle_edits(decision, opened), verdicts=verdicts).now()
            was = self._show(decision.key)
            found, left = self._journal.append(decision.record())
            if found == self._mark:  # nobody else has written: what is in memory is what is there
                self._mark = left
            last = {**self._decisions.last, decision.key: decision}
            self._decisions = replace(self._decisions, last=last, made=self._decisions.made + 1)
            is_others = before is not None and before.reviewer != self._reviewer
            replaced = before.reviewer if before is not None and is_others else None
            return {
                "row": self._show(decision.key),
                "before": {"choice": was["choice"], "labels": was["labels"], **was["written"]},
                "replaced": replaced,
                **self.progress(),
            }

    def progress(self) -> Json:
        """How many of all rows are decided and how, and how far judges agree with the labels."""
        current = list(self._current())
        labels = [
            {
                "model": each.model,
                "labels": [
                    {"tag": tag, "verdict": each.verdicts.get(tag), "label": label}
                    for tag, label in each.labels.items()
                ],
            }
            for each in current
            if each.labels
        ]
        schema = {"model": pl.String(), "labels": LABELS}
        return {
            "progress": {
                "rows": self._index.height,
                "accepted": sum(each.choice is Choice.ACCEPTED for each in current),
                "edited": sum(each.is_edited for each in current),
                "rejected": sum(each.choice is Choice.REJECTED for each in current),
                "unreadable": self._decisions.cut_off + self._decisions.damaged,
            },
            "agreement": agreement(pl.DataFrame(labels, schema=schema)).to_dicts(),
        }

    def _catch_up(self) -> None:
        """Read the decisions again if somebody has written since; find what they are about."""
        mark = self._journal.mark()
        if mark != self._mark or mark is None:
            self._decisions, self._mark = read_decisions(self._store), mark
        self._learn(key for key in self._decisions.last if key not in self._digests)

    def _current(self) -> Iterable[Decision]:
        """Decisions about rows that still have the texts that were seen."""
        digests = self._digests
        return (
            each for each in self._decisions.last.values() if each.texts == digests.get(each.key)
        )

    def _states(self) -> pl.DataFrame:
        states = [
            (*each.key, each.choice.value, each.is_edited)
            for each in self._current()
            if each.choice is not Choice.OPEN
        ]
        schema = dict.fromkeys(("model", "conversation_id", "choice"), pl.String())
        return pl.DataFrame(states, schema={**schema, "is_edited": pl.Boolean}, orient="row")

    def _learn(self, keys: Iterable[Key]) -> None:
        """Read the texts of these rows, as far as they are there, and keep their digests."""
        wanted: dict[tuple[str, str], set[str]] = {}
        for model, row in keys:
            if (model, row) in self._shards:
                wanted.setdefault((model, self._shards[model, row]), set()).add(row)
        for (model, shard), rows in wanted.items():
            for row, message, answer in self._texts(model, shard, rows):
                self._digests[model, row] = digest_of(message, answer)

    def _texts(self, model: str, shard: str, rows: Collection[str]) -> list[tuple[str, str, str]]:
        columns = ("conversation_id", "system_message", "new_answer")
        stored = self._store.read(ALIGNED, Partition(model, shard), *columns)
        return stored.filter(pl.col("conversation_id").is_in(list(rows))).rows()

    def _show(self, key: Key) -> Json:
        opened, decision = self._open(key), self._decisions.last.get(key)
        return show(opened.story, opened.message, opened.answer, decision)

    def _open(self, key: Key) -> _Opened:
        if key not in self._shards:
            raise _no_row(key)
        model, row = key
        at = Partition(model, self._shards[key])
        made_at = stored_at(self._store, ALIGNED, at)
        if key in self._opened and self._opened[key].made_at == made_at:
            return self._opened[key]
        texts = self._texts(model, str(at.shard), [row])
        if not texts or None in texts[0]:  # it was dropped when it was made again
            raise _no_row(key)
        [(_, message, answer)] = texts
        self._digests[key] = digest_of(message, answer)
        quality = self._read(ROW_QUALITY, at)
        [story] = build_stories(
            [StoredEvidence(self._store, (str(at.shard),), model)],
            model,
            [row],
            quality=None if quality is None else quality.with_columns(flags=list_flags(quality)),
            preferences=self._read(JUDGED_PREFERENCES, at),
            alignments=self._read(JUDGED_ALIGNMENT, at),
            obedience=self._read(OBEDIENCE, at),
            calibration=self._read(JUDGE_CALIBRATION, at),
        )
        self._opened.pop(key, None)
        if len(self._opened) >= _MOST_OPENED:
            del self._opened[next(iter(self._opened))]
        self._opened[key] = _Opened(story, message, answer, made_at)
        return self._opened[key]

    def _read(self, table: Table, at: Partition) -> pl.DataFrame | None:
        here = table.partition(at)
        return self._store.read(table, here) if self._store.holds(table, here) else None


def _no_row(key: Key) -> RowError:
    return RowError(f"there is no row {' '.join(key)} with an answer: load the page again")


def _without_idle_edits(decision: Decision, opened: _Opened) -> Decision:
    """The decision without texts that are the model's own.

    Raises:
        DecisionError: A text shows nothing.
    """
    for text in (decision.system_message, decision.new_answer):
        if text is not None and is_blank(text):
            raise DecisionError("a message or an answer without a word is none: reject the row")
    is_same = (decision.system_message == opened.message, decision.new_answer == opened.answer)
    return replace(
        decision,
        system_message=None if is_same[0] else decision.system_message,
        new_answer=None if is_same[1] else decision.new_answer,
    )
