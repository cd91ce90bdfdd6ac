"""Roughly what the phases will ask of a model, by the characters of the conversations.

For the time before the model was asked anything. It can be off by a factor of two; a pilot says
better. What is taken for granted:

- a token has four characters. With the tokenizer of Qwen2.5, real rows of the five sources have 2.8
  (mathematics) to 5.0 (dialogue) a token;
- messages and verdicts are as long as those that Qwen2.5-Coder-1.5B wrote for 40 of these rows;
- Phase 2 keeps the share of messages in the paper's Table 2, or all for a model that is not in it;
- new answers are longer than the original ones by the ratio in the paper's Table 1, or by the mean
  of its three models, and end at Phase 4's limit of tokens;
- there is no reasoning before the answers, and no repair.
"""

import polars as pl

from sysgen_dagster.chat.messages import ChatMessage
from sysgen_dagster.chat.tokens import CHARACTERS_PER_TOKEN, estimate_tokens
from sysgen_dagster.lanes.sysgen import alignment, annotation, verification
from sysgen_dagster.lanes.sysgen.paper import SIMILARITY
from sysgen_dagster.lanes.sysgen.settings import Generator, Method
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, VERIFIED

# Means in tokens of what the model named above wrote.
TAGGED_MESSAGE = 93
SYSTEM_MESSAGE = 46  # what Phase 3 left of it, without tags
VERDICTS = 47

_TEXTS = ("history", "question", "answer")


def measure_texts(conversations: pl.DataFrame) -> pl.DataFrame:
    """How much text there is: one row per source.

    Returns:
        ``source``, ``conversations``, and the characters of all their ``history``, ``question`` and
        ``answer``.
    """
    turns = pl.col("history").list.eval(pl.element().struct.field("content").str.len_chars())
    return conversations.group_by("source", maintain_order=True).agg(
        conversations=pl.len(),
        history=turns.list.sum().sum().cast(pl.Float64),
        question=pl.col("question").str.len_chars().sum().cast(pl.Float64),
        answer=pl.col("answer").str.len_chars().sum().cast(pl.Float64),
    )


def expect_work(texts: pl.DataFrame, model: Generator, method: Method) -> pl.DataFrame:
    """What one conversation takes on average: one row per source and phase that asks a model.

    Args:
        texts: As `measure_texts` gives it, once for each source.
        model: Who will be asked.
        method: How often Phase 1 asks for a conversation.

    Returns:
        ``source``, ``phase``, and, as numbers with fractions, ``requests``, ``prompt_tokens`` and
        ``completion_tokens``.
    """
    going_on = model.published.filtered_share if model.published else 1.0
    # Where Phase 1 writes several messages, each is judged as in Phase 3.
    judged = method.samples if method.samples > 1 else 0
    spoken, answer = pl.col("history") + pl.col("question"), pl.col("answer")
    longest = pl.lit(alignment.SAMPLING.max_tokens)
    # Requests, and tokens in and out of each.
    phases = {
        ANNOTATED.name: (
            method.samples,
            _tokens(annotation.PROMPT.render(mark="", messages=[])) + spoken + answer,
            pl.lit(TAGGED_MESSAGE),
        ),
        VERIFIED.name: (
            going_on * (1 + judged),
            pl.lit(_tokens(_EMPTY_VERIFICATION) + 2 * TAGGED_MESSAGE),  # with tags and without
            pl.lit(VERDICTS),
        ),
        ALIGNED.name: (
            going_on,
            SYSTEM_MESSAGE + spoken,
            pl.min_horizontal(answer * _length_ratio(model.name), longest),
        ),
    }
    average = texts.with_columns(pl.col(_TEXTS) / pl.col("conversations") / CHARACTERS_PER_TOKEN)
    return pl.concat(
        average.select(
            "source",
            phase=pl.lit(phase),
            requests=pl.lit(float(requests)),
            prompt_tokens=requests * tokens_in,
            completion_tokens=(requests * tokens_out).cast(pl.Float64),
        )
        for phase, (requests, tokens_in, tokens_out) in phases.items()
    )


_EMPTY_VERIFICATION = verification.PROMPT.render(mark="", system_message="", tagged_message="")


def _tokens(prompt: list[ChatMessage]) -> int:
    return sum(estimate_tokens(message["content"]) for message in prompt)


def _length_ratio(model: str) -> float:
    """The length of new answers by that of the original ones."""
    ratios = {name: figures["length_ratio"] for name, figures in SIMILARITY.items()}
    return ratios.get(model, sum(ratios.values()) / len(ratios))
