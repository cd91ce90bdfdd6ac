"""Chat messages, in the format of OpenAI-compatible servers, and requests to a model."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypedDict


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
    """Sampling parameters of a phase, sent with each of its requests."""

    temperature: float
    max_tokens: int


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
        constraint: vLLM's ``structured_outputs``, such as ``{"regex": ...}``; empty: free text.
        choices: Words for which the probabilities are returned wherever the answer contains one.
        shortened: Builds the messages with the one field that may be cut shortened to the given
            number of characters, at least `LEAST_LEFT`; None if no field may be cut.
        shortenable: The number of characters of that field.
    """

    request_id: str
    messages: Sequence[ChatMessage]
    sampling: Sampling
    seed: int
    constraint: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    shortened: Callable[[int], Sequence[ChatMessage]] | None = None
    shortenable: int = 0


def derive_seed(conversation_id: str, phase: str, attempt: int = 0) -> int:
    """A seed in [0, 2**31) that is the same in every run; other arguments give another seed."""
    digest = hashlib.blake2b(f"{conversation_id}/{phase}/{attempt}".encode(), digest_size=4)
    return int.from_bytes(digest.digest(), "big") >> 1
