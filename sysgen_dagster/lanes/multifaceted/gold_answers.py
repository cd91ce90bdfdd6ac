"""The model answers the instruction under the message that was made of a preference set."""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.chat.completions import CUT, add_completions
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest, Role, Sampling, derive_seed
from sysgen_dagster.lanes.multifaceted.tables import GOLD_ANSWERS, instruction_of

# Ours: how the paper's answers were decoded is not published. Answers of its benchmark have up to
# 18,700 characters.
SAMPLING = Sampling(temperature=0.7, max_tokens=4_096)


def build_inputs(messages: pl.DataFrame, instructions: pl.DataFrame) -> pl.DataFrame:
    """What the model is asked, one row per kept message, in their order.

    Returns:
        ``conversation_id``, ``source``, ``system_message``, ``question``.
    """
    asked = instructions.select(instruction_id="conversation_id", question="question")
    return (
        messages.select(
            *("conversation_id", "source", "system_message"),
            instruction_id=instruction_of("conversation_id"),
        )
        .join(asked, on="instruction_id", how="left", maintain_order="left", validate="m:1")
        .drop("instruction_id")
    )


def build_requests(inputs: pl.DataFrame) -> Iterator[ChatRequest]:
    """One request per row: the system message and the instruction."""
    wanted = ("conversation_id", "system_message", "question")
    for set_id, system_message, question in inputs.select(wanted).iter_rows():
        yield ChatRequest(
            set_id,
            [
                {"role": Role.SYSTEM, "content": system_message},
                {"role": Role.USER, "content": question},
            ],
            SAMPLING,
            derive_seed(set_id, GOLD_ANSWERS.name),
        )


def build_gold_answers(inputs: pl.DataFrame, completions: pl.DataFrame) -> pl.DataFrame:
    """`tables.GOLD_ANSWERS`: one row per input, in their order.

    An answer that declines is kept: a message may ask for it. One that was cut is dropped and stays
    in its row.
    """
    reason = (
        pl.when(pl.col("drop_reason").is_not_null())
        .then("drop_reason")
        .when(pl.col("finish_reason") == CUT)
        .then(pl.lit(NoAnswer.TRUNCATED.value))
    )
    return (
        add_completions(inputs, completions, None)
        .with_columns(answer="text", drop_reason=reason)
        .select(GOLD_ANSWERS.names)
    )
