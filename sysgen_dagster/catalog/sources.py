"""Sources and benchmarks: which upstream files are read, and what their rows look like."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from sysgen_dagster.catalog.entries import (
    UNKNOWN,
    AtLeastOne,
    ColumnName,
    Entry,
    NamedEntry,
    Revision,
    Sha256,
    Switch,
)
from sysgen_dagster.catalog.rules import rule


class Records(Entry):
    """A column that lists the turns or exchanges of a row as records; `kind` names their fields."""

    kind: Literal["input_output", "sharegpt", "messages"]
    column: str

    @property
    def columns(self) -> "Columns":
        """The columns that it reads, as an entry declares them."""
        return {self.column: _RECORD_FIELDS[self.kind]}


class QuestionAnswer(Entry):
    """Two text columns (Orca-Math, Magicoder, MetaMath)."""

    kind: Literal["question_answer"]
    question: str
    answer: str
    reasoning: str | None = None  # column with what was thought before the answer

    @property
    def columns(self) -> "Columns":
        """The columns that it reads, as an entry declares them."""
        named = (self.question, self.answer, self.reasoning)
        return dict.fromkeys((name for name in named if name is not None), "string")


Columns = Mapping[ColumnName, Literal["string"] | Annotated[list[str], Field(min_length=1)]]
_MOST_SHARDS = 100_000  # each is a partition of every phase and model
# Rows a shard, where the catalogue does not say how many shards there are: one answer each is half
# an hour's work of a small server, and a row of several exchanges is several conversations.
ROWS_PER_SHARD = 4_000

Shape = Annotated[Records | QuestionAnswer, Field(discriminator="kind")]

# The fields of a record, by the kind of shape.
_RECORD_FIELDS = {
    "input_output": ["input", "output"],  # Capybara
    "sharegpt": ["from", "value"],  # Airoboros
    "messages": ["role", "content"],  # the chat format of most trainers
}


class Exchanges(StrEnum):
    """Which exchanges of an upstream row become conversations of their own."""

    EACH = "each"  # every one, with the earlier ones as its history
    FIRST = "first"
    LAST = "last"  # the last answered one, with all earlier ones as its history


class HubFile(Entry):
    """One file of a Hub data set at one commit."""

    repo: str
    file: str | None
    revision: Revision | None
    sha256: Sha256 | None = None


class UpstreamFile(NamedEntry):
    """A file that others publish, on the Hub or as a copy on this machine."""

    title: str = Field(default_factory=lambda given: str(given["name"]))
    license: str = UNKNOWN
    hub: HubFile | None = None
    path: Path | None = None  # of the copy; relative to the catalogue's file

    @rule("hub", "path")
    def _require_one_place(self) -> str | None:
        is_one = (self.hub is None) != (self.path is None)
        return None if is_one else "give either `hub` or `path`"


def shards_for(rows: int | None) -> int:
    """Into how many shards a source of so many rows is cut; None: it is not known how many."""
    return min(_MOST_SHARDS, max(1, -(-(rows or 0) // ROWS_PER_SHARD)))


def _columns_of(given: dict[str, Any]) -> Columns:
    shape: Records | QuestionAnswer = given["shape"]
    return shape.columns


class Source(UpstreamFile):
    """One source data set."""

    rows: AtLeastOne | None = None  # number of upstream rows; checked where given
    conversations: AtLeastOne | None = None  # number in a paper; null: that of SysGen's Table 9
    # Left out: one for each `ROWS_PER_SHARD` of `rows`, or of the rows that a file of this machine
    # seems to have; else 1.
    shards: Annotated[AtLeastOne, Field(le=_MOST_SHARDS)] = Field(
        default_factory=lambda given: shards_for(given["rows"])
    )
    same_question: str | None = None  # column; rows equal in it go to the same split
    shape: Shape
    columns: Columns = Field(default_factory=_columns_of)  # left out: those that the shape names
    exchanges: Exchanges = Exchanges.LAST
    show_original_system_message: Switch = False  # to the model of Phase 1

    @property
    def shape_columns(self) -> list[str]:
        """The columns that hold the exchanges of a row."""
        named = self.shape.model_dump(exclude={"kind"}, exclude_none=True)
        return list(named.values())

    @rule("same_question", "columns")
    def _require_column_of_questions(self) -> str | None:
        if self.same_question in {None, *self.columns}:
            return None
        return f"`same_question` is {self.same_question!r}, which `columns` lacks"

    @rule("shape", "columns")
    def _require_columns_of_shape(self) -> str | None:
        if missing := sorted(set(self.shape_columns) - self.columns.keys()):
            return f"`shape` uses {missing}, which `columns` does not list"
        fields = set(_RECORD_FIELDS.get(self.shape.kind, ()))
        for column in self.shape_columns:
            declared = self.columns[column]
            has_fields = isinstance(declared, list) and fields <= set(declared)
            if not (has_fields if fields else declared == "string"):
                wanted = f"a list with {sorted(fields)}" if fields else "string"
                return f"shape {self.shape.kind} needs column {column!r} to be {wanted}"
        return None


class Benchmark(UpstreamFile):
    """A published set of items that training data should not hold."""

    text: list[str] = Field(min_length=1)  # the columns of an item's text, joined by a blank
