"""The wire format: what a chat request must look like, and the bodies that answer it.

Errors read like vLLM's, so that a client meets here what it will meet there.
"""

import hashlib
import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sysgen_dagster.catalog.models import CONTEXT_TOKENS
from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.chat.tokens import CHARACTERS_PER_TOKEN, estimate_tokens
from sysgen_dagster.simulated.constraints import Constraint, parse_constraint
from sysgen_dagster.simulated.logprobs import token_logprobs

MOST_TOP_LOGPROBS = 20

# Fields of a request that say who asks or how it is delivered, and do not change an answer.
_DELIVERY_FIELDS = frozenset(
    {"logprobs", "metadata", "priority", "request_id", "stream", "top_logprobs", "user"}
)


class RequestError(Exception):
    """A request that gets an error body; client errors of vLLM's kind."""

    def __init__(self, message: str, *, status: int = 400, param: str | None = None) -> None:
        """Keep what the body says; the error's type follows from the status."""
        super().__init__(message)
        self.message = message
        self.status = status
        self.param = param


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The part of a chat request that matters here."""

    model: str
    messages: tuple[ChatMessage, ...]  # those the model sees
    prompt_tokens: int
    max_tokens: int
    digest: int  # of everything in the request that may change the answer
    constraint: Constraint | None
    top_logprobs: int | None  # None: no logprobs are wanted


@dataclass(frozen=True, slots=True)
class TokenizeRequest:
    """What to count the tokens of; no messages where it is plain text."""

    model: str
    messages: tuple[ChatMessage, ...]
    prompt_tokens: int


def parse_chat_request(
    body: bytes | str,
    max_model_len: int = CONTEXT_TOKENS,
    *,
    drops_system_role: Container[str] = (),
    obeys_constraints: bool = True,
) -> ChatRequest:
    """The request in a body; raises `RequestError` where vLLM answers 400.

    Args:
        body: As it was sent.
        max_model_len: Of prompt and answer together.
        drops_system_role: Models that never see a system message.
        obeys_constraints: Whether `structured_outputs` is a field the server knows.
    """
    fields = _fields(body)
    if fields.get("stream") or fields.get("n") not in (None, 1):
        raise RequestError("The simulated model gives one answer and does not stream.")
    if not obeys_constraints:
        fields.pop("structured_outputs", None)
    messages = fields["messages"] = _messages(fields, drops_system_role)
    prompt_tokens = _count_prompt_tokens(messages)
    return ChatRequest(
        fields["model"],
        messages,
        prompt_tokens,
        _max_tokens(fields, prompt_tokens, max_model_len),
        _digest(fields),
        _constraint(fields),
        _top_logprobs(fields),
    )


def parse_tokenize_request(
    body: bytes | str, drops_system_role: Container[str] = ()
) -> TokenizeRequest:
    """The request in a body; raises `RequestError` where vLLM answers 400."""
    fields = _fields(body)
    prompt = fields.get("prompt")
    if isinstance(prompt, str):
        return TokenizeRequest(fields["model"], (), estimate_tokens(prompt))
    messages = _messages(fields, drops_system_role)
    return TokenizeRequest(fields["model"], messages, _count_prompt_tokens(messages))


def _fields(body: bytes | str) -> dict[str, Any]:
    """The fields of a request, a model among them."""
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise RequestError(f"Invalid JSON: {error}") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("model"), str):
        raise RequestError("Field required: model", param="model")
    return fields


def _messages(
    fields: Mapping[str, Any], drops_system_role: Container[str]
) -> tuple[ChatMessage, ...]:
    """The messages that the model sees."""
    messages = _sent_messages(fields.get("messages"))
    if fields["model"] in drops_system_role:
        return tuple(message for message in messages if message["role"] != Role.SYSTEM)
    return messages


def _sent_messages(raw: Any) -> tuple[ChatMessage, ...]:
    """The chat messages with their text, whichever of the two content forms was sent."""
    if not isinstance(raw, list) or not raw:
        raise RequestError("Field required: messages, a list of at least one", param="messages")
    try:
        return tuple(
            {"role": Role(message["role"]), "content": _text(message["content"])} for message in raw
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RequestError(f"Invalid message: {error!r}", param="messages") from error


def _text(content: Any) -> str:
    """The text of a content, which is text or a list of text parts."""
    if isinstance(content, str):
        return content
    parts = [part["text"] for part in content]
    return "".join(parts)


def _max_tokens(fields: dict[str, Any], prompt_tokens: int, max_model_len: int) -> int:
    """How many tokens the answer may have; all that is left where the request does not say."""
    asked = fields.get("max_completion_tokens", fields.get("max_tokens"))
    left = max_model_len - prompt_tokens
    wanted = 1 if asked is None else asked
    if not isinstance(wanted, int) or wanted < 1:
        raise RequestError(f"max_tokens must be at least 1, got {asked}.", param="max_tokens")
    if wanted > left:
        raise RequestError(
            f"This model's maximum context length is {max_model_len} tokens. However, you "
            f"requested {prompt_tokens + wanted} tokens ({prompt_tokens} in the messages, "
            f"{wanted} in the completion). Please reduce the length of the messages or completion."
        )
    return left if asked is None else wanted


def _constraint(fields: Mapping[str, Any]) -> Constraint | None:
    """What the answer must look like."""
    try:
        return parse_constraint(fields.get("structured_outputs"))
    except ValueError as error:
        raise RequestError(str(error), param="structured_outputs") from error


def _top_logprobs(fields: Mapping[str, Any]) -> int | None:
    """How many alternatives each token comes with; None where no logprobs are wanted."""
    top = fields.get("top_logprobs") or 0
    if not isinstance(top, int) or not 0 <= top <= MOST_TOP_LOGPROBS:
        raise RequestError(
            f"`top_logprobs` must be an integer from 0 to {MOST_TOP_LOGPROBS}, got {top}.",
            param="top_logprobs",
        )
    if top and not fields.get("logprobs"):
        raise RequestError(
            "when using `top_logprobs`, `logprobs` must be set to true.", param="top_logprobs"
        )
    return top if fields.get("logprobs") else None


def _digest(fields: dict[str, Any]) -> int:
    """A number that is the same for the same request in any process."""
    kept = {name: value for name, value in fields.items() if name not in _DELIVERY_FIELDS}
    text = json.dumps(kept, sort_keys=True)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _count_prompt_tokens(messages: Iterable[ChatMessage]) -> int:
    return sum(estimate_tokens(message["content"]) for message in messages)


def cut_to_tokens(text: str, max_tokens: int) -> str:
    """As much of the text as that many tokens hold."""
    return (
        text if estimate_tokens(text) <= max_tokens else text[: max_tokens * CHARACTERS_PER_TOKEN]
    )


def completion_body(
    request: ChatRequest, text: str, finish_reason: str, cached_tokens: int
) -> dict[str, Any]:
    """A chat completion that says in its fingerprint that it is simulated."""
    completion_tokens = estimate_tokens(text)
    top = request.top_logprobs
    return {
        "id": f"chatcmpl-simulated-{request.digest:016x}",
        "object": "chat.completion",
        "created": 0,  # no clock: the same request gets the same answer
        "model": request.model,
        "system_fingerprint": "simulated",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "logprobs": None if top is None else token_logprobs(text, top, request.digest),
                "finish_reason": finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": request.prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": request.prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": cached_tokens},
        },
    }


def tokenize_body(count: int, max_model_len: int) -> dict[str, Any]:
    """The number of tokens; the tokens themselves are none that mean anything."""
    return {"count": count, "max_model_len": max_model_len, "tokens": [0] * count}


_ERROR_TYPES = {
    400: "BadRequestError",
    404: "NotFoundError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}


def error_body(status: int, message: str, param: str | None = None) -> dict[str, Any]:
    """An error as vLLM writes it."""
    kind = _ERROR_TYPES.get(status, "InternalServerError")
    return {"error": {"message": message, "type": kind, "param": param, "code": status}}


def models_body(served: Mapping[str, str], max_model_len: int) -> dict[str, Any]:
    """The list of served models, each with the profile it follows."""
    models = [
        {
            "id": name,
            "object": "model",
            "created": 0,
            "owned_by": "sysgen-dagster-simulated",
            "root": profile,
            "max_model_len": max_model_len,
        }
        for name, profile in served.items()
    ]
    return {"object": "list", "data": models}
