"""Phase 1: the model writes a tagged system message for each conversation."""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.sysgen.chat import ChatMessage, ChatRequest, Role, Sampling, derive_seed
from sysgen_dagster.sysgen.completions import with_completions
from sysgen_dagster.sysgen.prompts import load_prompt
from sysgen_dagster.sysgen.tables import ANNOTATED

PHASE = "annotated_system_messages"
PROMPT = load_prompt("phase1_annotate_system_message")
SAMPLING = Sampling(temperature=0.7, max_tokens=512)  # paper, Appendix E


def annotation_requests(conversations: pl.DataFrame) -> Iterator[ChatRequest]:
    """One request per conversation: the prompt over its history, question and original answer."""
    wanted = ("conversation_id", "history", "question", "answer")
    for conversation_id, history, question, answer in conversations.select(wanted).iter_rows():
        exchange: list[ChatMessage] = [
            {"role": Role.USER, "content": question},
            {"role": Role.ASSISTANT, "content": answer},
        ]
        messages = PROMPT.render(messages=[*history, *exchange])
        yield ChatRequest(conversation_id, messages, SAMPLING, derive_seed(conversation_id, PHASE))


def annotated_messages(conversations: pl.DataFrame, completions: pl.DataFrame) -> pl.DataFrame:
    """Phase 1's table: one row per conversation, the message as the model wrote it.

    A message that was cut at the token limit stays: Phase 2 sees its open tag.
    """
    answered = with_completions(conversations, completions, PROMPT.fingerprint)
    return answered.with_columns(annotated_message=pl.col("text")).select(ANNOTATED.keys())
