"""The lane's tables: which instructions are taken, and what a model wrote for each of them.

A row of the last three is one preference set. Its ``conversation_id`` is that of its instruction
with ``#`` and the number of the set, so what is done with a conversation reaches its sets as well.
"""

from functools import partial

import polars as pl

from sysgen_dagster.sources.tables import SOURCE_ROW
from sysgen_dagster.tables.columns import COUNT, DROP_REASON, FLAG, GENERATION, IDENTITY, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Table

LANE = "multifaceted"  # the section of the catalogue, and the prefix of the lane's tables

PREFERENCES = pl.List(
    pl.Struct(
        {"dimension": TEXT, "subdimension": TEXT, "preference": TEXT, "description": TEXT},
    )
)
_lane_table = partial(Table, group=Group.MULTIFACETED, of_lane=LANE)

_INSTRUCTION = {
    **IDENTITY,
    "source_row": SOURCE_ROW["source_row"],
    "source_revision": SOURCE_ROW["source_revision"],
    "position": Column(COUNT, "place among all that are taken, from 0; null: it is not"),
    "question": Column(TEXT, "the instruction; null where it is neither taken nor held out"),
    **DROP_REASON,
}
_ATTEMPT = {
    "attempt": Column(COUNT, "which reply this is, from 0; null where the model was not asked"),
}

# One row per upstream row of all sources of instructions.
SELECTION = Table(f"{LANE}/selection", _INSTRUCTION, By.NOTHING, Group.MULTIFACETED)
# One row per instruction.
INSTRUCTIONS = _lane_table(f"{LANE}/instructions", _INSTRUCTION, By.SHARD)
# The others have one row per preference set.
PREFERENCE_SETS = _lane_table(
    f"{LANE}/preference_sets",
    {
        **IDENTITY,
        "instruction_id": Column(TEXT, "conversation_id of the instruction"),
        "preference_set": Column(
            PREFERENCES,
            "one preference in each dimension, in their order; of a dropped row what could be read",
        ),
        "reply": Column(TEXT, "what the model wrote"),
        **_ATTEMPT,
        **DROP_REASON,
        **GENERATION,
    },
    By.MODEL_SHARD,
)
PREFERENCE_MESSAGES = _lane_table(
    f"{LANE}/preference_messages",
    {
        **IDENTITY,
        "system_message": Column(TEXT, "one paragraph that asks for the four preferences"),
        "reply": Column(TEXT, "what the model wrote"),
        **_ATTEMPT,
        **DROP_REASON,
        **GENERATION,
    },
    By.MODEL_SHARD,
)
GOLD_ANSWERS = _lane_table(
    f"{LANE}/gold_answers",
    {
        **IDENTITY,
        "system_message": PREFERENCE_MESSAGES.columns["system_message"],
        "question": Column(TEXT, "the instruction"),
        "answer": Column(TEXT, "the model's answer under the system message"),
        **DROP_REASON,
        **GENERATION,
    },
    By.MODEL_SHARD,
)
# Two rows per preference set of which an answer to a sibling might be rejected.
JUDGED_PAIRS = _lane_table(
    f"{LANE}/judged_pairs",
    {
        **IDENTITY,
        "rejected_set": Column(TEXT, "conversation_id of the set whose answer is the other one"),
        "shown_first": Column(TEXT, "own or sibling: which answer the judge saw first"),
        "verdict": Column(
            TEXT, "own, sibling or tie: which answer obeys the message better; or Unreadable"
        ),
        "verdict_text": Column(TEXT, "what the judge wrote"),
        "judge": Column(TEXT, "the judge, as the catalogue names it"),
        "judge_is_generator": Column(FLAG, "whether the judge also wrote the answers"),
        **DROP_REASON,
        **GENERATION,
    },
    By.MODEL_SHARD,
)

TABLES = (
    *(SELECTION, INSTRUCTIONS, PREFERENCE_SETS, PREFERENCE_MESSAGES, GOLD_ANSWERS),
    JUDGED_PAIRS,
)


def set_id(instruction_id: str, number: int) -> str:
    """The ``conversation_id`` of a preference set, from that of its instruction."""
    return f"{instruction_id}#{number}"


def split_set_id(identity: str) -> tuple[str, int]:
    """The id of the instruction, and the number of the set, from `set_id`."""
    instruction_id, _, number = identity.rpartition("#")
    return instruction_id, int(number)


def instruction_of(column: str) -> pl.Expr:
    """The id of the instruction, from the ``conversation_id`` of a set in a column."""
    return pl.col(column).str.replace(r"#\d+$", "")
