"""A rough estimate of what a judge will be asked about phrases, by characters of the conversations.

As rough as `expected_work`, whose assumptions hold here, too. Rules are taken to leave a phrase of
every row open, and a verdict on it to be as long as one of Phase 3.
"""

import polars as pl

from sysgen_dagster.analysis.expected_work import (
    SYSTEM_MESSAGE,
    VERDICTS,
    length_ratio,
    tokens_of,
)
from sysgen_dagster.catalog.operations import EVERY_ROW, Rows
from sysgen_dagster.chat.tokens import CHARACTERS_PER_TOKEN
from sysgen_dagster.lanes.sysgen import alignment
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.obedience import phrase_judgement
from sysgen_dagster.obedience.tables import OBEDIENCE


def expect_judging(texts: pl.DataFrame, model: Generator, judged: Rows) -> pl.DataFrame:
    """What one conversation needs of the judge on average: one row per source.

    Args:
        texts: `expected_work.measure_texts` of all conversations, one row per source.
        model: The model whose answers are judged.
        judged: Of how many rows of each source the open phrases are judged.

    Returns:
        The columns of `expected_work.expect_work`; ``phase`` is the name of the table.
    """
    names = ("history", "question", "answer")
    history, question, answer = (
        pl.col(name) / pl.col("conversations") / CHARACTERS_PER_TOKEN for name in names
    )
    new_answer = pl.min_horizontal(
        answer * length_ratio(model.name), pl.lit(alignment.SAMPLING.max_tokens)
    )
    kept = model.published.filtered_share if model.published else 1.0
    # The message stands there whole, and its phrases once more.
    shown = 2 * SYSTEM_MESSAGE + history + question + new_answer
    share = pl.min_horizontal(
        pl.lit(kept), pl.lit(1.0) if judged == EVERY_ROW else judged / pl.col("conversations")
    )
    return texts.select(
        "source",
        phase=pl.lit(OBEDIENCE.name),
        requests=share,
        prompt_tokens=share * (FIXED_TOKENS + shown),
        completion_tokens=share * VERDICTS,
    )


# What the prompt of a judge has without the row.
FIXED_TOKENS = tokens_of(
    phrase_judgement.PROMPT.render(
        mark="", system_message="", phrases=[], turns=[], asks_declines=False
    )
)
