"""Single instructions with their preference sets, messages and answers, as records to be read.

Which ones are shown depends on their outcomes and their order, which is random already. The texts
of the chosen ones are read, of one shard at a time.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.multifaceted.counts import name_of
from sysgen_dagster.lanes.multifaceted.steps import STEPS
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    instruction_of,
)
from sysgen_dagster.tables.checks import Evidence
from sysgen_dagster.tables.table import Table

Story = dict[str, Any]

TABLES = tuple(step.table for step in STEPS)
_ID = "conversation_id"
# By table, the column of a set that is shown, and how many characters of it.
_SHOWN = {PREFERENCE_MESSAGES: ("system_message", 2_000), GOLD_ANSWERS: ("answer", 700)}
_LONGEST_QUESTION = 2_000
_NO_TEXTS = dict.fromkeys(column for column, _ in _SHOWN.values())


def choose_instructions(
    shard: Evidence, most: int, upto: Table = GOLD_ANSWERS, excluded: Collection[str] = ()
) -> list[str]:
    """The ids of a few instructions of a shard, of its sources in turn.

    The last one has a set that was dropped, where there is such a one; the sets of the others went
    through all steps, where there are so many.

    Args:
        shard: The rows of one model.
        most: How many are chosen.
        upto: The last step that is read.
        excluded: Ids of instructions that must not be shown.
    """
    reached = pl.concat(
        shard.read(table, _ID, "source", "drop_reason") for table in _tables(upto)
    ).filter(pl.col("drop_reason").ne_missing(NoAnswer.BEYOND_LIMIT.value))
    asked = (
        reached.group_by("source", instruction=instruction_of(_ID), maintain_order=True)
        .agg(is_whole=pl.col("drop_reason").is_null().all())
        .filter(~pl.col("instruction").is_in(list(excluded)))
        .with_columns(turn=pl.int_range(pl.len()).over("source", "is_whole"))
        .sort("turn", maintain_order=True)
    )
    whole, others = (asked.filter(is_whole=each)["instruction"].to_list() for each in (True, False))
    first = whole[: most - 1] if others else whole[:most]
    return [*first, *others[: most - len(first)]]


def build_stories(
    shard: Evidence, model: str, ids: Sequence[str], upto: Table = GOLD_ANSWERS
) -> list[Story]:
    """One record per instruction of `ids` that the shard holds, in their order.

    A record has ``id``, ``source``, ``model``, ``engine``, ``question`` and ``sets``; each of these
    has ``preferences``, ``system_message`` and ``answer`` (null after the step that dropped it, and
    after `upto`), ``stopped_at`` (a step in words) and ``drop_reason``. Long
    texts are cut.

    Args:
        shard: The rows of one model.
        model: Its name in the catalogue.
        ids: Ids of instructions of the shard.
        upto: The last step that is read; `INSTRUCTIONS`: none, and no sets are told.
    """
    is_wanted = instruction_of(_ID).is_in(list(ids))
    asked = shard.read(INSTRUCTIONS, _ID, "source", "question").filter(is_wanted)
    rows = {row[_ID]: row for row in asked.iter_rows(named=True)}
    told: dict[str, Story] = {}
    engines: dict[str, str | None] = {}
    of_instruction: dict[str, list[Story]] = {each: [] for each in ids}
    if upto != INSTRUCTIONS:
        sets = shard.read(PREFERENCE_SETS, _ID, "engine", "preference_set", "drop_reason")
        named = sets.filter(is_wanted).with_columns(instruction=instruction_of(_ID))
        for row in named.iter_rows(named=True):
            one = told[row[_ID]] = build_set(row["preference_set"] or [], row["drop_reason"])
            of_instruction[row["instruction"]].append(one)
            engines[row["instruction"]] = row["engine"]
    for table, (column, most) in _SHOWN.items():
        if table in _tables(upto):
            texts = shard.read(table, _ID, column, "drop_reason").filter(is_wanted)
            for identity, text, reason in texts.iter_rows():
                told[identity] |= {column: _shorten(text, most), **ending(table, reason)}
    return [
        {
            "id": each,
            "source": rows[each]["source"],
            "model": model,
            "engine": engines.get(each),
            "question": _shorten(rows[each]["question"], _LONGEST_QUESTION),
            "sets": of_instruction[each],
        }
        for each in ids
        if each in rows
    ]


def build_set(preferences: Sequence[Mapping[str, Any]], reason: str | None = None) -> Story:
    """A set of a record that has nothing but its preferences, and why it was dropped if it was."""
    return {"preferences": preferences, **_NO_TEXTS, **ending(PREFERENCE_SETS, reason)}


def _tables(upto: Table) -> tuple[Table, ...]:
    return () if upto == INSTRUCTIONS else TABLES[: TABLES.index(upto) + 1]


def ending(table: Table, reason: str | None) -> Story:
    """How a set ends that a step dropped; nulls where it was not."""
    return {"drop_reason": reason, "stopped_at": name_of(table) if reason else None}


def _shorten(text: str | None, most: int) -> str | None:
    """The beginning of a text, with how much is left out."""
    if text is None or len(text) <= most:
        return text
    return f"{text[:most]} [{len(text) - most:,} more characters]"
