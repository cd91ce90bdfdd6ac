"""The table of completions, and how completions are joined to the rows that were asked about."""

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.prompts import Prompt
from sysgen_dagster.chat.visible import is_blank

# Probabilities of the words in `ChatRequest.choices`, wherever one of them is in the text: `start`
# is the position of its first character, and there is one struct per word. The probabilities at one
# position sum to 1.
CHOICES = pl.List(
    pl.Struct({"start": pl.UInt32(), "choice": pl.String(), "probability": pl.Float64()})
)

# The finish reason of a text that reached the token limit, whatever name the server has for it.
CUT = "length"

# One row per request that was sent. `failed_because` is null if and only if there is a `text`.
COMPLETIONS = {
    "request_id": pl.String(),
    "text": pl.String(),
    "failed_because": pl.String(),
    "failure": pl.String(),
    "finish_reason": pl.String(),
    "prompt_tokens": pl.UInt32(),
    "completion_tokens": pl.UInt32(),
    "reasoning": pl.String(),
    "reasoning_tokens": pl.UInt32(),
    "attempts": pl.UInt32(),
    "seed": pl.Int64(),
    "temperature": pl.Float64(),
    "max_tokens": pl.UInt32(),
    "request_fields": pl.String(),
    "model": pl.String(),
    "served_name": pl.String(),
    "model_revision": pl.String(),
    "engine": pl.String(),
    "system_message_folded": pl.Boolean(),
    "characters_left_out": pl.UInt32(),
    "choices": CHOICES,
}


def add_completions(
    rows: pl.DataFrame,
    completions: pl.DataFrame,
    prompt: Prompt | None,
    request_id: str = "conversation_id",
) -> pl.DataFrame:
    """Add the columns of `COMPLETIONS`, ``prompt_fingerprint`` and ``drop_reason`` to `rows`.

    The order of the rows stays. The drop reason of a row without a completion is ``beyond_limit``.
    That of a row with a blank completion is ``empty_completion``, or ``truncated`` where the token
    limit was reached before the text began, and its ``text`` is null.

    Args:
        rows: One row per request that was sent or could have been sent.
        completions: `COMPLETIONS`.
        prompt: The prompt of the requests; None if they were not rendered from a prompt file.
        request_id: The column of `rows` with the id of the row's request.
    """
    shows_nothing = pl.col("text").map_elements(is_blank, pl.Boolean, skip_nulls=False)
    reason = (
        pl.when(pl.col("attempts").is_null())
        .then(pl.lit(NoAnswer.BEYOND_LIMIT.value))
        .when(pl.col("failed_because").is_not_null())
        .then(pl.col("failed_because"))
        .when(shows_nothing & (pl.col("finish_reason") == CUT))
        .then(pl.lit(NoAnswer.TRUNCATED.value))
        .when(shows_nothing)
        .then(pl.lit(NoAnswer.EMPTY_COMPLETION.value))
    )
    return (
        rows.drop("drop_reason", strict=False)
        .join(
            completions,
            left_on=request_id,
            right_on="request_id",
            how="left",
            maintain_order="left",
            validate="1:1",
        )
        .with_columns(
            drop_reason=reason,
            text=pl.when(~shows_nothing).then(pl.col("text")),
            prompt_fingerprint=pl.lit(prompt and prompt.fingerprint, dtype=pl.String),
        )
    )
