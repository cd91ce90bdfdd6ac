"""A rough estimate of what the phases will ask of a model, by characters of the conversations.

It is used before a model has answered anything, and can be off by a factor of two; a pilot gives
better figures. Assumptions:

- a token has four characters. With the tokenizer of Qwen2.5, real rows of the five sources have 2.8
  (mathematics) to 5.0 (dialogue) characters per token;
- messages and verdicts are as long as those that Qwen2.5-Coder-1.5B wrote for 40 of these rows;
- Phase 2 keeps the share of messages in the paper's Table 2, or all for a model that is not in it;
- new answers are longer than the original ones by the ratio in the paper's Table 1, or by the mean
  of its three models, and end at Phase 4's limit of tokens;
- where several answers may be written, another one follows as often as the paper's Figure 5 has
  answers that are not aligned, or the mean of its three models;
- there is no reasoning before the answers, and no request is repeated to repair an answer.
"""

import polars as pl

from sysgen_dagster.analysis.measured_work import FIGURES
from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.chat.tokens import CHARACTERS_PER_TOKEN, estimate_tokens
from sysgen_dagster.lanes.sysgen import alignment, annotation, verification
from sysgen_dagster.lanes.sysgen.paper import ALIGNMENT, SIMILARITY
from sysgen_dagster.lanes.sysgen.settings import Generator, Method
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, VERIFIED

# Mean lengths in tokens, from the 40 rows named above.
TAGGED_MESSAGE = 93
SYSTEM_MESSAGE = 46  # after Phase 3, without tags
VERDICTS = 47
# Of a judge that gives its reason in three sentences, as its prompt asks for.
REASONED_VERDICT = 80
# The schema of what one of ``conversations`` needs on average in a phase that is not of the method.
EXPECTED = {
    **{"source": pl.String(), "conversations": pl.UInt32(), "phase": pl.String()},
    **dict.fromkeys(FIGURES, pl.Float64()),
}

_TEXTS = ("history", "question", "answer")
_TURNS = ("earlier_turns", "earlier_said", "earlier_answers")
_NO_TURNS = pl.DataFrame(schema=dict.fromkeys(_TURNS, pl.Float64()))


def measure_texts(conversations: pl.DataFrame, *, whole: bool = False) -> pl.DataFrame:
    """The number of characters of conversations: one row per source.

    Args:
        conversations: Kept rows of `sources.tables.CONVERSATIONS`.
        whole: Whether the answers in their histories are written anew.

    Returns:
        ``source``, ``conversations``, and the characters of all their ``history``, ``question`` and
        ``answer``. With `whole` also ``earlier_turns``, the number of answers in the histories,
        their characters as ``earlier_answers``, and as ``earlier_said`` those of what stands
        before each of them.
    """
    spoken = pl.element().filter(pl.element().struct.field("role") != Role.SYSTEM.value)
    length = spoken.struct.field("content").str.len_chars()
    history = pl.col("history")
    turns = history.list.eval(pl.element().struct.field("content").str.len_chars())
    earlier = {
        "earlier_turns": history.list.eval(length).list.len() // 2,
        "earlier_said": history.list.eval(length.cum_sum().gather_every(2)).list.sum(),
        "earlier_answers": history.list.eval(length.gather_every(2, 1)).list.sum(),
    }
    return conversations.group_by("source", maintain_order=True).agg(
        pl.len().alias("conversations"),
        turns.list.sum().sum().cast(pl.Float64),
        pl.col("question", "answer").str.len_chars().sum().cast(pl.Float64),
        *(of.sum().cast(pl.Float64).alias(name) for name, of in earlier.items() if whole),
    )


def expect_work(texts: pl.DataFrame, model: Generator, method: Method) -> pl.DataFrame:
    """What one conversation needs on average: one row per source and phase that asks a model.

    Args:
        texts: `measure_texts` of all conversations, one row per source.
        model: The model that will be asked.
        method: Its ``samples`` is how many messages Phase 1 asks for per conversation; its
            ``demonstrations`` decide how long the prompt is; its ``answers`` is how many Phase 4
            may ask for.

    Returns:
        ``source``, ``phase``, ``requests``, ``prompt_tokens`` and ``completion_tokens``, as floats.
    """
    filtered_share = model.published.filtered_share if model.published else 1.0
    # If Phase 1 writes several messages, each is judged with the prompt of Phase 3.
    judged = method.samples if method.samples > 1 else 0
    dialogue, answer = pl.col("history") + pl.col("question"), pl.col("answer")
    # By phase: requests per conversation, prompt tokens and completion tokens per request.
    phases: dict[str, tuple[float | pl.Expr, pl.Expr, pl.Expr]] = {
        ANNOTATED.name: (
            method.samples,
            tokens_of(annotation.PROMPTS[method.demonstrations].render(mark="", messages=[]))
            + dialogue
            + answer,
            pl.lit(TAGGED_MESSAGE),
        ),
        VERIFIED.name: (
            filtered_share * (1 + judged),
            pl.lit(tokens_of(_EMPTY_VERIFICATION) + 2 * TAGGED_MESSAGE),  # with tags and without
            pl.lit(VERDICTS),
        ),
        ALIGNED.name: _answering(filtered_share, model.name, method),
    }
    lengths = pl.col(*_TEXTS, *_TURNS[1:]) / CHARACTERS_PER_TOKEN
    average = (
        pl.concat([_NO_TURNS, texts], how="diagonal_relaxed")
        .with_columns(pl.col(*_TEXTS, *_TURNS).fill_null(0) / pl.col("conversations"))
        .with_columns(lengths)
    )
    return pl.concat(
        average.select(
            "source",
            phase=pl.lit(phase),
            requests=pl.lit(1.0) * requests,
            prompt_tokens=requests * prompt_tokens,
            completion_tokens=(requests * completion_tokens).cast(pl.Float64),
        )
        for phase, (requests, prompt_tokens, completion_tokens) in phases.items()
    )


_EMPTY_VERIFICATION = verification.PROMPT.render(mark="", system_message="", tagged_message="")


def tokens_of(prompt: list[ChatMessage]) -> int:
    """About how many tokens the messages of a prompt have."""
    return sum(estimate_tokens(message["content"]) for message in prompt)


def _answering(share: float, model: str, method: Method) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Phase 4's requests per conversation, and tokens in and out per request."""
    turns, longest = 1 + pl.col("earlier_turns"), pl.lit(alignment.SAMPLING.max_tokens)
    said = pl.col("history") + pl.col("question") + pl.col("earlier_said")
    written = (pl.col("answer") + pl.col("earlier_answers")) / turns * length_ratio(model)
    return (
        share * _answers(model, method.answers) * turns,
        SYSTEM_MESSAGE + said / turns,
        pl.min_horizontal(written, longest),
    )


def _answers(model: str, most: int) -> float:
    """How many answers to a question are asked for, of at most so many."""
    faulty = {name: not_aligned for name, (_, not_aligned) in ALIGNMENT.items()}
    share = faulty.get(model, sum(faulty.values()) / len(faulty))
    return sum(share**number for number in range(most))


def length_ratio(model: str) -> float:
    """The length of new answers divided by that of the original ones."""
    ratios = {name: figures["length_ratio"] for name, figures in SIMILARITY.items()}
    return ratios.get(model, sum(ratios.values()) / len(ratios))
