"""The lane's part of the catalogue: where instructions come from, how many, and what is refused."""

from typing import Annotated

from pydantic import AfterValidator, Field

from sysgen_dagster.catalog.entries import (
    AtLeastOne,
    ColumnName,
    Count,
    Entry,
    MoreThanZero,
    Name,
    Share,
    Sources,
    Switch,
)
from sysgen_dagster.catalog.rules import rule
from sysgen_dagster.catalog.sources import Exchanges, QuestionAnswer, Shape, Source, UpstreamFile
from sysgen_dagster.lanes.multifaceted import paper
from sysgen_dagster.lanes.multifaceted.taxonomy import (
    DIMENSIONS,
    Taxonomy,
    load_taxonomy,
    with_more,
)

# Instructions a shard, where the catalogue does not say how many shards there are. Each has several
# sets of preferences: about as many requests as a shard of the first lane has.
INSTRUCTIONS_PER_SHARD = 2_000
_MOST_SETS = 5


class _TextSource(Source):
    """A source of conversations that is made of the name of one column."""

    def fields_that_name(self, column: str) -> str:
        """The field of the catalogue in which the column is named, for messages."""
        return "`instruction`"


class InstructionSource(UpstreamFile):
    """A data set whose rows begin with an instruction; the answers in it are not used.

    Attributes:
        rows: The number of upstream rows; checked where given.
        instruction: The column of text that holds the instruction.
        shape: Where the instruction is the first turn of a chat: how the chat is stored.
        weight: The source's part of all instructions, by the other sources' weights.
    """

    rows: AtLeastOne | None = None
    instruction: ColumnName | None = None
    shape: Shape | None = None
    weight: MoreThanZero = 1.0

    @rule("instruction", "shape")
    def _require_one_way(self) -> str | None:
        is_one = (self.instruction is None) != (self.shape is None)
        return None if is_one else "give either `instruction` or `shape`"

    @property
    def as_source(self) -> Source:
        """The same as a source of conversations, whose first question is the instruction."""
        kind, shape = Source, self.shape
        if shape is None:
            kind = _TextSource
            column = str(self.instruction)
            shape = QuestionAnswer(kind="question_answer", question=column, answer=column)
        return kind(
            name=self.name,
            title=self.title,
            license=self.license,
            hub=self.hub,
            github=self.github,
            path=self.path,
            rows=self.rows,
            shards=1,
            shape=shape,
            exchanges=Exchanges.FIRST,
        )


def _require_order(bounds: tuple[int, int]) -> tuple[int, int]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lower bound comes first")
    return bounds


_Bounds = Annotated[tuple[Count, Count], AfterValidator(_require_order)]


def shards_for(instructions: int) -> int:
    """Into how many shards so many instructions are cut."""
    return max(1, -(-instructions // INSTRUCTIONS_PER_SHARD))


class OwnBench(Entry):
    """The lane's own bench.

    Attributes:
        instructions: How many are held out for it, of all sources together: nobody trains on them.
            They are drawn before all others. So a bench that is added, or enlarged, later holds out
            some that were trained on, and changes every shard.
        writer: The entry of `models` that writes references and rubrics; null: the first one.
    """

    instructions: AtLeastOne = 100
    writer: Name | None = None


class Multifaceted(Entry):
    """The lane's section. Where a catalogue has none, the lane has no partitions.

    Attributes:
        sources: Where the instructions come from.
        instructions: How many are taken of all sources together.
        shards: Into how many parts they are cut. Left out: as `left_out` counts them.
        sets: Preference sets, and so system messages, for each.
        seed: Draws the instructions and the subdimensions of their sets.
        subdimensions: Further ones, by dimension: name and meaning.
        constrained: Whether replies are held to their form where the server can do that.
        attempts: How often a set or a message is asked for until one is sound.
        most_alike: ROUGE-L of two descriptions above which one of the sets is not taken.
        message_characters: Fewest and most of a system message.
        bench: The bench that is made of held-out instructions; null: none.
    """

    sources: Annotated[Sources[InstructionSource], Field(min_length=1)]
    instructions: AtLeastOne = paper.INSTRUCTIONS
    shards: Annotated[AtLeastOne, Field(le=10_000)] = Field(
        default_factory=lambda given: shards_for(given["instructions"])
    )
    sets: Annotated[AtLeastOne, Field(le=_MOST_SETS)] = paper.SETS
    seed: Count = 0
    subdimensions: Taxonomy = {}
    constrained: Switch = True
    attempts: Annotated[AtLeastOne, Field(le=10)] = 2
    most_alike: Share = 0.7
    message_characters: _Bounds = (400, 2_000)
    bench: OwnBench | None = None

    @property
    def taxonomy(self) -> Taxonomy:
        """The shipped subdimensions and those of the catalogue."""
        return with_more(load_taxonomy(), self.subdimensions)

    @rule("subdimensions")
    def _require_known_dimensions(self) -> str | None:
        unknown = sorted(self.subdimensions.keys() - {*DIMENSIONS})
        if not unknown:
            return None
        return f"`subdimensions` has {', '.join(unknown)}: give some of {', '.join(DIMENSIONS)}"

    @rule("shards", "instructions")
    def _require_no_empty_shard(self) -> str | None:
        if self.shards <= self.instructions:
            return None
        return f"{self.instructions} `instructions` do not fill {self.shards} `shards`: give fewer"

    @rule("sets", "bench")
    def _require_siblings(self) -> str | None:
        if self.bench is None or self.sets > 1:
            return None
        return "`bench` compares answers to several messages: give 2 `sets` or more"
