"""What reviewers decide about rows, as it is written down and read again.

Each change of a row's state is a record: the last one of a row counts, all are kept. A decision is
about the texts that the reviewer saw; when a model has written others since, it does not count.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

import xxhash

from sysgen_dagster.chat.visible import is_blank
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.lanes.sysgen.verification import CHOICES
from sysgen_dagster.sources.exclusions import rows_of
from sysgen_dagster.storage.journal import Journal, Journaled
from sysgen_dagster.storage.store import Store

LONGEST_TEXT = 100_000  # characters of a text that a reviewer writes
_LONGEST_NAME, _LONGEST_KEY = 100, 1_000


class Choice(StrEnum):
    """What was decided about a row."""

    ACCEPTED = "accepted"  # also one that was edited
    REJECTED = "rejected"
    OPEN = "open"  # undone, or only labelled


class DecisionError(SysgenError):
    """What was sent is no decision; the message says what is wrong with it."""


Key = tuple[str, str]  # a model and a conversation


@dataclass(frozen=True, slots=True)
class Decision:
    """The state of a row after a change by a reviewer.

    Attributes:
        model: Whose row.
        conversation_id: Which row of it.
        texts: `digest_of` the system message and the new answer that the reviewer saw.
        choice: What was decided.
        reviewer: Who did.
        decided_at: When, in ISO 8601, UTC.
        system_message: As the reviewer wrote it; None: as it was.
        new_answer: The same of the answer.
        labels: By tag, what the reviewer says of the phrases of that tag.
        verdicts: By tag that has a label, what the judge had said.
    """

    model: str
    conversation_id: str
    texts: str
    choice: Choice
    reviewer: str
    decided_at: str = ""
    system_message: str | None = None
    new_answer: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """The row."""
        return self.model, self.conversation_id

    @property
    def is_edited(self) -> bool:
        """Whether the row is taken with other words than the model's."""
        return self.choice is Choice.ACCEPTED and not (
            self.system_message is None and self.new_answer is None
        )

    def now(self) -> Self:
        """The same, decided now."""
        return replace(self, decided_at=datetime.now(UTC).isoformat(timespec="milliseconds"))

    def record(self) -> dict[str, Any]:
        """What is written down."""
        return {
            "model": self.model,
            "conversation_id": self.conversation_id,
            "texts": self.texts,
            "choice": self.choice.value,
            "reviewer": self.reviewer,
            "decided_at": self.decided_at,
            "system_message": self.system_message,
            "new_answer": self.new_answer,
            "labels": dict(self.labels),
            "verdicts": dict(self.verdicts),
        }


def digest_of(system_message: str, new_answer: str) -> str:
    """Letters and digits that say which texts these are."""
    digest = xxhash.xxh3_128(f"{len(system_message)}\n".encode())
    for text in (system_message, new_answer):
        digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def parse_decision(record: Mapping[str, Any]) -> Decision:
    """A decision as it was sent or written down.

    Raises:
        DecisionError: It is none.
    """
    names = ("model", "conversation_id", "texts", "reviewer", "decided_at")
    longest = {"reviewer": _LONGEST_NAME}
    texts = {
        name: _text(record.get(name, ""), name, longest.get(name, _LONGEST_KEY)) for name in names
    }
    edits = {
        name: None if record.get(name) is None else _text(record[name], name, LONGEST_TEXT)
        for name in ("system_message", "new_answer")
    }
    if record.get("choice") not in tuple(Choice):
        raise DecisionError(f"`choice` is one of {', '.join(Choice)}")
    return Decision(
        **texts,
        choice=Choice(record["choice"]),
        system_message=edits["system_message"],
        new_answer=edits["new_answer"],
        labels=_words(record.get("labels", {}), "labels", CHOICES),
        verdicts=_words(record.get("verdicts", {}), "verdicts", None),
    )


def require_name(reviewer: str) -> str:
    """The name of a reviewer.

    Raises:
        DecisionError: It is none that can be written down.
    """
    if is_blank(reviewer):
        raise DecisionError("a reviewer has a name")
    return _text(reviewer, "reviewer", _LONGEST_NAME)


def _text(value: object, name: str, longest: int) -> str:
    if not isinstance(value, str):
        raise DecisionError(f"`{name}` is no text")
    if len(value) > longest:
        raise DecisionError(f"`{name}` has {len(value):,} characters; {longest:,} are the most")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DecisionError(f"`{name}` holds half a character, which no file can hold") from error
    return value


def _words(value: object, name: str, known: Collection[str] | None) -> dict[str, str]:
    """By tag a word, one of `known`."""
    if not isinstance(value, Mapping) or not set(TAG_NAMES).issuperset(value):
        raise DecisionError(f"`{name}` has tags as names: {', '.join(TAG_NAMES)}")
    if not all(isinstance(word, str) for word in value.values()):
        raise DecisionError(f"`{name}` has words as values")
    if known is not None and not set(known).issuperset(value.values()):
        raise DecisionError(f"`{name}` has as values only {', '.join(known)}")
    return dict(value)


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decisions of a deployment.

    Attributes:
        last: The one that counts of each row, as far as its texts are still the same.
        made: How many were made in all.
        cut_off: Lines of writers that were killed.
        damaged: Lines that are not what was written.
    """

    last: Mapping[Key, Decision] = field(default_factory=dict)
    made: int = 0
    cut_off: int = 0
    damaged: int = 0

    @property
    def digest(self) -> str:
        """Which changes these make to what is exported; ``none`` where nobody has decided."""
        digest = xxhash.xxh3_128()
        changing = [each for _, each in sorted(self.last.items()) if each.choice is not Choice.OPEN]
        for each in changing:
            texts = (each.system_message, each.new_answer)
            digest.update(repr((each.key, each.texts, each.choice.value, *texts)).encode())
        return digest.hexdigest() if changing else "none"

    def __str__(self) -> str:
        """How many there are, and what could not be read."""
        said = f"{self.made:,} decisions about {len(self.last):,} rows"
        if self.cut_off:
            said += f", {self.cut_off:,} cut off by a kill, which nobody was told to count"
        return said + (f", {self.damaged:,} damaged" if self.damaged else "")

    def of(self, model: str) -> dict[str, Decision]:
        """Those of a model, by conversation."""
        return {each.conversation_id: each for each in self.last.values() if each.model == model}

    def without(self, conversations: Collection[str]) -> "Decisions":
        """Those about other conversations than these."""
        left = {key: each for key, each in self.last.items() if key[1] not in conversations}
        return replace(self, last=left)


def journal_of(store: Store) -> Journal:
    """Where the decisions of a deployment are written."""
    return Journal(store.root / "review" / "decisions.jsonl")


def read_decisions(store: Store) -> Decisions:
    """The decisions of a deployment.

    Raises:
        StoreUnavailableError: They could not be read.
        StoreError: The system does not allow to read them.
    """
    return collect(journal_of(store).read())


def collect(written: Journaled) -> Decisions:
    """What was written down, as it counts now."""
    last: dict[Key, Decision] = {}
    strange = 0
    for record in written.records:
        try:
            decision = parse_decision(record)
        except DecisionError:
            strange += 1
            continue
        last[decision.key] = decision
    return Decisions(last, len(written.records), written.cut_off, written.damaged + strange)


def forget_decisions(store: Store, conversations: Iterable[str]) -> int:
    """Remove all that was decided and written about these, and about the rows that they are of.

    Returns:
        How many decisions are gone.

    Raises:
        StoreUnavailableError: Storage did not answer.
        StoreError: The system does not allow it.
    """
    rows = set(rows_of(list(conversations)))
    return journal_of(store).remove(
        lambda record: not rows.isdisjoint(rows_of([str(record.get("conversation_id"))]))
    )
