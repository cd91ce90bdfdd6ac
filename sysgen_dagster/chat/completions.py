"""What came back from a model, joined to the rows that asked, with a reason where nothing did."""

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.prompts import Prompt

# Where a text holds one of the words whose probabilities were wanted: the position of the word's
# first character in the text, and a row a word with its probability among them (they sum to 1).
CHOICES = pl.List(
    pl.Struct({"start": pl.UInt32(), "choice": pl.String(), "probability": pl.Float64()})
)

# One row per request that was made; `failed_because` is null exactly where there is a `text`.
COMPLETIONS = {
    "request_id": pl.String(),
    "text": pl.String(),
    "failed_because": pl.String(),
    "failure": pl.String(),
    "finish_reason": pl.String(),
    "prompt_tokens": pl.UInt32(),
    "completion_tokens": pl.UInt32(),
    "attempts": pl.UInt32(),
    "seed": pl.Int64(),
    "temperature": pl.Float64(),
    "max_tokens": pl.UInt32(),
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
    """The rows in their order with the columns of `COMPLETIONS` and a ``drop_reason``.

    A row that was not asked about is ``beyond_limit``; a blank text is ``empty_completion`` (null
    in ``text``).

    Args:
        rows: One row per request that was or could have been made.
        completions: `COMPLETIONS`.
        prompt: What was asked with; None: no prompt of ours.
        request_id: The column of `rows` that holds the id of its request.
    """
    text = pl.col("text").str.strip_chars()
    reason = (
        pl.when(pl.col("attempts").is_null())
        .then(pl.lit(NoAnswer.BEYOND_LIMIT.value))
        .when(pl.col("failed_because").is_not_null())
        .then(pl.col("failed_because"))
        .when(text.is_null() | (text == ""))
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
            text=pl.when(text != "").then(pl.col("text")),
            prompt_fingerprint=pl.lit(prompt and prompt.fingerprint, dtype=pl.String),
        )
    )
