"""The OpenAI-compatible chat API as its client sees it: request bodies, and what a reply means."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.inference.ledger import Outcome

_TOP_LOGPROBS = 8  # three words, each in a few spellings; all 20 make a reply of 90 kB
_LATER = frozenset({429, 503})  # the server is there and asks us to come again
_AGAIN = frozenset({408, 409, 425})  # and every other 5xx
_NOT_FOR_US = frozenset({401, 403, 404})  # the same for every request: stop at once
_TOO_LONG = (b"context length", b"max_model_len", b"maximum model length", b"context size")


class EngineError(SysgenError):
    """No answer can be had from an engine; the message names it and the ways to get one."""


class UnreachableError(EngineError):
    """Nothing listens where an engine should be; it may come back."""


class TryAgainError(Exception):
    """This attempt gave nothing, another may.

    Attributes:
        reason: What the row is dropped for if no other attempt helps.
        said: What the server or the connection said.
        wait_s: How long the server asks us to wait.
        is_busy: The server is well and has no room now.
    """

    def __init__(
        self, reason: NoAnswer, said: str, wait_s: float = 0.0, is_busy: bool = False
    ) -> None:
        """Keep what is known of the failure."""
        super().__init__(said)
        self.reason, self.said, self.wait_s, self.is_busy = reason, said, wait_s, is_busy


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model answers: answers of another engine, revision or precision are not its answers.

    Attributes:
        name: As the catalogue names it.
        served_name: As the server names it.
        revision: Commit on the Hub, where the catalogue has one.
        engine: vllm, endpoint or simulated.
        variant: Other weights or another precision than the served name says.
        limit_field: What the server calls the limit of tokens out.
    """

    name: str
    served_name: str
    revision: str | None
    engine: str
    variant: str | None = None
    limit_field: str = "max_tokens"

    @property
    def answers_as(self) -> tuple[str | None, ...]:
        """What the answer to a request depends on besides the request: part of the ledger's key."""
        return self.engine, self.served_name, self.revision, self.variant


@dataclass(frozen=True, slots=True)
class ServerCapabilities:
    """What a server says of itself.

    Attributes:
        context_tokens: Of prompt and answer together; None where the server does not say.
        has_tokenizer: Whether ``/tokenize`` counts the tokens of chat messages.
        has_system_role: Whether the chat template shows a system message to the model.
    """

    context_tokens: int | None = None
    has_tokenizer: bool = False
    has_system_role: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is served, and what is known of the server.

    Attributes:
        model: What is served.
        base_urls: Each ending in ``/v1``; all serve the same model.
        facts: What the servers say of themselves.
        attempt_s: How long one attempt may take.
        deadline_s: How long a request may take with all its attempts.
        patience_s: How long a server may be away or busy before the partition fails.
        starts_with: Requests in flight on one server before anything is known of its capacity.
    """

    model: ModelIdentity
    base_urls: tuple[str, ...]
    api_key: str | None = field(default=None, repr=False)
    facts: ServerCapabilities = ServerCapabilities()
    attempt_s: float = 600.0
    deadline_s: float = 1800.0
    patience_s: float = 300.0
    starts_with: int = 32

    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def turns(self, messages: Iterable[ChatMessage]) -> list[ChatMessage]:
        """The messages as this model takes them."""
        return list(messages) if self.facts.has_system_role else fold_system_message(messages)

    def body(self, request: ChatRequest, messages: Sequence[ChatMessage]) -> dict[str, Any]:
        """The body of a chat completion request with these messages."""
        body: dict[str, Any] = {
            "model": self.model.served_name,
            "messages": messages,
            "temperature": request.sampling.temperature,
            self.model.limit_field: request.sampling.max_tokens,
            "seed": request.seed,
        }
        if request.constraint:
            body["structured_outputs"] = dict(request.constraint)
        if request.choices:
            body |= {"logprobs": True, "top_logprobs": _TOP_LOGPROBS}
        return body


def fold_system_message(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """The messages with the system message at the start of the first user turn."""
    messages = list(messages)
    system = [message["content"] for message in messages if message["role"] == Role.SYSTEM]
    spoken = [message for message in messages if message["role"] != Role.SYSTEM]
    if not system or not spoken:
        return spoken
    first: ChatMessage = {
        "role": Role.USER,
        "content": "\n\n".join([*system, spoken[0]["content"]]),
    }
    return [first, *spoken[1:]]


def tokens_url(base_url: str) -> str:
    """Where vLLM counts tokens: beside ``/v1``, not below it."""
    return f"{base_url.removesuffix('/v1')}/tokenize"


def read_reply(
    status: int, headers: Mapping[str, str], raw: bytes, request: ChatRequest, attempt: int
) -> Outcome:
    """The outcome in a reply.

    Raises:
        TryAgainError: Another attempt may help.
        EngineError: The server does not serve us at all.
    """
    if status == 200:
        return _read_completion(raw, request, attempt)
    said = f"{status}: {raw[:300].decode(errors='replace')}"
    if status in _NOT_FOR_US or 300 <= status < 400:
        raise EngineError(said)
    if status in _LATER | _AGAIN or status >= 500:
        wait = headers.get("Retry-After", "")
        wait_s = float(wait) if wait.isascii() and wait.isdigit() else 0.0
        raise TryAgainError(NoAnswer.SERVER_ERROR, said, wait_s, is_busy=status in _LATER)
    too_long = any(words in raw for words in _TOO_LONG)
    reason = NoAnswer.TOO_LONG if too_long else NoAnswer.REFUSED_BY_SERVER
    return Outcome(attempts=attempt, failed_because=reason, failure=said)


def read_token_count(status: int, raw: bytes) -> int | None:
    """The count in a reply of ``/tokenize``; None when there is none."""
    try:
        count = json.loads(raw)["count"] if status == 200 else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return count if isinstance(count, int) and 0 < count < 2**32 else None


def _read_completion(raw: bytes, request: ChatRequest, attempt: int) -> Outcome:
    try:
        reply = json.loads(raw)
        choice = reply["choices"][0]
        content = choice["message"]["content"] or ""
        if not isinstance(content, str):
            raise TypeError("content is no text")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        said = f"not a chat completion: {raw[:200].decode(errors='replace')}"
        raise TryAgainError(NoAnswer.MALFORMED_REPLY, said) from error
    usage = reply.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    details = usage.get("prompt_tokens_details")
    return Outcome(
        text=_storable(content),
        finish_reason=_storable(str(choice.get("finish_reason") or "unknown")),
        prompt_tokens=_count(usage, "prompt_tokens"),
        cached_tokens=_count(details, "cached_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        attempts=attempt,
        choices=_choices(choice, request.choices),
    )


def _storable(text: str) -> str:
    """The text without lone surrogates, which can come out of JSON escapes and fit into no file."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _count(usage: object, name: str) -> int | None:
    """A token count of the reply, if the server gives one that makes sense."""
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and 0 <= count < 2**32 else None


def _choices(
    choice: Mapping[str, Any], wanted: Sequence[str]
) -> tuple[tuple[int, str, float], ...]:
    """What `_read_choices` finds; nothing in logprobs that are not those of the OpenAI API."""
    try:
        return tuple(_read_choices(choice, wanted)) if wanted else ()
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return ()


def _read_choices(
    choice: Mapping[str, Any], wanted: Sequence[str]
) -> Iterator[tuple[int, str, float]]:
    """Where a token begins one of the wanted words: position, word and probability of each.

    A word's share is that of the tokens which begin it; the shares of a place sum to 1. Servers
    that give no logprobs give no shares.
    """
    logprobs = choice.get("logprobs")
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    start = 0
    for token in tokens or ():
        written = token["token"]
        if _begun(written, wanted):
            shares = dict.fromkeys(wanted, 0.0)
            for other in token["top_logprobs"]:
                if word := _begun(other["token"], wanted):
                    shares[word] += math.exp(min(float(other["logprob"]), 0.0))
            whole = sum(shares.values())
            at = start + len(written) - len(written.lstrip())
            if whole > 0:
                yield from ((at, word, share / whole) for word, share in shares.items())
        start += len(written)


def _begun(token: str, words: Sequence[str]) -> str | None:
    """The one of the words that a token begins with, or begins."""
    bare = token.strip().lower()
    if not bare:
        return None
    begun = [w for w in words if w.lower().startswith(bare) or bare.startswith(w.lower())]
    return begun[0] if len(begun) == 1 else None
