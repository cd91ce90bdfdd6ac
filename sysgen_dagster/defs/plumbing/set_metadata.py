"""What the UI shows of a shard of the second lane: a few preference sets, and what can be drawn.

A set is shown with what the step was given and what it made of it, as a phase's rows are.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from sysgen_dagster.defs.plumbing.metadata import (
    CELL_CHARS,
    chart_metadata,
    texts_below_each_other,
)
from sysgen_dagster.lanes.multifaceted import counts
from sysgen_dagster.lanes.multifaceted.stories import TABLES, Story, build_stories
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    split_set_id,
)
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS, label_of
from sysgen_dagster.report.set_charts import draw_lengths, draw_subdimensions
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.tables.table import Table
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS

# By table, the texts that are shown of a set, and how many characters of each: together with their
# titles few enough for the UI to show them at once.
_SHOWN: Mapping[Table, Mapping[str, int]] = {
    PREFERENCE_SETS: {"Instruction": 140, **dict.fromkeys(map(label_of, DIMENSIONS), 170)},
    PREFERENCE_MESSAGES: {"Descriptions": 420, "Message": 440},
    GOLD_ANSWERS: {"Instruction": 160, "Message": 320, "Answer": 380},
    MULTIFACETED_PAIRS: {"Instruction": 140, "Message": 240, "Chosen": 240, "Rejected": 240},
}
SHOWN_AS_SETS = tuple(_SHOWN)
_CHARTS: Mapping[Table, tuple[str, Callable[..., Any], Callable[..., pl.DataFrame]]] = {
    PREFERENCE_SETS: ("What preferences are about", draw_subdimensions, counts.count_subdimensions),
    PREFERENCE_MESSAGES: (
        "How long messages are",
        draw_lengths,
        lambda shards: counts.count_lengths(counts.measure_messages(shards)),
    ),
}


def set_metadata(table: Table, shard: StoredEvidence, ids: Sequence[str]) -> dict[str, Any]:
    """These sets of a shard of one of `SHOWN_AS_SETS`, and its chart if it has one.

    Raises:
        StoreError: An earlier table of the shard is missing or damaged.
        TableError: It does not have its declared columns.
    """
    asked = list(dict.fromkeys(split_set_id(each)[0] for each in ids))
    upto = table if table in TABLES else GOLD_ANSWERS
    stories = {each["id"]: each for each in build_stories(shard, str(shard.model), asked, upto)}
    pairs = _read_pairs(shard, ids) if table == MULTIFACETED_PAIRS else {}
    shown: dict[str, Any] = {}
    for place, each in enumerate(ids, 1):
        instruction_id, number = split_set_id(each)
        story = stories[instruction_id]
        one = {**story["sets"][number], **pairs.get(each, {})}
        shown[f"row_{place}"] = _show(table, story["question"], one)
    return shown | _draw(table, shard)


def _read_pairs(shard: StoredEvidence, ids: Sequence[str]) -> dict[str, Story]:
    """By set, the answer that is rejected, and why there is no pair."""
    wanted = ("conversation_id", "rejected", "drop_reason")
    rows = shard.read(MULTIFACETED_PAIRS, *wanted).filter(pl.col("conversation_id").is_in(ids))
    return {
        identity: {"rejected": turns[0]["content"] if turns else None, "drop_reason": reason}
        for identity, turns, reason in rows.iter_rows()
    }


def _show(table: Table, question: str | None, one: Story) -> dg.MarkdownMetadataValue:
    preferences = one["preferences"]
    texts = {
        "Instruction": question,
        **{
            label_of(each["dimension"]): f"{each['preference']}: {each['description']}"
            for each in preferences
        },
        "Descriptions": " ".join(each["description"] or "" for each in preferences),
        "Message": one["system_message"],
        "Answer": one["answer"],
        "Chosen": one["answer"],
        "Rejected": one.get("rejected"),
    }
    most = _SHOWN[table]
    told = {title: text for title in most if (text := texts.get(title))}
    if one["drop_reason"]:
        told["Dropped"] = one["drop_reason"].replace("_", " ")
    return texts_below_each_other(told, {**most, "Dropped": CELL_CHARS})


def _draw(table: Table, shard: StoredEvidence) -> dict[str, Any]:
    if table not in _CHARTS:
        return {}
    title, draw, count = _CHARTS[table]
    rows = count([shard]).select(pl.lit(shard.model).alias("model"), pl.all())
    return chart_metadata(draw, rows, [str(shard.model)], title)
