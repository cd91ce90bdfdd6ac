"""Sources and benchmarks: which upstream files are read, and what their rows look like."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from sysgen_dagster.catalog.entries import Entry, NamedEntry, Revision, Sha256


class InputOutput(Entry):
    """A column that lists exchanges as ``{input, output}`` (Capybara)."""

    kind: Literal["input_output"]
    column: str


class ShareGpt(Entry):
    """A column that lists turns as ``{from, value}`` (Airoboros)."""

    kind: Literal["sharegpt"]
    column: str


class Messages(Entry):
    """A column that lists turns as ``{role, content}`` (the chat format of most trainers)."""

    kind: Literal["messages"]
    column: str


class QuestionAnswer(Entry):
    """Two text columns (Orca-Math, Magicoder, MetaMath)."""

    kind: Literal["question_answer"]
    question: str
    answer: str


Shape = Annotated[InputOutput | ShareGpt | Messages | QuestionAnswer, Field(discriminator="kind")]


class Exchanges(StrEnum):
    """Which exchanges of an upstream row become conversations of their own."""

    EACH = "each"  # every turn, the earlier ones as its history
    FIRST = "first"
    LAST = "last"  # the last answered turn, all earlier ones as its history


# The fields of a shape's records; a shape that is not here reads columns of text.
_RECORD_FIELDS = {
    "input_output": {"input", "output"},
    "sharegpt": {"from", "value"},
    "messages": {"role", "content"},
}


class HubFile(Entry):
    """One named file of a Hub data set at one commit."""

    repo: str
    file: str | None
    revision: Revision | None
    sha256: Sha256 | None = None


class Source(NamedEntry):
    """One source data set."""

    title: str
    license: str
    hub: HubFile | None = None
    path: Path | None = None  # a local file instead of the Hub
    rows: PositiveInt | None = None  # upstream rows, checked where known
    conversations: PositiveInt | None = None  # how many a paper counts; null: SysGen's Table 9
    shards: PositiveInt
    same_question: str | None = None  # column; rows equal in it stay on one side of the splits
    columns: Mapping[str, Literal["string"] | list[str]]
    shape: Shape
    exchanges: Exchanges = Exchanges.LAST
    show_original_system_message: bool = False  # to the model of Phase 1

    @property
    def shape_columns(self) -> list[str]:
        """The columns that hold the exchanges of a row."""
        return [value for key, value in self.shape.model_dump().items() if key != "kind"]

    @model_validator(mode="after")
    def _has_one_place_and_its_columns(self) -> Self:
        if (self.hub is None) == (self.path is None):
            raise ValueError("give either `hub` or `path`")
        used = set(self.shape_columns)
        if self.same_question not in {None, *self.columns}:
            raise ValueError(f"`same_question` is {self.same_question!r}, which `columns` lacks")
        if missing := sorted(used - self.columns.keys()):
            raise ValueError(f"`shape` uses {missing}, which `columns` does not list")
        fields = _RECORD_FIELDS.get(self.shape.kind)
        for column in used:
            declared = self.columns[column]
            has = set(declared) if isinstance(declared, list) else None
            if (fields is None) != (has is None) or (fields or set()) - (has or set()):
                wanted = f"a list with {sorted(fields)}" if fields else "string"
                raise ValueError(f"shape {self.shape.kind} needs column {column!r} to be {wanted}")
        return self


class Benchmark(NamedEntry):
    """Items that training data should not hold: a named file, and where in it their text is."""

    title: str
    license: str
    hub: HubFile | None = None
    path: Path | None = None
    text: list[str] = Field(min_length=1)  # columns, joined by a blank

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.hub is None) == (self.path is None):
            raise ValueError("give either `hub` or `path`")
        return self
