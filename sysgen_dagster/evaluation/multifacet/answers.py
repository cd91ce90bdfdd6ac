"""What a subject is asked: the system message and the instruction of each item.

Sampled as the bench's authors sample the models that they compare, so that figures can stand
beside theirs.
"""

from collections.abc import Callable, Iterator, Sequence

import polars as pl

from sysgen_dagster.catalog.evaluation import RubricBench
from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, Sampling, derive_seed
from sysgen_dagster.evaluation.multifacet.tables import MULTIFACET_ANSWERS
from sysgen_dagster.tables.columns import MESSAGES

Messages = Sequence[ChatMessage]
# Janus' decoding (kaistAI/Janus, run_inference.py).
SAMPLING = Sampling(temperature=1.0, max_tokens=1024, top_p=0.9, repetition_penalty=1.03)


def build_answer_requests(items: pl.DataFrame, bench: RubricBench) -> Iterator[ChatRequest]:
    """One request per item of `MULTIFACET_ITEMS`; its id is the item's.

    Nothing is shortened: an item that does not fit the subject's context has no answer.
    """
    for item, messages in zip(items["item"], _list_messages(items), strict=True):
        seed = derive_seed(item, MULTIFACET_ANSWERS.name, bench.seed)
        yield ChatRequest(item, messages, SAMPLING, seed)


def build_answers(
    items: pl.DataFrame, completions: pl.DataFrame, shown: Callable[[Messages], Messages]
) -> pl.DataFrame:
    """`MULTIFACET_ANSWERS`: one row per item, in their order.

    An answer that reached the token limit is an answer: the bench's authors grade it, too.

    Args:
        items: `MULTIFACET_ITEMS`.
        completions: Of `build_answer_requests`, `chat.completions.COMPLETIONS`.
        shown: Gives the messages as the subject is shown them.
    """
    messages = pl.Series("messages", map(shown, _list_messages(items)), MESSAGES)
    asked = items.with_columns(messages)
    answered = add_completions(asked, completions, None, request_id="item")
    return answered.rename({"text": "answer"}).select(MULTIFACET_ANSWERS.names)


def _list_messages(items: pl.DataFrame) -> Iterator[list[ChatMessage]]:
    for system_message, prompt in items.select("system_message", "prompt").iter_rows():
        yield [
            {"role": Role.SYSTEM, "content": system_message},
            {"role": Role.USER, "content": prompt},
        ]
