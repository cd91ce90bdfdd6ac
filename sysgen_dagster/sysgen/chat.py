"""The one chat format: what a conversation is stored as, what is asked of a model, what it said."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked of the model for one conversation."""

    conversation_id: str
    messages: Sequence[ChatMessage]
    sampling: Sampling
    seed: int


def derive_seed(conversation_id: str, phase: str, attempt: int = 0) -> int:
    """A seed in [0, 2**31) that is the same in every run and differs between phases."""
    digest = hashlib.blake2b(f"{conversation_id}/{phase}/{attempt}".encode(), digest_size=4)
    return int.from_bytes(digest.digest(), "big") >> 1
