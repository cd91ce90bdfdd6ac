"""What the second lane will ask of a model and its judge, roughly, and what it has asked so far.

Assumptions, all of them ours, for instructions of which nothing is answered yet: a token has four
characters; a preference set has `SET` tokens; a message is as long as the middle of those in the
paper's benchmark; an answer has `ANSWER` tokens; nothing is asked twice, and no row is dropped;
each answer has a sibling about as long, with which a judge compares it, in `VERDICT` tokens.
"""

import polars as pl

from sysgen_dagster.analysis.expected_work import tokens_of
from sysgen_dagster.analysis.measured_work import FIGURES, WORK
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer
from sysgen_dagster.chat.tokens import CHARACTERS_PER_TOKEN
from sysgen_dagster.lanes.multifaceted import (
    pair_judgement,
    paper,
    preference_messages,
    preference_sets,
)
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    JUDGED_PAIRS,
    LANE,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    instruction_of,
)

SET = 240  # four preferences of four words, and four descriptions of thirty
DESCRIPTIONS = 180  # of these the descriptions
MESSAGE = sum(paper.MESSAGE_CHARACTERS) // 2 // CHARACTERS_PER_TOKEN
ANSWER = 600
VERDICT = 80  # three sentences and a line
# What `measure_sets` needs of the table of each step.
COLUMNS = ("conversation_id", "attempts", "prompt_tokens", "completion_tokens", "drop_reason")


def expect_sets(selection: pl.DataFrame, settings: Multifaceted) -> pl.DataFrame:
    """What one instruction needs on average: a row for each step, all of the source `LANE`.

    Args:
        selection: ``position`` and ``question`` of `lanes.multifaceted.tables.SELECTION`.
        settings: How many sets an instruction has.

    Returns:
        ``source``, ``conversations`` (instructions that are taken), ``phase`` and the figures of
        `measured_work.FIGURES`.
    """
    taken = selection.drop_nulls("position")
    characters = taken.select(pl.col("question").str.len_chars().mean()).item() or 0.0
    question = characters / CHARACTERS_PER_TOKEN
    asked_for_set = preference_sets.PROMPT.render(mark="", instruction="", aspects=[])
    asked_for_message = preference_messages.PROMPT.render(mark="", descriptions=[])
    asked_for_verdict = pair_judgement.PROMPT.render(
        mark="", system_message="", question="", answer_a="", answer_b=""
    )
    shown = MESSAGE + question + 2 * ANSWER
    orders = len(pair_judgement.ORDERS) if settings.sets > 1 else 0  # else no answer has a sibling
    # By step: requests a set, tokens in and out of each. The four aspects are as long as their
    # explanations.
    steps = {
        PREFERENCE_SETS: (1, tokens_of(asked_for_set) + 60 + question, SET),
        PREFERENCE_MESSAGES: (1, tokens_of(asked_for_message) + DESCRIPTIONS, MESSAGE),
        GOLD_ANSWERS: (1, MESSAGE + question, ANSWER),
        JUDGED_PAIRS: (orders, tokens_of(asked_for_verdict) + shown, VERDICT),
    }
    rows = [
        (
            LANE,
            taken.height,
            table.name,
            *(settings.sets * requests * each for each in (1, sent, written)),
        )
        for table, (requests, sent, written) in steps.items()
    ]
    schema = {"source": pl.String(), "conversations": pl.UInt32(), "phase": pl.String()}
    return pl.DataFrame(rows, schema | dict.fromkeys(FIGURES, pl.Float64()), orient="row")


def measure_sets(phase: str, sets: pl.DataFrame, answered: pl.DataFrame) -> pl.DataFrame:
    """The work done in a step for some instructions of one model, as `measured_work.WORK`.

    Instructions count as done as soon as a set of theirs was asked for. Where a row was asked for
    several times, the replies that were not taken are assumed to have needed as many tokens.

    Args:
        phase: The name of the step's table.
        sets: `tables.PREFERENCE_SETS` of some instructions, with `COLUMNS`.
        answered: The step's table of the same, with `COLUMNS` and ``attempt`` where it has that.
    """
    left_out = pl.col("drop_reason") == NoAnswer.BEYOND_LIMIT.value
    failed = pl.col("drop_reason").is_in([each.value for each in ENGINE_FAILURES])
    asked = sets.filter(~left_out.fill_null(value=False))
    sent = answered.filter(pl.col("attempts") > 0, ~failed.fill_null(value=False))
    before = pl.col("attempt") if "attempt" in answered.columns else pl.lit(0)
    done = sent.with_columns(requests=1 + before).select(
        pl.col("requests").sum(),
        (pl.col("prompt_tokens", "completion_tokens") * pl.col("requests")).sum(),
    )
    instructions = asked.select(instruction_of("conversation_id").n_unique()).item()
    return (
        done.with_columns(
            source=pl.lit(LANE), phase=pl.lit(phase), conversations=pl.lit(instructions)
        )
        .select(WORK.keys())
        .cast(pl.Schema(WORK))
    )
