"""Phase 4: the tags are stripped and the model answers the question again, A' = M(. | S, Q)."""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.chat.completions import CUT, add_completions
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, derive_seed
from sysgen_dagster.lanes.sysgen import paper
from sysgen_dagster.lanes.sysgen.drop_reasons import Dropped
from sysgen_dagster.lanes.sysgen.refusals import is_surely_refusal
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.lanes.sysgen.tags import render_system_message

SAMPLING = paper.SAMPLING[4]


def build_alignment_inputs(verified: pl.DataFrame, conversations: pl.DataFrame) -> pl.DataFrame:
    """What the model is asked, one row per verified message, in their order.

    Returns:
        ``conversation_id``, ``source``, ``system_message`` (natural text without tags),
        ``question``, ``history``.
    """
    texts = [
        render_system_message(phrase["text"] for phrase in phrases)
        for phrases in verified["phrases"]
    ]
    asked = conversations.select("conversation_id", "question", "history")
    return (
        verified.select("conversation_id", "source")
        .with_columns(pl.Series("system_message", texts, dtype=pl.String))
        .join(asked, on="conversation_id", how="left", maintain_order="left", validate="1:1")
    )


def build_alignment_requests(inputs: pl.DataFrame) -> Iterator[ChatRequest]:
    """One request per row: the system message, the history, the question."""
    wanted = ("conversation_id", "system_message", "history", "question")
    for conversation_id, system_message, history, question in inputs.select(wanted).iter_rows():
        messages: list[ChatMessage] = [
            {"role": Role.SYSTEM, "content": system_message},
            # The new system message takes the place of an upstream one.
            *(turn for turn in history if turn["role"] != Role.SYSTEM),
            {"role": Role.USER, "content": question},
        ]
        seed = derive_seed(conversation_id, ALIGNED.name)
        yield ChatRequest(conversation_id, messages, SAMPLING, seed)


def build_aligned_responses(inputs: pl.DataFrame, completions: pl.DataFrame) -> pl.DataFrame:
    """`tables.ALIGNED` after one answer to each question: one row per verified message, in order.

    A dropped row keeps its answer where it was cut at the token limit or is a refusal. Results are
    null: the original answers are not among the inputs.
    """
    reason = (
        pl.when(pl.col("drop_reason").is_not_null())
        .then("drop_reason")
        .when(pl.col("finish_reason") == CUT)
        .then(pl.lit(NoAnswer.TRUNCATED.value))
        .when(is_surely_refusal(pl.col("text"), pl.col("question")))
        .then(pl.lit(Dropped.REFUSED.value))
    )
    return (
        add_completions(inputs, completions, None)
        .with_columns(new_answer="text", drop_reason=reason)
        .with_columns(_alone())
        .select(ALIGNED.names)
    )


def _alone() -> list[pl.Expr]:
    """The columns that say of an answer how it came to be chosen, of one without another."""
    values = {
        "answers": pl.when(pl.col("attempts").is_not_null()).then(1),
        "rejected_answers": pl.lit([]),
        "all_prompt_tokens": pl.col("prompt_tokens"),
        "all_completion_tokens": pl.col("completion_tokens"),
        "result": pl.lit(None),
        "result_kind": pl.lit(None),
        "first_result": pl.lit(None),
        "is_original": pl.lit(value=False),
        "new_history": pl.lit(None),
    }
    return [value.cast(ALIGNED.schema[name]).alias(name) for name, value in values.items()]
