"""The lane's tables: one for each phase, and the statistics that the paper prints.

A phase's table has one row per kept row of the table before it. Rows that the phase drops are in it
too, with their ``drop_reason``.
"""

from functools import partial

import polars as pl

from sysgen_dagster.tables.columns import (
    COUNT,
    DROP_REASON,
    FLAG,
    GENERATION,
    IDENTITY,
    MESSAGES,
    NUMBER,
    TEXT,
)
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Table

PHRASES = pl.List(pl.Struct({"tag": TEXT, "text": TEXT}))
DEFECTS = pl.List(pl.Struct({"kind": TEXT, "text": TEXT}))
VERDICTS = pl.List(pl.Struct({"tag": TEXT, "verdict": TEXT, "confidence": NUMBER}))
REMOVED = pl.List(pl.Struct({"tag": TEXT, "text": TEXT, "verdict": TEXT}))
REJECTED = pl.List(pl.Struct({"message": TEXT, "reason": TEXT}))
REJECTED_ANSWERS = pl.List(pl.Struct({"answer": TEXT, "reason": TEXT}))

_phase_table = partial(Table, by=By.MODEL_SHARD, group=Group.SYSGEN_PHASES)
_statistic = partial(Table, by=By.MODEL, group=Group.STATISTICS)

# Each of the four has one row per conversation.
ANNOTATED = _phase_table(
    "annotated_system_messages",
    {
        **IDENTITY,
        "annotated_message": Column(TEXT, "the tagged system message as the model wrote it"),
        "sample": Column(
            COUNT, "number of the attempt that wrote it, from 0; null where the model was not asked"
        ),
        "repaired": Column(FLAG, "written under a grammar, since no other attempt was well-formed"),
        "rejected": Column(
            REJECTED, "the other attempts in their order: the message, and why it was not chosen"
        ),
        **DROP_REASON,
        **GENERATION,
    },
)
FILTERED = _phase_table(
    "filtered_system_messages",
    {
        **IDENTITY,
        "phrases": Column(PHRASES, "well-formed phrases of the eight tags, in canonical order"),
        "tagged_message": Column(TEXT, "the phrases as tagged text; null when dropped"),
        "defects": Column(DEFECTS, "what was left out and why, and what was mended"),
        "has_malformed_boundary": Column(FLAG, "a tag was opened or closed wrongly"),
        **DROP_REASON,
    },
)
VERIFIED = _phase_table(
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
        "removed": Column(REMOVED, "phrases that were removed, with their verdicts"),
        **DROP_REASON,
        **GENERATION,
    },
)
ALIGNED = _phase_table(
    "aligned_responses",
    {
        **IDENTITY,
        "system_message": Column(TEXT, "S: the verified phrases as natural text, no tags"),
        "new_answer": Column(TEXT, "A': the model's answer under the system message"),
        "answers": Column(
            COUNT, "answers that the model was asked for, in all turns together", is_new=True
        ),
        "rejected_answers": Column(
            REJECTED_ANSWERS,
            "the other answers to the question in their order: a drop reason, or breaks_rules",
            is_new=True,
        ),
        "all_prompt_tokens": Column(COUNT, "tokens in of all `answers`", is_new=True),
        "all_completion_tokens": Column(COUNT, "tokens out of all `answers`", is_new=True),
        "result": Column(
            TEXT,
            "whether the new answers have the results of the original ones: same, contradicts, "
            "unread (none was found), none (the original ones state none); null: no answer",
            is_new=True,
        ),
        "result_kind": Column(TEXT, "final_answer or python; null: no result", is_new=True),
        "first_result": Column(
            TEXT, "`result` of the first answer that was asked for in each turn", is_new=True
        ),
        "is_original": Column(
            FLAG,
            "an original answer was kept, as the new ones contradict it; here or in `new_history`",
            is_new=True,
        ),
        "new_history": Column(
            MESSAGES,
            "the turns before the question with answers written anew under the system message; "
            "null: they are the upstream ones",
            is_new=True,
        ),
        **DROP_REASON,
        **GENERATION,
    },
)

# One row per source, phase table and outcome.
RETENTION = _statistic(
    "retention",
    {
        "source": IDENTITY["source"],
        "table": Column(TEXT, "conversations or one of the four phase tables"),
        "outcome": Column(TEXT, "kept, or a drop reason"),
        "conversations": Column(COUNT, "number of conversations with this outcome"),
    },
)
# One row per source, table (after Phase 2 or after Phase 3) and tag.
TAG_COUNTS = _statistic(
    "tag_counts",
    {
        "source": IDENTITY["source"],
        "table": Column(TEXT, "filtered_system_messages or verified_system_messages"),
        "tag": Column(TEXT, "one of the eight tags"),
        "messages": Column(COUNT, "kept messages that hold the tag"),
        "of_messages": Column(COUNT, "kept messages"),
    },
)

# One row per source, tag and verdict of Phase 3.
VERDICT_COUNTS = _statistic(
    "verdict_counts",
    {
        "source": IDENTITY["source"],
        "tag": TAG_COUNTS.columns["tag"],
        "verdict": Column(TEXT, "Good, Bad, None or Unreadable"),
        "messages": Column(COUNT, "messages that hold the tag and were given the verdict"),
        "of_messages": Column(COUNT, "messages that hold the tag and were judged"),
    },
)

# One row per source and kind of result, of the conversations with a new answer.
RESULT_COUNTS = _statistic(
    "result_counts",
    {
        "source": IDENTITY["source"],
        "result_kind": Column(TEXT, "final_answer or python"),
        "checked": Column(COUNT, "conversations whose original answer states such a result"),
        "contradicted_at_first": Column(
            COUNT, "of these, those whose first new answer has another"
        ),
        "contradicts": Column(
            COUNT, "whose chosen answer has another: kept or dropped, by `method.contradiction`"
        ),
        "dropped": Column(COUNT, "of `contradicts`, those that were dropped"),
        "kept_original": Column(
            COUNT, "whose original answer was kept, as all new ones have another"
        ),
        "same": Column(COUNT, "whose new answer has the same result"),
        "unread": Column(COUNT, "in whose new answer no such result was found"),
    },
)

# One row per tag of the messages with planted faults, as the judge of Phase 3 calls it.
PLANTED_FAULTS = Table(
    "planted_faults",
    {
        "message": Column(TEXT, "which of the messages, such as planted-03"),
        "tag": TAG_COUNTS.columns["tag"],
        "is_planted": Column(FLAG, "whether the tag is wrong on purpose"),
        "verdict": Column(TEXT, "Good, Bad, None or Unreadable; null: no answer"),
        "verdict_text": Column(TEXT, "what the judge wrote"),
        **DROP_REASON,
        **GENERATION,
    },
    by=By.MODEL,
    group=Group.JUDGEMENTS,
)

TABLES = (
    ANNOTATED,
    FILTERED,
    VERIFIED,
    ALIGNED,
    RETENTION,
    TAG_COUNTS,
    VERDICT_COUNTS,
    RESULT_COUNTS,
    PLANTED_FAULTS,
)
