"""Sources and benchmarks: which upstream files are read, and what their rows look like."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from sysgen_dagster.catalog.entries import (
    UNKNOWN,
    AtLeastOne,
    ColumnName,
    Entry,
    NamedEntry,
    Switch,
)
from sysgen_dagster.catalog.places import GitHubFiles, HubFile
from sysgen_dagster.catalog.rules import rule


def _is_left_out(value: object) -> bool:
    return not value


# Versions of stored partitions are made of entries as they are dumped. A field that an older
# release does not know is not in them where the catalogue does not use it.
_NEW = Field(default=None, exclude_if=_is_left_out)
Speaker = Literal["system", "user", "assistant"]
Roles = Annotated[
    Mapping[Annotated[str, Field(min_length=1)], Speaker], Field(exclude_if=_is_left_out)
]


class _Shape(Entry):
    """What all shapes share: which of their fields name columns, and what these columns hold."""

    of_records: ClassVar[tuple[str, ...]] = ()  # fields that name a column of records
    of_text: ClassVar[tuple[str, ...]] = ("system",)  # fields that name a column of text

    system: str | None = _NEW  # column with the system message of the row

    @model_serializer(mode="wrap")
    def _kind_first(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As people write it: the fields of the kind before those that others have, too."""
        fields: dict[str, Any] = dump(self)
        of_kind = type(self).__annotations__
        return {name: fields[name] for name in sorted(fields, key=lambda each: each not in of_kind)}

    @property
    def columns(self) -> list[str]:
        """The columns that hold the exchanges of a row."""
        named = [getattr(self, field) for field in dict.fromkeys(self.of_records + self.of_text)]
        return [column for column in dict.fromkeys(named) if column is not None]

    @property
    def record_fields(self) -> tuple[str, ...]:
        """The fields that a record has at least."""
        return ()

    @property
    def speaker(self) -> str | None:
        """The field of a record that says who speaks; None: no field does."""
        return None


_SPOKEN = {"sharegpt": ("from", "value")}  # other kinds have `role` and `content`


class _Spoken(_Shape):
    role: str | None = _NEW  # field of a record that says who speaks; null: that of the kind
    content: str | None = _NEW  # field with what is said
    roles: Roles = {}  # of those who speak under a name of the data set's own

    @property
    def record_fields(self) -> tuple[str, str]:
        """Who speaks, and what is said."""
        role, content = _SPOKEN.get(getattr(self, "kind", ""), ("role", "content"))
        return self.role or role, self.content or content

    @property
    def speaker(self) -> str:
        """The field of a record that says who speaks."""
        return self.record_fields[0]


class Turns(_Spoken):
    """A column that lists the turns of a row as records (Airoboros, most chats)."""

    of_records = ("column",)

    kind: Literal["sharegpt", "messages"]
    column: str


class PromptCompletion(_Spoken):
    """Two columns: what comes before the answer, and the answer; text, or turns as records."""

    of_records = ("prompt", "completion")
    of_text = ("prompt", "completion", "system")

    kind: Literal["prompt_completion"]
    prompt: str
    completion: str


class RecordedExchanges(_Shape):
    """A column that lists the exchanges of a row as records (Capybara)."""

    of_records = ("column",)

    kind: Literal["input_output"]
    column: str
    input: str | None = _NEW  # field of a record with the question; null: `input`
    output: str | None = _NEW  # field with the answer; null: `output`

    @property
    def record_fields(self) -> tuple[str, str]:
        """The question, and its answer."""
        return self.input or "input", self.output or "output"


class Alternating(_Shape):
    """A column that lists the texts of user and assistant by turns (LIMA, UltraChat)."""

    of_records = ("column",)

    kind: Literal["alternating"]
    column: str
    content: str | None = _NEW  # what `columns` calls such a text; null: `text`

    @property
    def record_fields(self) -> tuple[str]:
        """The only one."""
        return (self.content or "text",)


class Transcript(_Shape):
    """A text column with a whole chat, in which marks say who speaks (Guanaco, HH)."""

    of_text = ("column", "system")

    kind: Literal["transcript"]
    column: str
    roles: Annotated[Roles, Field(min_length=1)]  # by the mark, such as `### Human:`


class QuestionAnswer(_Shape):
    """A column with the question and one with the answer (Orca-Math, Magicoder, MetaMath)."""

    of_text = ("question", "answer", "reasoning", "input", "system")

    kind: Literal["question_answer"]
    question: str
    answer: str
    reasoning: str | None = None  # column with what was thought before the answer
    input: str | None = _NEW  # column with what the question is about; it follows the question


Columns = Mapping[ColumnName, Literal["string"] | Annotated[list[str], Field(min_length=1)]]
_MOST_SHARDS = 100_000  # each is a partition of every phase and model
# Rows a shard, where the catalogue does not say how many shards there are: one answer each is half
# an hour's work of a small server, and a row of several exchanges is several conversations.
ROWS_PER_SHARD = 4_000

Shape = Annotated[
    Turns | RecordedExchanges | Alternating | Transcript | PromptCompletion | QuestionAnswer,
    Field(discriminator="kind"),
]


class Exchanges(StrEnum):
    """Which exchanges of an upstream row become conversations of their own."""

    EACH = "each"  # every one, with the earlier ones as its history
    FIRST = "first"
    LAST = "last"  # the last answered one, with all earlier ones as its history
    WHOLE = "whole"  # the same; the earlier answers are written anew too


class UpstreamFile(NamedEntry):
    """A file that others publish, on the Hub, on GitHub or as a copy on this machine."""

    # The fields of which one says where it is.
    places: ClassVar[tuple[str, ...]] = ("hub", "github", "path")
    needs_place: ClassVar[bool] = True  # or else there is one of the deployment's own
    title: str = Field(default_factory=lambda given: str(given["name"]))
    license: str = UNKNOWN
    hub: HubFile | None = None
    github: GitHubFiles | None = _NEW
    path: Path | None = None  # of the copy, a file or a folder; relative to the catalogue's file

    @property
    def repository(self) -> str | None:
        """OWNER/NAME of a data set on the Hub, or github.com/OWNER/NAME; None: a copy is read."""
        if self.hub is not None:
            return self.hub.repo
        return f"github.com/{self.github.repo}" if self.github else None

    @rule("hub", "github", "path")
    def _require_one_place(self) -> str | None:
        given = sum(getattr(self, place) is not None for place in self.places)
        if self.needs_place <= given <= 1:
            return None
        return f"give one of {', '.join(f'`{each}`' for each in self.places)}"


def shards_for(rows: int | None) -> int:
    """Into how many shards a source of so many rows is cut; None: it is not known how many."""
    return min(_MOST_SHARDS, max(1, -(-(rows or 0) // ROWS_PER_SHARD)))


def _columns_of(given: dict[str, Any]) -> Columns:
    """What a shape reads: texts where its columns may be texts, else records."""
    shape: Shape = given["shape"]
    texts = {getattr(shape, field) for field in shape.of_text}
    records = list(shape.record_fields)
    return {column: "string" if column in texts else records for column in shape.columns}


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
        return self.shape.columns

    def fields_that_name(self, column: str) -> str:
        """The fields of the catalogue in which one of the columns is named, for messages."""
        named = ["`shape`"] * (column in self.shape_columns)
        named += ["`columns`"] * ("columns" in self.model_fields_set)
        return " and ".join(named)

    @rule("same_question", "columns")
    def _require_column_of_questions(self) -> str | None:
        if self.same_question in {None, *self.columns}:
            return None
        return f"`same_question` is {self.same_question!r}, which `columns` lacks"

    @rule("columns", "shape")
    def _require_columns_of_shape(self) -> str | None:
        if missing := sorted(set(self.shape_columns) - self.columns.keys()):
            return (
                f"`shape` uses {missing}, which `columns` does not list: list them there, or leave "
                "`columns` out"
            )
        return None

    @rule("shape", "columns")
    def _require_what_the_shape_reads(self) -> str | None:
        shape, fields = self.shape, set(self.shape.record_fields)
        texts = {getattr(shape, field) for field in shape.of_text}
        records = {getattr(shape, field) for field in shape.of_records}
        for column in self.shape_columns:
            declared = self.columns.get(column)
            if declared is None:
                continue
            if isinstance(declared, str):
                fits = column in texts
            else:
                fits = column in records and fields <= set(declared)
            if not fits:
                choices = [f"a list with {sorted(fields)}"] * (column in records)
                wanted = " or ".join(choices + ["string"] * (column in texts))
                return f"shape {shape.kind} needs column {column!r} to be {wanted}"
        return None


class Benchmark(UpstreamFile):
    """A published set of items that training data should not hold."""

    text: list[str] = Field(min_length=1)  # the columns of an item's text, joined by a blank
