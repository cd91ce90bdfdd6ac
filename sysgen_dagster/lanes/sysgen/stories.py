"""Single conversations through all phases: what a report tells of each.

Which ones it shows is chosen in `story_rows`, from ids and outcomes alone. Here the texts of the
chosen ones are read, one shard at a time, so that no more than a handful of rows is ever whole in
memory.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import polars as pl

from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.lanes.sysgen.story_rows import _IDENTITY, Rows, _order
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import Table

Story = dict[str, Any]

LONGEST_TEXT = 20_000  # characters; what goes beyond is counted, not shown
_MOST_PARTS = 60  # defects, turns and the like of one row


_TOLD: Mapping[Table, Sequence[str]] = {
    CONVERSATIONS: (
        "source",
        "history",
        "original_system_message",
        "question",
        "answer",
        "duplicate_of",
    ),
    ANNOTATED: ("annotated_message", "repaired", "engine"),
    FILTERED: ("tagged_message", "defects"),
    VERIFIED: ("verdicts", "removed"),
    ALIGNED: ("system_message", "new_answer"),
}


def build_stories(
    shards: Sequence[Rows],
    model: str,
    ids: Collection[str],
    *,
    quality: pl.DataFrame | None = None,
    preferences: pl.DataFrame | None = None,
    alignments: pl.DataFrame | None = None,
) -> list[Story]:
    """One record per conversation of `ids` that the shards hold, in the order of `arrange_stories`.

    A record has ``id``, ``source``, ``model``, ``engine``, the texts of every step that the row
    reached, ``stopped_at`` and ``drop_reason`` (null: it went all the way), ``measures``, ``flags``
    and ``judgements``. Long texts are cut and say by how much.

    Args:
        shards: Each with the rows of its own shard and this model.
        model: As the catalogue names it.
        ids: See `story_rows.choose_rows`; those of other models too, to compare models on them.
        quality: Rows of ``row_quality`` of this model with their ``flags``, where there are any.
        preferences: Rows of ``judged_preferences`` of this model.
        alignments: Rows of ``judged_alignment`` of this model.
    """
    wanted = pl.DataFrame({_IDENTITY: sorted(ids)}, schema={_IDENTITY: pl.String})
    if quality is not None:
        quality = quality.join(wanted, on=_IDENTITY, how="semi")
    measured = _by_id(quality, wanted)
    preferred, aligned = _by_id(preferences, wanted), _by_id(alignments, wanted)
    stories = []
    for row in (row for shard in shards for row in _whole_rows(shard, wanted)):
        identity = row[_IDENTITY]
        quality_rows = measured.get(identity, [])
        judged = [
            *map(_preference, preferred.get(identity, [])),
            *map(_alignment, aligned.get(identity, [])),
        ]
        stories.append(_story(row, model, quality_rows[0] if quality_rows else {}, judged))
    return arrange_stories(stories)


def arrange_stories(stories: Iterable[Story]) -> list[Story]:
    """Each source's rows in a shuffled order, the models of a row beside each other.

    Sources come in the order in which they are first met, and so do the models of a row.
    """
    given = list(stories)
    sources = list(dict.fromkeys(story["source"] for story in given))
    return sorted(
        given, key=lambda each: (sources.index(each["source"]), _order(each["id"]), each["id"])
    )


def _by_id(frame: pl.DataFrame | None, wanted: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    if frame is not None:
        for row in frame.join(wanted, on=_IDENTITY, how="semi").iter_rows(named=True):
            rows.setdefault(row[_IDENTITY], []).append(row)
    return rows


def _whole_rows(shard: Rows, wanted: pl.DataFrame) -> Iterable[dict[str, Any]]:
    """The wanted rows of a shard, every step's columns beside each other."""
    parts = [
        shard.read(table, _IDENTITY, *columns, "drop_reason")
        .join(wanted, on=_IDENTITY, how="semi")
        .rename({"drop_reason": f"drop_reason_{table.name}"})
        for table, columns in _TOLD.items()
    ]
    whole = reduce(lambda one, other: one.join(other, on=_IDENTITY, how="left"), parts)
    return whole.iter_rows(named=True)


def _story(
    row: Mapping[str, Any], model: str, quality: Mapping[str, Any], judgements: list[Story]
) -> Story:
    stopped_at = next((step.name for step in STEPS if row[f"drop_reason_{step.name}"]), None)
    return {
        "id": row[_IDENTITY],
        "source": row["source"],
        "model": model,
        "engine": row["engine"],
        "history": _cut_parts(row["history"]),
        "original_system_message": _cut(row["original_system_message"]),
        "question": _cut(row["question"]),
        "answer": _cut(row["answer"]),
        "annotated_message": _cut(row["annotated_message"]),
        "defects": _cut_parts(row["defects"]),
        "tagged_message": _cut(row["tagged_message"]),
        "verdicts": _cut_parts(row["verdicts"]),
        "removed": _cut_parts(row["removed"]),
        "system_message": _cut(row["system_message"]),
        "new_answer": _cut(row["new_answer"]),
        "stopped_at": stopped_at,
        "drop_reason": row[f"drop_reason_{stopped_at}"] if stopped_at else None,
        "measures": _measures(quality),
        "flags": [*_flags(row, quality), *_judged_flags(judgements)],
        "judgements": judgements,
    }


def _cut(text: str | None) -> str | None:
    if text is None or len(text) <= LONGEST_TEXT:
        return text
    left_out = len(text) - LONGEST_TEXT
    return f"{text[:LONGEST_TEXT]} [{left_out:,} more characters are not shown]"


def _cut_parts(parts: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    return [
        {name: _cut(value) if isinstance(value, str) else value for name, value in part.items()}
        for part in (parts or [])[:_MOST_PARTS]
    ]


_TOLD_OTHERWISE = {_IDENTITY, "source", "personal_data", "flags"}


def _measures(quality: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain_number(quality[name]) for name in quality if name not in _TOLD_OTHERWISE}


def _plain_number(value: Any) -> Any:
    """JSON has neither NaN nor infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _flags(row: Mapping[str, Any], quality: Mapping[str, Any]) -> list[str]:
    found = {
        "same text as an earlier row": row["duplicate_of"] is not None,
        "written under a grammar": row["repaired"],
        "something left out by Phase 2": row["defects"],
        "phrases removed by Phase 3": row["removed"],
    }
    named = [name.replace("_", " ") for name in quality.get("flags", [])]
    return [flag for flag, raised in found.items() if raised] + named


def _judged_flags(judgements: Sequence[Story]) -> list[str]:
    verdicts = [judged["verdict"] for judged in judgements]
    found = {
        "judged not aligned": "Not aligned" in verdicts,
        "original preferred in both orders": verdicts.count("original") > 1,
    }
    return [flag for flag, raised in found.items() if raised]


def _preference(row: Mapping[str, Any]) -> Story:
    return _judgement(row, f"Which answer is better? The {row['shown_first']} one shown first")


def _alignment(row: Mapping[str, Any]) -> Story:
    return _judgement(row, "Does the new answer obey the system message?")


def _judgement(row: Mapping[str, Any], question: str) -> Story:
    judge = f"{row['judge']}, which also wrote it" if row["judge_is_generator"] else row["judge"]
    return {
        "question": question,
        "verdict": row["verdict"],
        "judge": judge,
        "text": _cut(row["verdict_text"]),
    }
