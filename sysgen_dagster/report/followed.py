"""What the live page follows: the phases of the first lane, and the steps of the second one.

Each says how the page names it, and tells rows: a few of a shard that is stored, and those whose
answer lies in a ledger.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.multifaceted import steps, stories, unstored
from sysgen_dagster.lanes.multifaceted.counts import name_of
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import JUDGED_PAIRS, split_set_id
from sysgen_dagster.lanes.sysgen.phases import PHASES, Phase
from sysgen_dagster.lanes.sysgen.stories import build_stories
from sysgen_dagster.lanes.sysgen.story_rows import choose_from_step
from sysgen_dagster.lanes.sysgen.unstored import NOT_STORED, with_answer
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.tables.table import Table, kept
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS

Story = dict[str, Any]  # of either lane; those of the second have ``sets``
# By the id of a request, the text of its answer, or why there is none.
Answered = Mapping[str, tuple[str | None, str | None]]

_ROWS = 4  # of a stored shard: kept ones and, of the first lane, as many dropped ones


class Followed(Protocol):
    """A table of a model and a shard, whose rows the page follows."""

    @property
    def table(self) -> Table:
        """The table."""

    @property
    def title(self) -> str:
        """What the page calls it."""

    @property
    def asks(self) -> bool:
        """Whether a model is asked for its rows."""

    def tell(self, shard: StoredEvidence, excluded: Collection[str]) -> list[Story]:
        """A few rows of a shard that was just stored."""

    def tell_answers(
        self, shard: StoredEvidence, answers: Answered, excluded: Collection[str]
    ) -> list[Story]:
        """The rows of these answers, as far as the shard holds them, with their answers."""


@dataclass(frozen=True, slots=True)
class FollowedPhase:
    """A phase of the first lane."""

    phase: Phase

    @property
    def table(self) -> Table:
        """What the phase fills."""
        return self.phase.table

    @property
    def title(self) -> str:
        """Number and short name."""
        return self.phase.title

    @property
    def asks(self) -> bool:
        """Whether a model is asked."""
        return self.phase.asks

    def tell(self, shard: StoredEvidence, excluded: Collection[str]) -> list[Story]:
        """Dropped rows, then kept ones."""
        rows = reached(shard.read(self.table, "conversation_id", "drop_reason"))
        rows = rows.filter(~pl.col("conversation_id").is_in(list(excluded)))
        dropped = rows.filter(pl.col("drop_reason").is_not_null())
        ids = [each for part in (dropped, kept(rows)) for each in choose_from_step(part, _ROWS)]
        told = build_stories([shard], str(shard.model), ids, upto=self.table)
        return sorted(told, key=lambda story: ids.index(story["id"]))

    def tell_answers(
        self, shard: StoredEvidence, answers: Answered, excluded: Collection[str]
    ) -> list[Story]:
        """Conversations as the step before left them, with their answers."""
        told = build_stories([shard], str(shard.model), list(answers), upto=self.phase.before)
        by_id = {story["id"]: story for story in told if story["id"] not in excluded}
        return [
            with_answer(by_id[identity], self.table, *answer)
            for identity, answer in answers.items()
            if identity in by_id
        ]


@dataclass(frozen=True, slots=True)
class FollowedStep:
    """A step of the second lane; of what comes after the answers nothing but counts is shown.

    Attributes:
        settings: Of the lane.
    """

    table: Table
    settings: Multifaceted

    @property
    def title(self) -> str:
        """Lane and step."""
        return f"Second lane, {name_of(self.table)}"

    @property
    def asks(self) -> bool:
        """Whether a model or a judge is asked."""
        return self.table in steps.ASKED

    def tell(self, shard: StoredEvidence, excluded: Collection[str]) -> list[Story]:
        """Instructions with all of their sets."""
        if self.table not in stories.TABLES:
            return []
        ids = stories.choose_instructions(shard, _ROWS, self.table, excluded)
        return stories.build_stories(shard, str(shard.model), ids, self.table)

    def tell_answers(
        self, shard: StoredEvidence, answers: Answered, excluded: Collection[str]
    ) -> list[Story]:
        """Instructions with one set each, the one of the answer."""
        before = {step.table: step.reads[0] for step in steps.STEPS}.get(self.table)
        if before is None:
            return []
        ids = {identity: split_set_id(identity)[0] for identity in answers}
        wanted = list(dict.fromkeys(ids.values()))
        told = stories.build_stories(shard, str(shard.model), wanted, before)
        by_id = {story["id"]: story for story in told if story["id"] not in excluded}
        with_replies = [
            unstored.with_reply(by_id[ids[each]], self.table, each, *answer, self.settings)
            for each, answer in answers.items()
            if ids[each] in by_id
        ]
        return [{**story, "flags": [NOT_STORED]} for story in with_replies if story is not None]


def list_followed(catalog: Catalog) -> list[Followed]:
    """What is followed in a deployment, in the order of the page."""
    settings = catalog.multifaceted
    tables = (*stories.TABLES, JUDGED_PAIRS, MULTIFACETED_PAIRS) if settings else ()
    return [
        *(FollowedPhase(phase) for phase in PHASES),
        *(FollowedStep(table, settings) for table in tables if settings),
    ]


def reached(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without those that a pilot left out."""
    return rows.filter(pl.col("drop_reason").ne_missing(NoAnswer.BEYOND_LIMIT.value))
