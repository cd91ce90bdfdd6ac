"""What the phases will ask of a model for some conversations, before any of them is asked.

Phase 1 is asked as it will be: its prompts are rendered and their tokens counted. Phases 3 and 4
depend on messages that are not written yet, so the three demonstrations of Phase 1's prompt stand
in for them, in turn. What else is assumed:

- the share of messages that go on: what the catalogue has from the paper's Table 2; all of them for
  a model that the paper does not know. Phase 3 drops no message (the paper's appendix C);
- a verdict line for each of the eight tags, as Phase 3's prompt asks for;
- new answers as long as the original ones times the paper's ratio (Table 1) for the model, or the
  mean of its three models for another one, up to Phase 4's limit of tokens.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, islice
from typing import Protocol

import polars as pl

from sysgen_dagster.chat.messages import LEAST_LEFT, ChatMessage, ChatRequest
from sysgen_dagster.lanes.sysgen import alignment, annotation, verification
from sysgen_dagster.lanes.sysgen.paper import SIMILARITY
from sysgen_dagster.lanes.sysgen.phases import PHASES as EVERY_PHASE
from sysgen_dagster.lanes.sysgen.settings import Generator, Method
from sysgen_dagster.lanes.sysgen.tables import PHRASES
from sysgen_dagster.lanes.sysgen.tags import (
    TAG_NAMES,
    Phrase,
    in_canonical_order,
    parse_tagged_message,
    render_tagged_message,
)
from sysgen_dagster.lanes.sysgen.verification import Verdict

# Those that ask a model, by the names of their tables.
PHASES = tuple(phase.table.name for phase in EVERY_PHASE if phase.asks)
_FIRST, _JUDGING, _ANSWERING = PHASES
# One row per conversation and phase: what is to be expected, or was asked, of a model for it.
WORK = {
    "source": pl.String(),
    "phase": pl.String(),
    "requests": pl.Float64(),
    "prompt_tokens": pl.Float64(),
    "completion_tokens": pl.Float64(),
}
_SUMS = ("requests", "prompt_tokens", "completion_tokens")
_CUT_TO = 0.97  # of the room, about what the client aims at


class TokenCounter(Protocol):
    """Counts tokens as a model's own tokenizer and chat template make them."""

    @property
    def how(self) -> str:
        """With what it counts."""

    @property
    def context_tokens(self) -> int | None:
        """Tokens that prompt and answer may have together; None where that is not known."""

    def prompts(self, prompts: Iterable[Sequence[ChatMessage]]) -> tuple[list[int], int]:
        """The tokens of each prompt, and how many at their beginning are the same in all."""

    def texts(self, texts: Iterable[str]) -> list[int]:
        """The tokens of each answer."""


def estimate_work(
    rows: pl.DataFrame, model: Generator, method: Method, counter: TokenCounter
) -> tuple[pl.DataFrame, dict[str, int]]:
    """`WORK` for conversations, and by phase the tokens at the beginning of all its prompts.

    `rows` has ``conversation_id``, ``source``, ``history``, ``question`` and ``answer``. A prompt
    that does not fit the model's context is cut or not sent, as the client would.
    """
    messages = _messages(rows)
    asked: dict[str, Iterable[ChatRequest]] = {
        _FIRST: annotation.build_annotation_requests(rows),
        _JUDGING: verification.build_verification_requests(messages, method),
        _ANSWERING: alignment.build_alignment_requests(
            alignment.build_alignment_inputs(messages, rows)
        ),
    }
    verdicts = "\n".join(f"<<{tag}>>: {Verdict.GOOD}" for tag in TAG_NAMES)
    longer, most = length_ratio(model.name), alignment.SAMPLING.max_tokens
    written: dict[str, Sequence[float]] = {
        _FIRST: counter.texts(messages["tagged_message"]),
        _JUDGING: counter.texts([verdicts]) * rows.height,
        _ANSWERING: [min(most, longer * tokens) for tokens in counter.texts(rows["answer"])],
    }
    single: dict[str, pl.DataFrame] = {}
    shared: dict[str, int] = {}
    for phase, requests in asked.items():
        prompts, shared[phase] = _count(list(requests), counter)
        tokens = pl.Series(prompts, dtype=pl.Float64)
        single[phase] = pl.DataFrame({"prompt_tokens": tokens}).with_columns(
            requests=tokens.is_not_null().cast(pl.Float64),
            completion_tokens=pl.Series(written[phase], dtype=pl.Float64),
        )
    # Who is not asked in Phase 1 is not asked later.
    begun = single[_FIRST]["requests"]
    reached = {
        phase: pl.DataFrame(
            [(frame[name].fill_null(0) * frame["requests"] * begun).alias(name) for name in _SUMS]
        )
        for phase, frame in single.items()
    }
    return _weighted(rows["source"], reached, kept_share(model), method), shared


def kept_share(model: Generator) -> float:
    """Of the conversations, those whose first message goes on: Table 2's, or all of them."""
    return model.published.filtered_share if model.published else 1.0


def length_ratio(name: str) -> float:
    """New answers by original ones, from Table 1; the mean of its models for another one."""
    ratios = {known: figures["length_ratio"] for known, figures in SIMILARITY.items()}
    return ratios.get(name, sum(ratios.values()) / len(ratios))


def _messages(rows: pl.DataFrame) -> pl.DataFrame:
    """As Phase 2 would leave them: the stand-ins, in turn."""
    phrases = list(islice(cycle(_stand_ins()), rows.height))
    return rows.select("conversation_id", "source").with_columns(
        pl.Series("phrases", list(map(_records, phrases)), dtype=PHRASES),
        pl.Series("tagged_message", list(map(render_tagged_message, phrases)), dtype=pl.String),
    )


def _stand_ins() -> list[tuple[Phrase, ...]]:
    """The demonstrations of Phase 1's prompt."""
    *_, shown = annotation.PROMPT.render(mark="", messages=[])
    parsed = (parse_tagged_message(part) for part in shown["content"].split("\n## "))
    return [in_canonical_order(message.phrases) for message in parsed if message.phrases]


def _records(phrases: Iterable[Phrase]) -> list[dict[str, str]]:
    return [{"tag": phrase.tag, "text": phrase.text} for phrase in phrases]


def _count(
    requests: Sequence[ChatRequest], counter: TokenCounter
) -> tuple[list[float | None], int]:
    """The tokens of each prompt, None for one that is not sent; what all have at the beginning."""
    tokens, shared = counter.prompts(request.messages for request in requests)
    if counter.context_tokens is None:
        return list(tokens), shared
    pairs = zip(requests, tokens, strict=True)
    return [_sent(request, count, counter) for request, count in pairs], shared


def _sent(request: ChatRequest, tokens: int, counter: TokenCounter) -> float | None:
    """What is left of a prompt that is too long: the client cuts one field, if that is enough."""
    assert counter.context_tokens is not None
    room = counter.context_tokens - request.sampling.max_tokens
    if tokens <= room:
        return tokens
    if request.shortened is None:
        return None
    [least], _ = counter.prompts([request.shortened(LEAST_LEFT)])
    return _CUT_TO * room if least <= room else None


def _weighted(
    source: pl.Series, reached: Mapping[str, pl.DataFrame], kept: float, method: Method
) -> pl.DataFrame:
    """`WORK`: every phase's requests by how many of each kind a conversation comes to."""
    samples = method.samples
    none = (1 - kept) ** samples  # that no sample is well-formed
    written = samples + (none if method.repair else 0)
    # A well-formed message is judged in Phase 1 where it is not the only one.
    judged = samples * kept * (1 - (1 - kept) ** (samples - 1))
    going_on = 1 - (0 if method.repair else none)
    times = {
        _FIRST: {_FIRST: written, _JUDGING: judged},
        _JUDGING: {_JUDGING: going_on},
        _ANSWERING: {_ANSWERING: going_on},
    }
    nothing = pl.Series([0.0] * len(source))
    parts = [
        pl.DataFrame({"source": source}).with_columns(
            phase=pl.lit(phase),
            **{
                name: sum((reached[kind][name] * many for kind, many in kinds.items()), nothing)
                for name in _SUMS
            },
        )
        for phase, kinds in times.items()
    ]
    return pl.concat(parts).select(WORK.keys()).cast(pl.Schema(WORK))
