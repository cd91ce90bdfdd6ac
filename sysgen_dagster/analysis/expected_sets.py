"""What the second lane will ask of a model and its judge, roughly, and what it has asked so far.

Assumptions, all of them ours, for instructions of which nothing is answered yet: a token has four
characters; a preference set has `SET` tokens; a message is as long as the middle of those in the
paper's benchmark; an answer has `ANSWER` tokens; nothing is asked twice, and no row is dropped;
each answer has a sibling about as long, with which a judge compares it, in `VERDICT` tokens. Of the
bench, whose requests are more in number than in tokens, `RUBRIC` and `GRADING` are the same.
"""

import polars as pl

from sysgen_dagster.analysis.expected_work import EXPECTED, REASONED_VERDICT, tokens_of
from sysgen_dagster.analysis.measured_work import FIGURES, WORK
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer
from sysgen_dagster.chat.tokens import CHARACTERS_PER_TOKEN
from sysgen_dagster.lanes.multifaceted import (
    pair_judgement,
    paper,
    preference_messages,
    preference_sets,
)
from sysgen_dagster.lanes.multifaceted.bench import rubrics as bench_rubrics
from sysgen_dagster.lanes.multifaceted.bench.instructions import list_held_out
from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_REFERENCES, BENCH_RUBRICS
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    JUDGED_PAIRS,
    LANE,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    instruction_of,
)
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS
from sysgen_dagster.obedience import rubric_grading

SET = 240  # four preferences of four words, and four descriptions of thirty
DESCRIPTIONS = 180  # of these the descriptions
MESSAGE = sum(paper.MESSAGE_CHARACTERS) // 2 // CHARACTERS_PER_TOKEN
ANSWER = 600
RUBRIC = 150  # a criterion and five levels, of twenty words each
GRADING = 120  # a paragraph of feedback and a score
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
        JUDGED_PAIRS: (orders, tokens_of(asked_for_verdict) + shown, REASONED_VERDICT),
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
    return pl.DataFrame(rows, EXPECTED, orient="row")


def expect_bench(selection: pl.DataFrame, settings: Multifaceted) -> pl.DataFrame:
    """The same of the bench, by held-out instruction: its references, and its rubrics.

    Args:
        selection: ``position``, ``question`` and ``drop_reason`` of `tables.SELECTION`.
        settings: How many sets an instruction has. For each of the four preferences of a set a
            rubric is written, and a judge grades two answers by it; these requests count here,
            whoever the judge is.
    """
    held_out = list_held_out(selection)
    of_sets = expect_sets(held_out.with_columns(position=pl.lit(0)), settings)
    of_sets = of_sets.filter(pl.col("phase") != JUDGED_PAIRS.name)  # a reference is in no pair
    characters = held_out.select(pl.col("question").str.len_chars().mean()).item() or 0.0
    question = characters / CHARACTERS_PER_TOKEN
    nothing = dict.fromkeys(("instruction", "preference", "description", "mark", "earlier"), "")
    asked_for_rubric = tokens_of(bench_rubrics.PROMPT.render(**nothing)) + 45 + question
    shown = rubric_grading.render_grading("", "", "", [""] * len(rubric_grading.SCORES))
    asked_for_grading = tokens_of(shown) + question + ANSWER + RUBRIC
    preferences = settings.sets * len(DIMENSIONS)
    of_one = (3, asked_for_rubric + 2 * asked_for_grading, RUBRIC + 2 * GRADING)
    rubrics = (LANE, held_out.height, BENCH_RUBRICS.name, *(preferences * each for each in of_one))
    references = of_sets.select(
        *("source", "conversations"), pl.lit(BENCH_REFERENCES.name).alias("phase"), *FIGURES
    )
    return pl.concat(
        [
            references.group_by("source", "conversations", "phase").sum(),
            pl.DataFrame([rubrics], EXPECTED, orient="row"),
        ]
    )


def measure_bench(phase: str, held_out: int, rows: pl.DataFrame) -> pl.DataFrame:
    """The work done for a table of the bench, as `measured_work.WORK`: the last request of a row.

    Args:
        phase: The name of the table.
        held_out: How many instructions it is of; all of them are done.
        rows: Of the table, with ``attempts`` and its tokens.
    """
    return (
        rows.filter(pl.col("attempts") > 0)
        .select(pl.col("prompt_tokens", "completion_tokens").sum(), requests=pl.len())
        .with_columns(source=pl.lit(LANE), phase=pl.lit(phase), conversations=pl.lit(held_out))
        .select(WORK.keys())
        .cast(pl.Schema(WORK))
    )


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
