"""Phase 4: tags are stripped and the same model answers the question again, A' = M(. | S, Q)."""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, derive_seed
from sysgen_dagster.lanes.sysgen.drop_reasons import Dropped
from sysgen_dagster.lanes.sysgen.paper import ALIGNMENT_SAMPLING
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.lanes.sysgen.tags import Phrase, Tag, render_system_message

SAMPLING = ALIGNMENT_SAMPLING

# How instruction-tuned models open an answer they decline to give; looked for at the start only,
# so that an answer about apologies is not taken for one.
REFUSAL = (
    r"(?i)^\s*(?:(?:(?:i['\u2019]m|i am) (?:really |very |so |truly )?sorry|sorry|i apologi[sz]e"
    r"|unfortunately|as an ai(?: language model| assistant)?)\W{0,4}(?:but\W{1,3})?)?"
    r"i(?: can['\u2019]t| cannot| can not| am unable to|['\u2019]m unable to| am not able to"
    r"|['\u2019]m not able to| won['\u2019]t| must decline to) "
    r"(?:help (?:with|you)|help\W*$|assist|comply|fulfil|provide|answer|do that|do this|continue"
    r"|engage|create|write)"
)
# An answer may begin so and give what it can after a "but" in its first sentence ...
_GIVEN_INSTEAD = rf"{REFUSAL}[^.!?\n]*?\bbut\b([^.!?\n]*\w)"
# ... unless that is only kindness, or help with something that was not asked for.
_OFFER = (
    r"(?i)\b(?:else|other|another|different|instead|happy|glad|feel free|sorry|let me know|if you"
    r"|consult|contact|encourage|recommend|suggest|i can (?:help|assist|offer|support))\b"
)


def build_alignment_inputs(verified: pl.DataFrame, conversations: pl.DataFrame) -> pl.DataFrame:
    """One row per verified message: its natural text, the question and the turns before it.

    Returns:
        ``conversation_id``, ``source``, ``system_message``, ``question``, ``history``, in the order
        of `verified`.
    """
    texts = [
        render_system_message(Phrase(Tag(each["tag"]), each["text"]) for each in phrases)
        for phrases in verified["phrases"]
    ]
    asked = conversations.select("conversation_id", "question", "history")
    return (
        verified.select("conversation_id", "source")
        .with_columns(pl.Series("system_message", texts, dtype=pl.String))
        .join(asked, on="conversation_id", how="left", maintain_order="left", validate="1:1")
    )


def build_alignment_requests(inputs: pl.DataFrame) -> Iterator[ChatRequest]:
    """One request per row: system message, the turns before, the question."""
    wanted = ("conversation_id", "system_message", "history", "question")
    for conversation_id, system_message, history, question in inputs.select(wanted).iter_rows():
        # An upstream system turn may have been shown to Phase 1; S stands in its place now.
        spoken = [turn for turn in history if turn["role"] != Role.SYSTEM]
        messages: list[ChatMessage] = [
            {"role": Role.SYSTEM, "content": system_message},
            *spoken,
            {"role": Role.USER, "content": question},
        ]
        yield ChatRequest(
            conversation_id,
            messages,
            SAMPLING,
            derive_seed(conversation_id, ALIGNED.name),
        )


def build_aligned_responses(inputs: pl.DataFrame, completions: pl.DataFrame) -> pl.DataFrame:
    """Phase 4's table: one row per verified message, with the new answer.

    A truncated or refusing answer is kept beside its ``drop_reason``.
    """
    reason = (
        pl.when(pl.col("drop_reason").is_not_null())
        .then(pl.col("drop_reason"))
        .when(pl.col("finish_reason") == "length")
        .then(pl.lit(Dropped.TRUNCATED.value))
        .when(_declines(pl.col("text")))
        .then(pl.lit(Dropped.REFUSED.value))
    )
    return (
        add_completions(inputs, completions, None)
        .with_columns(new_answer=pl.col("text"), drop_reason=reason)
        .select(ALIGNED.names)
    )


def _declines(text: pl.Expr) -> pl.Expr:
    given_instead = text.str.extract(_GIVEN_INSTEAD)
    answers_all_the_same = given_instead.is_not_null() & ~given_instead.str.contains(_OFFER)
    return text.str.contains(REFUSAL) & ~answers_all_the_same
