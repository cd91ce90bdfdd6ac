"""The tables of the bench, none of which has partitions: a bench is one thing of a deployment."""

import polars as pl

from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    LANE,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    SELECTION,
)
from sysgen_dagster.tables.columns import (
    COUNT,
    DROP_REASON,
    FLAG,
    GENERATION,
    IDENTITY,
    NUMBER,
    TEXT,
)
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Table

# What a rubric has of its preference, and of itself.
RUBRIC_FIELDS = {
    **dict.fromkeys(("dimension", "subdimension", "criterion"), TEXT),
    "levels": pl.List(TEXT),
}
RUBRICS = pl.List(pl.Struct(RUBRIC_FIELDS))

# One row per held-out instruction.
BENCH_INSTRUCTIONS = Table(
    f"{LANE}/bench_instructions",
    {
        **IDENTITY,
        "source_row": SELECTION.columns["source_row"],
        "source_revision": SELECTION.columns["source_revision"],
        "question": Column(TEXT, "the instruction; null where it was excluded"),
        "repeats": Column(
            TEXT, "conversation_id of the training instruction that holds most of it; null: none"
        ),
        "overlap": Column(NUMBER, "share of its runs of words that stand there, from 0.5 to 1"),
        **DROP_REASON,
    },
    By.NOTHING,
    Group.MULTIFACETED,
)
# One row per preference set of a held-out instruction.
BENCH_REFERENCES = Table(
    f"{LANE}/bench_references",
    {
        **IDENTITY,
        "instruction_id": PREFERENCE_SETS.columns["instruction_id"],
        "question": GOLD_ANSWERS.columns["question"],
        "preference_set": PREFERENCE_SETS.columns["preference_set"],
        "system_message": PREFERENCE_MESSAGES.columns["system_message"],
        "answer": Column(TEXT, "the writer's answer under the system message"),
        "step": Column(TEXT, "table of the lane's step that the row got to; what follows is of it"),
        **DROP_REASON,
        **GENERATION,
    },
    By.NOTHING,
    Group.MULTIFACETED,
)
# One row per preference of a set that has a reference and a sibling's answer.
BENCH_RUBRICS = Table(
    f"{LANE}/bench_rubrics",
    {
        **IDENTITY,
        "dimension": Column(TEXT, "what kind of preference the rubric is about"),
        "subdimension": Column(TEXT, "and which kind of these"),
        "sibling_set": Column(TEXT, "conversation_id of the set that the sibling's answer is of"),
        "criterion": Column(TEXT, "the question that the rubric puts; null: none was read"),
        "levels": Column(pl.List(TEXT), "what the scores 1 to 5 stand for; null: none was read"),
        "reply": Column(TEXT, "what the writer wrote"),
        "attempt": Column(COUNT, "0, or 1 where it was written again; null: it was not asked"),
        "reference_score": Column(COUNT, "what the judge gives the reference; null: none was read"),
        "sibling_score": Column(COUNT, "and the sibling's answer"),
        "reference_grading": Column(TEXT, "what the judge wrote of the reference"),
        "sibling_grading": Column(TEXT, "and of the sibling's answer"),
        "judge": Column(TEXT, "the judge, as the catalogue names it"),
        "judge_is_writer": Column(FLAG, "whether the judge also wrote the answers"),
        **DROP_REASON,
        **GENERATION,
    },
    By.NOTHING,
    Group.MULTIFACETED,
)
# One row per preference set of a held-out instruction; kept, it is an item.
MULTIFACETED_BENCH = Table(
    f"{LANE}/bench",
    {
        **IDENTITY,
        "item": Column(TEXT, "identifies an item by a hash of its content; null: it is none"),
        "system_message": Column(TEXT, "made of the four preferences"),
        "prompt": Column(TEXT, "the instruction"),
        "reference_answer": Column(TEXT, "the writer's answer under the system message"),
        "sibling_answer": Column(TEXT, "its answer under another message of the instruction"),
        "rubrics": Column(
            RUBRICS,
            "of an item: for each preference its dimension and subdimension, the criterion, and "
            "what the scores 1 to 5 stand for",
        ),
        **DROP_REASON,
    },
    By.NOTHING,
    Group.MULTIFACETED,
)

TABLES = (BENCH_INSTRUCTIONS, BENCH_REFERENCES, BENCH_RUBRICS, MULTIFACETED_BENCH)
