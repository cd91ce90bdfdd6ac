"""Tables of verdicts on answers, by judges and by rules, and columns of results to compare."""

import polars as pl

from sysgen_dagster.tables.columns import (
    COUNT,
    DROP_REASON,
    FLAG,
    GENERATION,
    IDENTITY,
    MESSAGES,
    TEXT,
)
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Columns, Table

# The final answers of maths texts; null where an answer states none.
FINAL_ANSWERS: Columns = {
    "final_answer": Column(TEXT, "final answer of the original answer; numbers as fractions"),
    "new_final_answer": Column(TEXT, "final answer of the new answer; numbers as fractions"),
    "final_answer_same": Column(FLAG, "whether the two are equal; null where that is not known"),
}

PYTHON_BLOCKS: Columns = {
    "python_blocks": Column(COUNT, "fenced Python blocks of the original answer"),
    "python_blocks_parsed": Column(COUNT, "how many of them parse"),
    "new_python_blocks": Column(COUNT, "fenced Python blocks of the new answer"),
    "new_python_blocks_parsed": Column(COUNT, "how many of them parse"),
}

# Columns of both tables of verdicts.
_JUDGED: Columns = {
    "judge": Column(TEXT, "the model that judged, as the catalogue names it"),
    "judge_is_generator": Column(FLAG, "whether the judge also wrote what it judged"),
    "verdict_text": Column(TEXT, "what the judge wrote"),
    **DROP_REASON,
    **GENERATION,
}
# Two rows per sampled conversation, one for each order in which the two answers were shown.
JUDGED_PREFERENCES = Table(
    "judged_preferences",
    {
        **IDENTITY,
        "shown_first": Column(TEXT, "original or new"),
        "verdict": Column(TEXT, "original, new, tie or Unreadable; null: no answer"),
        **_JUDGED,
    },
    by=By.MODEL,
    group=Group.JUDGEMENTS,
)
# One row per sampled conversation.
JUDGED_ALIGNMENT = Table(
    "judged_alignment",
    {
        **IDENTITY,
        "verdict": Column(TEXT, "Aligned, Not aligned, Unknown or Unreadable; null: no answer"),
        **_JUDGED,
    },
    by=By.MODEL,
    group=Group.JUDGEMENTS,
)

# What a judge says of items that were labelled without it (`calibration` says by whom): two rows
# per pair of answers, one per row.
JUDGE_CALIBRATION = Table(
    "judge_calibration",
    {
        "kind": Column(TEXT, "what was asked: preference, alignment or phrase"),
        "labelled_set": Column(
            TEXT,
            "where the label is from: a part of LLMBar, reviewed, phrases (those that rules leave "
            "open) or phrases_by_rules",
        ),
        "item": Column(TEXT, "which item of it"),
        "shown_first": JUDGED_PREFERENCES.columns["shown_first"],
        "label": Column(TEXT, "the verdict that was given without it"),
        "verdict": Column(TEXT, "the judge's, or Unreadable; null: no answer"),
        **_JUDGED,
    },
    by=By.MODEL,
    group=Group.JUDGEMENTS,
)

PHRASE_VERDICTS = pl.List(
    pl.Struct({"tag": TEXT, "text": TEXT, "verdict": TEXT, "by": TEXT, "rule": TEXT})
)
# One row per answered conversation.
OBEDIENCE = Table(
    "obedience",
    {
        **IDENTITY,
        "phrases": Column(
            PHRASE_VERDICTS,
            "each phrase of the system message: obeyed, not_obeyed or unknown; by: rules or the "
            "judges' names, null where nobody could tell; rule: the kind of rule that decided",
        ),
        "obeyed": Column(COUNT, "phrases that are obeyed"),
        "not_obeyed": Column(COUNT, "phrases that are not"),
        "unknown": Column(COUNT, "phrases of which nobody could tell"),
        "may_decline": Column(
            FLAG, "whether the answer may be a refusal of which rules are not sure", is_new=True
        ),
        "declines": Column(
            FLAG, "whether it is one, by the judge; null: not asked, or not told", is_new=True
        ),
        "judged": Column(
            pl.List(TEXT),
            "what each of several judges said of each phrase, as `phi-4: obeyed; owl: unread`; "
            "null: rules decided, or one judge",
            is_new=True,
        ),
        **{name: column for name, column in _JUDGED.items() if name != "drop_reason"},
    },
    by=By.MODEL_SHARD,
    group=Group.JUDGEMENTS,
)

# One row per answer to a turn of a user who asks for what a phrase of the message says or for the
# opposite: four turns a chosen message, two of which are asked without it, too.
CONFLICT_TURNS = Table(
    "conflict_turns",
    {
        **IDENTITY,
        "turn": Column(TEXT, "aligned, unrelated, conflicting or claimed_authority"),
        "has_system_message": Column(FLAG, "whether it was asked under the system message"),
        "tag": Column(TEXT, "tag of the phrase that is put to the test"),
        "phrase": Column(TEXT, "that phrase"),
        "rule": Column(TEXT, "the kind of the rule in it"),
        "request": Column(TEXT, "what the user adds to the question"),
        "prompt": Column(MESSAGES, "the chat that was sent"),
        "answer": Column(TEXT, "what was answered"),
        "side": Column(
            TEXT,
            "message, user, neither or unknown: whose wish the answer follows, by rules; null: it "
            "is dropped",
        ),
        "is_refusal": Column(FLAG, "whether the answer declines what was asked"),
        **DROP_REASON,
        **GENERATION,
    },
    by=By.MODEL_SHARD,
    group=Group.JUDGEMENTS,
)
# One row per source, rule, turn and outcome.
CONFLICT_COUNTS = Table(
    "conflict_counts",
    {
        "source": IDENTITY["source"],
        **{name: CONFLICT_TURNS.columns[name] for name in ("rule", "turn", "has_system_message")},
        "outcome": Column(TEXT, "message, user, neither, unknown, or a drop reason"),
        "is_refusal": CONFLICT_TURNS.columns["is_refusal"],
        "answers": Column(COUNT, "how many"),
    },
    by=By.MODEL,
    group=Group.STATISTICS,
)

TABLES = (
    *(JUDGED_PREFERENCES, JUDGED_ALIGNMENT, JUDGE_CALIBRATION),
    *(OBEDIENCE, CONFLICT_TURNS, CONFLICT_COUNTS),
)
