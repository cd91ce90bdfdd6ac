"""The lane's tables: one for each phase, and the paper's tables over all shards of a model.

The rows of a phase are the rows of the step before that have no ``drop_reason``; all of them stand
here, those that the phase drops with their reason.
"""

import polars as pl

from sysgen_dagster.tables.columns import COUNT, DROP_REASON, GENERATION, IDENTITY, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Table

PHRASES = pl.List(pl.Struct({"tag": pl.String(), "text": pl.String()}))

DEFECTS = pl.List(pl.Struct({"kind": pl.String(), "text": pl.String()}))

VERDICTS = pl.List(
    pl.Struct({"tag": pl.String(), "verdict": pl.String(), "confidence": pl.Float64()})
)

REMOVED = pl.List(pl.Struct({"tag": pl.String(), "text": pl.String(), "verdict": pl.String()}))

REJECTED = pl.List(pl.Struct({"message": pl.String(), "reason": pl.String()}))

# One row per conversation, in each of the four.
ANNOTATED = Table(
    "annotated_system_messages",
    {
        **IDENTITY,
        "annotated_message": Column(TEXT, "the tagged system message as the model wrote it"),
        "sample": Column(
            COUNT, "which of the attempts at the row this is, from 0; null: not asked"
        ),
        "repaired": Column(pl.Boolean(), "written under a grammar, after malformed messages"),
        "rejected": Column(
            REJECTED, "the other attempts in their order: what was written, why it does not go on"
        ),
        **DROP_REASON,
        **GENERATION,
    },
    by=By.MODEL_SHARD,
    group=Group.SYSGEN_PHASES,
)
FILTERED = Table(
    "filtered_system_messages",
    {
        **IDENTITY,
        "phrases": Column(PHRASES, "well-formed phrases of the eight tags, in canonical order"),
        "tagged_message": Column(TEXT, "the phrases as tagged text; null when dropped"),
        "defects": Column(DEFECTS, "what was left out and why"),
        "has_malformed_boundary": Column(pl.Boolean(), "a tag was opened or closed wrongly"),
        **DROP_REASON,
    },
    by=By.MODEL_SHARD,
    group=Group.SYSGEN_PHASES,
)
VERIFIED = Table(
    "verified_system_messages",
    {
        **IDENTITY,
        "verdict_text": Column(TEXT, "the verdicts as the model wrote them"),
        "verdicts": Column(
            VERDICTS,
            "Good, Bad, None or Unreadable for each tag of the message; confidence: the word's "
            "probability among the three, null where not asked for",
        ),
        "phrases": Column(PHRASES, "phrases that stay, in canonical order"),
        "removed": Column(REMOVED, "phrases that went, and the verdict that removed them"),
        **DROP_REASON,
        **GENERATION,
    },
    by=By.MODEL_SHARD,
    group=Group.SYSGEN_PHASES,
)
ALIGNED = Table(
    "aligned_responses",
    {
        **IDENTITY,
        "system_message": Column(TEXT, "S: the verified phrases as natural text, no tags"),
        "new_answer": Column(TEXT, "A': the model's answer under the system message"),
        **DROP_REASON,
        **GENERATION,
    },
    by=By.MODEL_SHARD,
    group=Group.SYSGEN_PHASES,
)

# One row per source, phase table and outcome.
RETENTION = Table(
    "retention",
    {
        "source": IDENTITY["source"],
        "table": Column(TEXT, "conversations or one of the four phase tables"),
        "outcome": Column(TEXT, "kept, or the reason why the rows do not go on"),
        "conversations": Column(COUNT, "how many"),
    },
    by=By.MODEL,
    group=Group.PAPER_STATISTICS,
)
# One row per source, table (after Phase 2 or after Phase 3) and tag.
TAG_COUNTS = Table(
    "tag_counts",
    {
        "source": IDENTITY["source"],
        "table": Column(TEXT, "filtered_system_messages or verified_system_messages"),
        "tag": Column(TEXT, "one of the eight key functionalities"),
        "messages": Column(COUNT, "messages that go on and hold the tag"),
        "of_messages": Column(COUNT, "messages that go on"),
    },
    by=By.MODEL,
    group=Group.PAPER_STATISTICS,
)

# One row per tag, source and verdict of the phrases' judge.
VERDICT_COUNTS = Table(
    "verdict_counts",
    {
        "source": IDENTITY["source"],
        "tag": TAG_COUNTS.columns["tag"],
        "verdict": Column(TEXT, "Good, Bad, None or Unreadable"),
        "messages": Column(COUNT, "messages that hold the tag and got the verdict"),
        "of_messages": Column(COUNT, "messages that hold the tag and were judged"),
    },
    by=By.MODEL,
    group=Group.PAPER_STATISTICS,
)

TABLES = (ANNOTATED, FILTERED, VERIFIED, ALIGNED, RETENTION, TAG_COUNTS, VERDICT_COUNTS)
