"""What a request is known by: two that have the same key would get the same answer."""

import hashlib
import json
from collections.abc import Sequence
from typing import NamedTuple

from sysgen_dagster.chat.messages import ChatRequest


class Asked(NamedTuple):
    """What a ledger knows a request by.

    Attributes:
        key: Of its content; see `request_key`.
        request_id: Its name in its batch.
        seed: Tells apart the attempts of one name.
    """

    key: str
    request_id: str | None = None
    seed: int | None = None


def request_key(answers_as: Sequence[str | None], request: ChatRequest) -> str:
    """32 hex digits that differ when anything differs that the answer depends on.

    Args:
        answers_as: Engine, model and revision; see `ModelIdentity`.
        request: Everything of it counts but its id.
    """
    sampling = request.sampling
    texts = [message["content"].encode("utf-8", "surrogatepass") for message in request.messages]
    # The lengths say where each text ends among the bytes that are hashed after them.
    lengths = [
        (message["role"], len(text)) for message, text in zip(request.messages, texts, strict=True)
    ]
    numbers: list[float | str] = [sampling.temperature, sampling.max_tokens, request.seed]
    if sampling.top_p != 1.0:  # keys of version 0.1, which sent no top_p, stay as they are
        numbers.append(sampling.top_p)
    if sampling.repetition_penalty != 1.0:  # likewise; a name keeps the two numbers apart
        numbers += ["repetition_penalty", sampling.repetition_penalty]
    constraint = request.constraint
    # What a server may answer freely, too, is known by the same key whether it was held or not.
    held_to = constraint.structured if constraint and constraint.is_needed else {}
    shape = [answers_as, numbers, held_to, request.choices, lengths]
    digest = hashlib.blake2b(json.dumps(shape).encode(), digest_size=16)
    for text in texts:
        digest.update(text)
    return digest.hexdigest()
