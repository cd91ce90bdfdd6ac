"""Chat messages, in the format of OpenAI-compatible servers, and requests to a model."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypedDict

from sysgen_dagster.catalog.models import PhaseSettings, RequestSettings
from sysgen_dagster.chat.constraints import Constraint


class Role(StrEnum):
    """The author of a chat message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class ChatMessage(TypedDict):
    """One turn of a chat."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters of a phase, sent with each of its requests.

    Attributes:
        temperature: 0: the likeliest token always.
        max_tokens: The most tokens of the text; what a model thinks before it is not counted.
        top_p: Share of the probability that the sampled tokens have together; 1: all tokens.
        repetition_penalty: What the scores of tokens are divided by that the prompt or the answer
            already holds; 1: nothing.
    """

    temperature: float
    max_tokens: int
    top_p: float = 1.0
    repetition_penalty: float = 1.0


# A field of a prompt that is shortened keeps at least this many characters; fewer would say too
# little about the original.
LEAST_LEFT = 400


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request to a model.

    Attributes:
        request_id: Unique in its batch; identifies the completion.
        messages: The chat that the model continues.
        sampling: Sampling parameters.
        seed: Sampling seed.
        constraint: What the text is held to; None: free text.
        choices: Words for which the probabilities are returned wherever the answer contains one.
        shortened: Builds the messages with the one field that may be cut shortened to the given
            number of characters, at least `LEAST_LEFT`; None if no field may be cut.
        shortenable: The number of characters of that field.
    """

    request_id: str
    messages: Sequence[ChatMessage]
    sampling: Sampling
    seed: int
    constraint: Constraint | None = None
    choices: tuple[str, ...] = ()
    shortened: Callable[[int], Sequence[ChatMessage]] | None = None
    shortenable: int = 0


def with_settings(request: ChatRequest, settings: RequestSettings, asked_in: str) -> ChatRequest:
    """The request with the sampling that the catalogue sets for a model.

    Args:
        request: As the phase asks it.
        settings: The model's; what it leaves open stays the phase's own.
        asked_in: The name of the table that the answer is for.
    """
    phase = settings.phases.get(asked_in, PhaseSettings())
    temperature = phase.temperature if phase.temperature is not None else settings.temperature
    own = request.sampling
    sampling = Sampling(
        temperature=own.temperature if temperature is None else temperature,
        max_tokens=phase.max_tokens or own.max_tokens,
        top_p=phase.top_p or settings.top_p or own.top_p,
        repetition_penalty=(
            phase.repetition_penalty or settings.repetition_penalty or own.repetition_penalty
        ),
    )
    return request if sampling == own else replace(request, sampling=sampling)


def derive_seed(conversation_id: str, phase: str, attempt: int = 0) -> int:
    """A seed in [0, 2**31) that is the same in every run; other arguments give another seed."""
    digest = hashlib.blake2b(f"{conversation_id}/{phase}/{attempt}".encode(), digest_size=4)
    return int.from_bytes(digest.digest(), "big") >> 1
