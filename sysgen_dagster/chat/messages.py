"""The one chat format: what a conversation is stored as, what is asked of a model, what it said."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypedDict


class Role(StrEnum):
    """Who speaks in a chat message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class ChatMessage(TypedDict):
    """One turn, as OpenAI-compatible servers take it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one phase is decoded; both are sent with every request."""

    temperature: float
    max_tokens: int


# Characters of a field that is cut: with fewer it says too little of what was there.
LEAST_LEFT = 400


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One thing that is asked of a model.

    Attributes:
        request_id: Tells it from the other requests of its batch; the answer comes back with it.
        messages: The prompt, with a system message where there is one.
        sampling: How the answer is decoded.
        seed: Sent with the request.
        constraint: vLLM's ``structured_outputs``, such as ``{"regex": ...}``; empty: free text.
        choices: Words whose probabilities are wanted wherever the answer holds one of them.
        shortened: The messages with so many characters left of the one field that may be cut, at
            least `LEAST_LEFT`; None where no field may be.
        shortenable: How many characters that field has.
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
    """A seed in [0, 2**31) that is the same in every run and differs between phases."""
    digest = hashlib.blake2b(f"{conversation_id}/{phase}/{attempt}".encode(), digest_size=4)
    return int.from_bytes(digest.digest(), "big") >> 1
