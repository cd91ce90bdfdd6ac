"""The OpenAI-compatible chat API as its client sees it: request bodies, and what a reply means."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.inference.ledger import Outcome

_TOP_LOGPROBS = 8  # three words, each in a few spellings; all 20 make a reply of 90 kB
_BUSY = frozenset({429, 503})  # the server works and has no room now
_RETRYABLE = frozenset({408, 409, 425})  # and every other 5xx
_NOT_SERVED = frozenset({401, 403, 404})  # every other request would get the same reply
# Words in the 400 replies of vLLM and llama.cpp to a prompt that is too long.
_TOO_LONG = (b"context length", b"max_model_len", b"maximum model length", b"context size")


class EngineError(SysgenError):
    """A model's servers give no answers; the message names the server or the missing setting."""


class UnreachableError(EngineError):
    """Nothing listens where a server should be; it may come back."""


@dataclass(eq=False)
class TryAgainError(Exception):
    """An attempt at a request failed; another one may succeed.

    Attributes:
        reason: The drop reason of the row if no other attempt succeeds.
        failure: What the server or the connection answered.
        wait_s: How long the server asks us to wait.
        is_busy: Whether the server works and only has no room now.
    """

    reason: NoAnswer
    failure: str
    wait_s: float = 0.0
    is_busy: bool = False


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model answers. Answers of another engine, revision or precision are other answers.

    Attributes:
        name: Its name in the catalogue.
        served_name: Its name at the server.
        revision: Its commit on the Hub, where the catalogue has one.
        engine: vllm, endpoint or simulated.
        variant: The weights or the precision, where these are not those of the served name.
        limit_field: The field of a request that limits the tokens of the answer.
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
    """What is known of a server before the first request of a partition is sent.

    Attributes:
        context_tokens: Limit of prompt and answer together; None where the server names none.
        has_tokenizer: Whether ``/tokenize`` counts the tokens of chat messages.
        has_system_role: Whether the chat template shows a system message to the model.
    """

    context_tokens: int | None = None
    has_tokenizer: bool = False
    has_system_role: bool = True


@dataclass(frozen=True, slots=True)
class Retries:
    """How long and how often something that failed is tried again.

    Attributes:
        probes: Retries of a question to a server before the first request is sent to it.
        first_delay_s: Pause before the second attempt; it doubles from one attempt to the next.
        longest_delay_s: The pause does not grow beyond this.
        longest_retry_after_s: The longest pause that a server may ask for (``Retry-After``).
        connect_s: Time until a server must have taken a connection.
        deadline_s: Time for a request with all its attempts, without that in queues.
        patience_s: Time for which servers may be away or busy before the partition fails.
        restarts: Times that one server may go away while a partition is made.
    """

    probes: int = 4
    first_delay_s: float = 0.5
    longest_delay_s: float = 30.0
    longest_retry_after_s: float = 60.0
    connect_s: float = 10.0
    deadline_s: float = 1800.0
    patience_s: float = 300.0
    restarts: int = 5


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is served, and what is known of its servers.

    Attributes:
        model: The model.
        base_urls: Each ending in ``/v1``; all serve the same model.
        api_key: Sent with every request.
        capabilities: What all of the servers can do.
        attempt_s: How long one attempt at a request may take, once the server can begin with it.
        starts_with: Requests in flight on one server before its capacity is known.
        before_first_answer: Requests in flight on one server while nothing shows that it is not a
            slow one; None: as many as it starts with.
        retries: What happens to requests that fail.
    """

    model: ModelIdentity
    base_urls: tuple[str, ...]
    api_key: str | None = field(default=None, repr=False)
    capabilities: ServerCapabilities = ServerCapabilities()
    attempt_s: float = 600.0
    starts_with: int = 32
    before_first_answer: int | None = None
    retries: Retries = Retries()

    def headers(self) -> dict[str, str]:
        """The HTTP headers of every request."""
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def turns(self, messages: Iterable[ChatMessage]) -> list[ChatMessage]:
        """The messages, without a system message where the model takes none."""
        if self.capabilities.has_system_role:
            return list(messages)
        return fold_system_message(messages)

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
    turns = [message for message in messages if message["role"] != Role.SYSTEM]
    if system and turns:
        turns[0] = {"role": Role.USER, "content": "\n\n".join([*system, turns[0]["content"]])}
    return turns


def tokens_url(base_url: str) -> str:
    """Where vLLM counts tokens: beside ``/v1``, not below it."""
    return f"{base_url.removesuffix('/v1')}/tokenize"


def read_reply(
    status: int, headers: Mapping[str, str], raw: bytes, request: ChatRequest, attempt: int
) -> Outcome:
    """The outcome in a reply.

    Raises:
        TryAgainError: Another attempt may succeed.
        EngineError: The server does not serve the model to us, whatever is asked.
    """
    if status == 200:
        return _read_completion(raw, request, attempt)
    failure = f"{status}: {raw[:300].decode(errors='replace')}"
    if status in _NOT_SERVED or 300 <= status < 400:
        raise EngineError(failure)
    if status in _BUSY | _RETRYABLE or status >= 500:
        wait = headers.get("Retry-After", "")
        wait_s = float(wait) if wait.isascii() and wait.isdigit() else 0.0
        raise TryAgainError(NoAnswer.SERVER_ERROR, failure, wait_s, is_busy=status in _BUSY)
    too_long = any(words in raw for words in _TOO_LONG)
    reason = NoAnswer.TOO_LONG if too_long else NoAnswer.REFUSED_BY_SERVER
    return Outcome(attempts=attempt, failed_because=reason, failure=failure)


def read_token_count(status: int, raw: bytes) -> int | None:
    """The count in a reply of ``/tokenize``; None when there is none."""
    try:
        reply = json.loads(raw) if status == 200 else None
    except (ValueError, RecursionError):
        return None
    return _read_count(reply, "count") or None


def _read_completion(raw: bytes, request: ChatRequest, attempt: int) -> Outcome:
    try:
        reply = json.loads(raw)
        choice = reply["choices"][0]
        content = choice["message"]["content"] or ""
        if not isinstance(content, str):
            raise TypeError("content is no text")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        failure = f"not a chat completion: {raw[:200].decode(errors='replace')}"
        raise TryAgainError(NoAnswer.MALFORMED_REPLY, failure) from error
    usage = reply.get("usage")
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    return Outcome(
        text=_without_surrogates(content),
        finish_reason=_without_surrogates(str(choice.get("finish_reason") or "unknown")),
        prompt_tokens=_read_count(usage, "prompt_tokens"),
        cached_tokens=_read_count(details, "cached_tokens"),
        completion_tokens=_read_count(usage, "completion_tokens"),
        attempts=attempt,
        choices=_read_choices(choice, request.choices),
    )


def _without_surrogates(text: str) -> str:
    """The text with ``?`` for lone surrogates, which JSON can spell and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _read_count(counts: object, name: str) -> int | None:
    """A token count of a reply; None where it is missing or cannot be right."""
    count = counts.get(name) if isinstance(counts, dict) else None
    return count if isinstance(count, int) and 0 <= count < 2**32 else None


def _read_choices(
    choice: Mapping[str, Any], words: Sequence[str]
) -> tuple[tuple[int, str, float], ...]:
    """Position, word and probability, for each of the words at each token that begins one of them.

    Nothing where the server gives no logprobs, or other ones than the OpenAI API describes.
    """
    found: list[tuple[int, str, float]] = []
    end = 0
    try:
        for token in choice["logprobs"]["content"] if words else ():
            written = token["token"]
            start, end = end + len(written) - len(written.lstrip()), end + len(written)
            if _word_begun_by(written, words):
                shares = _shares_of_words(token["top_logprobs"], words)
                found += [(start, word, share) for word, share in shares.items()]
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return ()
    return tuple(found)


def _shares_of_words(tokens: Iterable[Mapping[str, Any]], words: Sequence[str]) -> dict[str, float]:
    """The probability of each word among the words: that of the tokens which begin it.

    The shares sum to 1; there are none where the tokens begin no word.
    """
    shares = dict.fromkeys(words, 0.0)
    for token in tokens:
        if word := _word_begun_by(token["token"], words):
            shares[word] += math.exp(min(float(token["logprob"]), 0.0))
    total = sum(shares.values())
    return {word: share / total for word, share in shares.items()} if total > 0 else {}


def _word_begun_by(token: str, words: Sequence[str]) -> str | None:
    """The word that a token begins, or that begins the token; None for no word, or several."""
    bare = token.strip().lower()
    begun = [w for w in words if w.lower().startswith(bare) or bare.startswith(w.lower())]
    return begun[0] if bare and len(begun) == 1 else None
