"""Sets, messages and answers of held-out instructions, made as the lane makes its own.

One table has what the lane has in three: a bench is small, and made in one piece.
"""

from collections.abc import Callable

import polars as pl

from sysgen_dagster.lanes.multifaceted import gold_answers
from sysgen_dagster.lanes.multifaceted.asking import Ask
from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_REFERENCES
from sysgen_dagster.lanes.multifaceted.preference_messages import write_messages
from sysgen_dagster.lanes.multifaceted.preference_sets import write_preference_sets
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.steps import ANSWERS, MESSAGES, SETS, Step
from sysgen_dagster.tables.columns import GENERATION
from sysgen_dagster.tables.table import kept

_ID = "conversation_id"


def write_references(
    instructions: pl.DataFrame, ask_for: Callable[[Step], Ask], settings: Multifaceted
) -> pl.DataFrame:
    """`tables.BENCH_REFERENCES`: for each instruction its sets, in the order of the instructions.

    A set without an answer has the drop reason of the step that it did not pass. An answer that was
    cut is dropped and stays in its row.

    Args:
        instructions: Kept rows of `tables.BENCH_INSTRUCTIONS`.
        ask_for: Gives what asks the writer for the rows of a step.
        settings: Of the lane.
    """
    sets = write_preference_sets(instructions, ask_for(SETS), settings)
    messages = write_messages(kept(sets), ask_for(MESSAGES), settings)
    inputs = gold_answers.build_inputs(kept(messages), instructions)
    completions = ask_for(ANSWERS)(gold_answers.build_requests(inputs), inputs.height)
    answers = gold_answers.build_gold_answers(inputs, completions)
    last = {SETS: _dropped(sets), MESSAGES: _dropped(messages), ANSWERS: answers}
    ended = pl.concat(_ended(step, rows) for step, rows in last.items())
    questions = instructions.select(instruction_id=_ID, question="question")
    rows = sets.select(_ID, "source", "instruction_id", "preference_set")
    for more, key in (
        (questions, "instruction_id"),
        (messages.select(_ID, "system_message"), _ID),
        (answers.select(_ID, "answer"), _ID),
        (ended, _ID),
    ):
        rows = rows.join(more, on=key, how="left", maintain_order="left", validate="m:1")
    return rows.select(BENCH_REFERENCES.names)


def _dropped(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("drop_reason").is_not_null())


def _ended(step: Step, rows: pl.DataFrame) -> pl.DataFrame:
    """What becomes of the rows that no later step has."""
    return rows.select(_ID, "drop_reason", *GENERATION, step=pl.lit(step.table.name))
