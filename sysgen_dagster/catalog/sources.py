"""Sources and benchmarks: which upstream files are read, and what their rows look like."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sysgen_dagster.catalog.entries import (
    AtLeastOne,
    ColumnName,
    Entry,
    NamedEntry,
    Revision,
    Sha256,
    Switch,
)


class Records(Entry):
    """A column that lists the turns or exchanges of a row as records; `kind` names their fields."""

    kind: Literal["input_output", "sharegpt", "messages"]
    column: str


class QuestionAnswer(Entry):
    """Two text columns (Orca-Math, Magicoder, MetaMath)."""

    kind: Literal["question_answer"]
    question: str
    answer: str
    reasoning: str | None = None  # column with what was thought before the answer


_MOST_SHARDS = 100_000  # each is a partition of every phase and model

Shape = Annotated[Records | QuestionAnswer, Field(discriminator="kind")]

# The fields of a record, by the kind of shape.
_RECORD_FIELDS = {
    "input_output": {"input", "output"},  # Capybara
    "sharegpt": {"from", "value"},  # Airoboros
    "messages": {"role", "content"},  # the chat format of most trainers
}


class Exchanges(StrEnum):
    """Which exchanges of an upstream row become conversations of their own."""

    EACH = "each"  # every one, with the earlier ones as its history
    FIRST = "first"
    LAST = "last"  # the last answered one, with all earlier ones as its history


class HubFile(Entry):
    """The rows of a Hub data set: one file of it, or a split as the library `datasets` reads it.

    What is left out is found when the first shard is read, once, and stored with the data: the
    newest commit; the only file with rows, or else the only configuration and its rows to train on.
    """

    repo: str
    file: str | None = None
    config: str | None = None
    split: str | None = None
    revision: Revision | None = None
    sha256: Sha256 | None = None  # of the file

    @model_validator(mode="after")
    def _require_file_or_split(self) -> Self:
        if self.file is not None and (self.config or self.split):
            raise ValueError("give either `file`, or `config` and `split`")
        if self.sha256 is not None and (self.config or self.split):
            raise ValueError("`sha256` is that of a file; a `config` or `split` has none")
        return self


class UpstreamFile(NamedEntry):
    """A file that others publish, on the Hub or as a copy on this machine."""

    title: str
    license: str
    hub: HubFile | None = None
    path: Path | None = None  # of the copy, or of a folder of files

    @model_validator(mode="after")
    def _require_one_place(self) -> Self:
        if (self.hub is None) == (self.path is None):
            raise ValueError("give either `hub` or `path`")
        return self


class Source(UpstreamFile):
    """One source data set."""

    rows: AtLeastOne | None = None  # number of upstream rows; checked where given
    conversations: AtLeastOne | None = None  # number in a paper; null: that of SysGen's Table 9
    shards: Annotated[AtLeastOne, Field(le=_MOST_SHARDS)]
    same_question: str | None = None  # column; rows equal in it go to the same split
    columns: Mapping[ColumnName, Literal["string"] | Annotated[list[str], Field(min_length=1)]]
    shape: Shape
    exchanges: Exchanges = Exchanges.LAST
    show_original_system_message: Switch = False  # to the model of Phase 1

    @property
    def shape_columns(self) -> list[str]:
        """The columns that hold the exchanges of a row."""
        named = self.shape.model_dump(exclude={"kind"}, exclude_none=True)
        return list(named.values())

    @model_validator(mode="after")
    def _require_columns_of_shape(self) -> Self:
        if self.same_question not in {None, *self.columns}:
            raise ValueError(f"`same_question` is {self.same_question!r}, which `columns` lacks")
        if missing := sorted(set(self.shape_columns) - self.columns.keys()):
            raise ValueError(f"`shape` uses {missing}, which `columns` does not list")
        fields = _RECORD_FIELDS.get(self.shape.kind, set())
        for column in self.shape_columns:
            declared = self.columns[column]
            has_fields = isinstance(declared, list) and fields <= set(declared)
            if not (has_fields if fields else declared == "string"):
                wanted = f"a list with {sorted(fields)}" if fields else "string"
                raise ValueError(f"shape {self.shape.kind} needs column {column!r} to be {wanted}")
        return self


class Benchmark(UpstreamFile):
    """A published set of items that training data should not hold."""

    text: list[str] = Field(min_length=1)  # the columns of an item's text, joined by a blank
