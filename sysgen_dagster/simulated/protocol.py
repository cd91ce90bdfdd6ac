"""The bodies of requests and responses: how the former are read and the latter built.

Errors are worded like vLLM's where clients of vLLM act on the words.
"""

import hashlib
import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from sysgen_dagster.catalog.models import CONTEXT_TOKENS
from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.chat.tokens import CHARACTERS_PER_TOKEN, estimate_tokens
from sysgen_dagster.simulated.constraints import Constraint, parse_constraint
from sysgen_dagster.simulated.logprobs import build_logprobs
from sysgen_dagster.simulated.reading import Phase
from sysgen_dagster.simulated.request_error import RequestError
from sysgen_dagster.simulated.thinking import ThinkingForm, think

MOST_TOP_LOGPROBS = 20

# Fields of a request that say who asks or how it is delivered, and do not change an answer.
_DELIVERY_FIELDS = frozenset(
    {"logprobs", "metadata", "priority", "request_id", "stream", "top_logprobs", "user"}
)
# Values of sampling fields with which every token may be sampled.
_CHANGE_NOTHING = {"top_p": 1.0, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a request puts before a model.

    Attributes:
        model: The served name.
        messages: Those that the model sees, with their text.
    """

    model: str
    messages: tuple[ChatMessage, ...]

    @property
    def prompt_tokens(self) -> int:
        """About how many tokens the messages have."""
        return sum(estimate_tokens(message["content"]) for message in self.messages)


@dataclass(frozen=True, slots=True)
class ChatRequest(Prompt):
    """The part of a chat request that matters here.

    Attributes:
        max_tokens: The most tokens that the answer may have.
        digest: A number for everything in the request that may change the answer; the same for the
            same request in any process.
        constraint: What the answer must look like; None: anything.
        top_logprobs: Alternatives wanted for each token; None: no logprobs are wanted.
        chat_template_kwargs: Values for the chat template, such as whether the model thinks.
    """

    max_tokens: int
    digest: int
    constraint: Constraint | None
    top_logprobs: int | None
    chat_template_kwargs: object = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of a completion and why it ended, with the phase that the request was for."""

    phase: Phase
    text: str
    finish_reason: Literal["stop", "length"]


class _TextPart(BaseModel):
    text: str


class _SentMessage(BaseModel):
    role: Role
    content: str | list[_TextPart]

    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class _SentPrompt(BaseModel):
    """The fields that every request needs; further ones are ignored, as vLLM ignores them."""

    model: str
    messages: list[_SentMessage] = Field(min_length=1)


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
        max_model_len: Tokens of prompt and answer together.
        drops_system_role: Models that are shown a request without its system message.
        obeys_constraints: Whether `structured_outputs` is read; it is ignored otherwise.
    """
    fields = decode(body)
    if fields.get("stream") or fields.get("n") not in (None, 1):
        raise RequestError("The simulated model gives one answer and does not stream.")
    if not obeys_constraints:
        fields.pop("structured_outputs", None)
    prompt = _read_prompt(fields, drops_system_role)
    return ChatRequest(
        prompt.model,
        prompt.messages,
        _read_max_tokens(fields, prompt.prompt_tokens, max_model_len),
        _hash_fields(fields | {"messages": prompt.messages}),
        parse_constraint(fields.get("structured_outputs")),
        _read_top_logprobs(fields),
        fields.get("chat_template_kwargs"),
    )


def parse_tokenize_request(body: bytes | str, drops_system_role: Container[str] = ()) -> Prompt:
    """The prompt in a body, where plain text is one user message; `RequestError` as vLLM's 400."""
    fields = decode(body)
    if isinstance(text := fields.get("prompt"), str):
        fields["messages"] = [{"role": Role.USER, "content": text}]
    return _read_prompt(fields, drops_system_role)


def decode(body: bytes | str) -> dict[str, Any]:
    """The fields of a request."""
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise RequestError(f"Invalid JSON: {error}") from error
    if not isinstance(fields, dict):
        raise RequestError("Invalid request: the body must be a JSON object.")
    return fields


def _read_prompt(fields: dict[str, Any], drops_system_role: Container[str]) -> Prompt:
    """The model and the messages that it sees, whichever of the two content forms was sent."""
    try:
        sent = _SentPrompt.model_validate(fields)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise RequestError(f"{fault['msg']}: {place}", param=place) from error
    drops = sent.model in drops_system_role
    messages: Iterator[ChatMessage] = (
        {"role": each.role, "content": each.text()}
        for each in sent.messages
        if not (drops and each.role is Role.SYSTEM)
    )
    return Prompt(sent.model, tuple(messages))


def _read_max_tokens(fields: dict[str, Any], prompt_tokens: int, max_model_len: int) -> int:
    """The most tokens of the answer: as requested, or all that the prompt leaves."""
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


def _read_top_logprobs(fields: Mapping[str, Any]) -> int | None:
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


def _hash_fields(fields: dict[str, Any]) -> int:
    """A number that is the same for the same request in any process."""
    kept = {
        name: value
        for name, value in fields.items()
        if name not in _DELIVERY_FIELDS and _CHANGE_NOTHING.get(name) != value
    }
    text = json.dumps(kept, sort_keys=True)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def cut_to_tokens(text: str, max_tokens: int) -> str:
    """The beginning of the text, of at most that many tokens."""
    if estimate_tokens(text) <= max_tokens:
        return text
    return text[: max_tokens * CHARACTERS_PER_TOKEN]


def build_completion(
    request: ChatRequest, answer: Answer, cached_tokens: int, thinks: ThinkingForm | None = None
) -> dict[str, Any]:
    """A chat completion that says in its fingerprint that it is simulated.

    A model that thinks spends its tokens on the thought first: no text is left where they end.
    """
    text, top, finish_reason = answer.text, request.top_logprobs, str(answer.finish_reason)
    completion_tokens, message = estimate_tokens(text), {"content": text}
    thought = think(request.chat_template_kwargs, request.digest) if thinks else ""
    if thinks and thought:
        is_cut = estimate_tokens(thought) >= request.max_tokens
        message = thinks.message(thought, None if is_cut else text)
        completion_tokens = estimate_tokens(thought) + (0 if is_cut else completion_tokens)
        finish_reason = "length" if is_cut else finish_reason
    return {
        "id": f"chatcmpl-simulated-{request.digest:016x}",
        "object": "chat.completion",
        "created": 0,  # no clock: the same request gets the same answer
        "model": request.model,
        "system_fingerprint": "simulated",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", **message},
                "logprobs": None if top is None else build_logprobs(text, top, request.digest),
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


def build_model_list(served: Mapping[str, str], max_model_len: int) -> dict[str, Any]:
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
