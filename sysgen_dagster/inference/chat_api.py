"""The OpenAI-compatible chat API as its client sees it: models, servers and request bodies."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sysgen_dagster.catalog.models import Engine, RequestSettings
from sysgen_dagster.chat.constraints import ConstraintForm
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, Sampling
from sysgen_dagster.errors import SysgenError

# How far a model may think that was seen to do so, where the catalogue does not say. What models of
# this year think about a row of the sources takes some hundred tokens, and some thousand at most.
DEFAULT_REASONING_TOKENS = 4096
LEAST_REASONING_TOKENS = 1024  # what a long prompt leaves for it, if it fits at all
ALL_TOKENS = -1  # of `top_k`: none is left out
_TOP_LOGPROBS = 8  # three words, each in a few spellings; all 20 make a reply of 90 kB


class EngineError(SysgenError):
    """A model's servers give no answers; the message names the server or the missing setting."""


class UnreachableError(EngineError):
    """Nothing listens where a server should be; it may come back."""


class BusyError(UnreachableError):
    """A server is there and has no room for a question now.

    Attributes:
        wait_s: How long it asks us to wait.
    """

    def __init__(self, fault: str, wait_s: float) -> None:
        """The fault in words for people."""
        super().__init__(fault)
        self.wait_s = wait_s


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
        request: What is sent to it with every request.
    """

    name: str
    served_name: str
    revision: str | None
    engine: str
    variant: str | None = None
    limit_field: str = "max_tokens"
    request: RequestSettings = field(default_factory=RequestSettings)

    @property
    def answers_as(self) -> tuple[str | None, ...]:
        """What the answer to a request depends on besides the request: part of the ledger's key."""
        identity = self.engine, self.served_name, self.revision, self.variant
        # Settings that change the sampling are in the request itself.
        in_request = {"temperature", "top_p", "repetition_penalty", "phases"}
        sent = self.request.model_dump(mode="json", exclude_defaults=True, exclude=in_request)
        return (*identity, json.dumps(sent, sort_keys=True)) if sent else identity


@dataclass(frozen=True, slots=True)
class ServerCapabilities:
    """What is known of a server before the first request of a partition is sent.

    Attributes:
        context_tokens: Limit of prompt and answer together; None where the server names none.
        has_tokenizer: Whether ``/tokenize`` counts the tokens of chat messages.
        has_system_role: Whether the chat template shows a system message to the model.
        refuses: Fields of a request that are left out, since the server refuses them.
        thinks: Whether the model was seen to think before its text.
        constraint_form: How the server is told what an answer is held to; None where it was not
            found out, or where it obeys none.
    """

    context_tokens: int | None = None
    has_tokenizer: bool = False
    has_system_role: bool = True
    refuses: frozenset[str] = frozenset()
    thinks: bool = False
    constraint_form: ConstraintForm | None = None


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
        base_urls: Where their APIs begin; all serve the same model.
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

    @property
    def reasoning_tokens(self) -> int:
        """How many tokens the model may think before its text."""
        wanted = self.model.request.reasoning_tokens
        if wanted is not None:
            return wanted
        return DEFAULT_REASONING_TOKENS if self.capabilities.thinks else 0

    def limit(self, request: ChatRequest, prompt_tokens: int | None = None) -> int:
        """The most tokens of an answer: those of the text, and those that may be thought.

        A prompt that is known to leave less room leaves it to fewer thoughts and not to less text.
        """
        text, context = request.sampling.max_tokens, self.capabilities.context_tokens
        wanted = text + self.reasoning_tokens
        if context is None or prompt_tokens is None:
            return wanted
        return max(text, min(wanted, context - prompt_tokens))

    def least_limit(self, request: ChatRequest) -> int:
        """The tokens for which a prompt must leave room."""
        return request.sampling.max_tokens + min(self.reasoning_tokens, LEAST_REASONING_TOKENS)

    def body(
        self, request: ChatRequest, messages: Sequence[ChatMessage], limit: int
    ) -> dict[str, Any]:
        """The body of a chat completion request with these messages and tokens for the answer."""
        body: dict[str, Any] = {
            "model": self.model.served_name,
            "messages": messages,
            self.model.limit_field: limit,
            **self._fields(request.sampling, request.seed),
        }
        if request.constraint and self.capabilities.constraint_form:
            body |= request.constraint.fields(self.capabilities.constraint_form)
        if request.choices:
            body |= {"logprobs": True, "top_logprobs": _TOP_LOGPROBS}
        return body

    def described(self, request: ChatRequest) -> str:
        """What `body` holds beside the messages, the seed and the limit of the text, as JSON."""
        sent: dict[str, Any] = self._fields(request.sampling, request.seed)
        sent.pop("seed", None)
        left_out = self.capabilities.refuses.union(self.model.request.leave_out)
        own = {"reasoning_tokens": self.reasoning_tokens, "left_out": sorted(left_out)}
        return json.dumps(sent | {name: value for name, value in own.items() if value})

    def _fields(self, sampling: Sampling, seed: int) -> dict[str, Any]:
        return request_fields(self.model, sampling, seed, self.capabilities.refuses)


def request_fields(
    model: ModelIdentity, sampling: Sampling, seed: int, refused: Collection[str] = ()
) -> dict[str, Any]:
    """The fields of a request that say how is sampled, and those that the catalogue adds.

    All of them are always sent, since servers have defaults of their own: llama.cpp's are
    ``top_k`` 40 and ``min_p`` 0.05, and Qwen's files ask for a ``repetition_penalty`` of 1.05.

    Args:
        model: Whose settings they are; its engine says what a field is called.
        sampling: The phase's.
        seed: The request's.
        refused: Fields that the server refuses.
    """
    settings = model.request
    fields: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": settings.top_k or ALL_TOKENS,
        "min_p": settings.min_p,
        "repetition_penalty": sampling.repetition_penalty,
        "seed": seed,
    }
    for name in {*settings.leave_out, *refused}:
        fields.pop(name, None)
    # llama.cpp's server knows it under another name, and ignores names that it does not know.
    if model.engine == Engine.LLAMA_CPP and "repetition_penalty" in fields:
        fields["repeat_penalty"] = fields.pop("repetition_penalty")
    if settings.chat_template_kwargs:
        fields["chat_template_kwargs"] = dict(settings.chat_template_kwargs)
    return fields | dict(settings.extra_body)


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
