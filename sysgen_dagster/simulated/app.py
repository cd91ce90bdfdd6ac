"""The simulated model as a web application: its paths, the load it takes and its counters.

It implements as much of the OpenAI chat protocol and of vLLM's additions as the pipeline uses, and
ignores other fields of a request, as vLLM does. `protocol` holds the form of the bodies.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from aiohttp import web

from sysgen_dagster.catalog.models import CONTEXT_TOKENS
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.chat.tokens import estimate_tokens
from sysgen_dagster.simulated import protocol
from sysgen_dagster.simulated.completions import build_completions, parse_completion
from sysgen_dagster.simulated.faults import Fault, FaultDraw, find_asked_fault
from sysgen_dagster.simulated.profiles import EVERY_PROFILE
from sysgen_dagster.simulated.request_error import RequestError
from sysgen_dagster.simulated.thinking import ThinkingForm
from sysgen_dagster.simulated.writer import write_answer

_MAX_BODY_BYTES = 64 * 1024**2
_LONGEST_SILENCE_S = 60.0

_HTTP_FAULTS = {
    Fault.INTERNAL_ERROR: RequestError("EngineCore encountered an issue. (simulated)", status=500),
    Fault.UNAVAILABLE: RequestError(
        "The server is overloaded or starting up. (simulated)", status=503
    ),
    Fault.TOO_MANY_REQUESTS: RequestError("Too many requests. (simulated)", status=429),
}


@dataclass(frozen=True)
class Settings:
    """What a server serves, what it can do and how it fails.

    Attributes:
        models: The profile of each served name.
        max_model_len: Tokens of prompt and answer together.
        latency_s: Seconds that the server works on each request.
        capacity: Requests that are worked on at once, others wait for their turn; None: no limit.
        reject_above: Requests in the server at which it answers 429 to another one; None: no limit.
        faults: The share of requests that meet each fault.
        without_system_role: Models that refuse requests with a system message.
        drops_system_role: Models that are shown a request without its system message.
        has_tokenizer: Whether the server answers `/tokenize`.
        obeys_constraints: Whether it obeys `structured_outputs`, which it ignores otherwise.
        has_prompt_logprobs: Whether a prompt comes back with the probabilities of its tokens.
        thinks: How its messages hold a thought; None: its models do not think.
    """

    models: Mapping[str, str]
    max_model_len: int = CONTEXT_TOKENS
    latency_s: float = 0.0
    capacity: int | None = None
    reject_above: int | None = None
    faults: Mapping[Fault, float] = field(default_factory=dict)
    without_system_role: frozenset[str] = frozenset()
    drops_system_role: frozenset[str] = frozenset()
    has_tokenizer: bool = True
    obeys_constraints: bool = True
    has_prompt_logprobs: bool = True
    thinks: ThinkingForm | None = None


class SimulatedModel:
    """The handlers of one server and what they have counted."""

    def __init__(self, settings: Settings) -> None:
        """Prepare a server with these settings.

        Raises:
            ValueError: A setting names a model that is not served, or the rates are no shares.
        """
        named = settings.without_system_role | settings.drops_system_role
        if unknown := sorted(named - settings.models.keys()):
            options = "--no-system-role or --drops-system-role"
            raise ValueError(f"{options} names models that are not served: {unknown}")
        self._settings = settings
        self._draw = FaultDraw(settings.faults)
        self._slots = asyncio.Semaphore(settings.capacity) if settings.capacity else nullcontext()
        self._in_flight = 0
        self._most_in_flight = 0
        self._cached_prefixes: set[int] = set()
        self._by_status: Counter[str] = Counter()
        self._by_phase: Counter[str] = Counter()
        self._by_fault: Counter[str] = Counter()
        self._prompts_completed = 0

    def app(self) -> web.Application:
        """The web application."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_post("/v1/chat/completions", self.chat_completions)
        app.router.add_post("/v1/completions", self.completions)
        if self._settings.has_tokenizer:
            app.router.add_post("/tokenize", self.tokenize)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/health", self.health)
        app.router.add_get("/stats", self.stats)
        return app

    async def health(self, _: web.Request) -> web.Response:
        """An empty 200, as vLLM's."""
        return web.Response()

    async def models(self, _: web.Request) -> web.Response:
        """The served models."""
        settings = self._settings
        return web.json_response(protocol.build_model_list(settings.models, settings.max_model_len))

    async def stats(self, _: web.Request) -> web.Response:
        """Chat requests so far, by status, phase and simulated fault; the most there were at once.

        Beside them, how many prompts `/v1/completions` went on with.

        Requests with an error of the client are in no `by_phase`; those that came when too many
        were in the server are not in `most_in_flight` either.
        """
        counts = {
            "requests": self._by_status.total(),
            "by_status": dict(self._by_status),
            "by_phase": dict(self._by_phase),
            "by_fault": dict(self._by_fault),
            "most_in_flight": self._most_in_flight,
            "prompts_completed": self._prompts_completed,
        }
        return web.json_response(counts)

    async def chat_completions(self, request: web.Request) -> web.Response:
        """A chat completion, an error, or the fault that was asked for or drawn."""
        try:
            with self._counted_in_flight():
                return await self._answer(request)
        except RequestError as error:
            self._by_status[str(error.status)] += 1
            return _build_error_response(error)

    async def completions(self, request: web.Request) -> web.Response:
        """Toy text after each prompt, and how likely its tokens are; no faults are drawn here."""
        settings = self._settings
        try:
            fields = protocol.decode(await request.read())
            asked = parse_completion(fields, settings.max_model_len)
            self._require_served(asked.model)
        except RequestError as error:
            return _build_error_response(error)
        self._prompts_completed += len(asked.prompts)
        has_prompt_logprobs = settings.has_prompt_logprobs
        return web.json_response(build_completions(asked, has_prompt_logprobs=has_prompt_logprobs))

    async def tokenize(self, request: web.Request) -> web.Response:
        """How many tokens a prompt has: as many as a chat request with it counts."""
        settings = self._settings
        try:
            body = await request.read()
            prompt = protocol.parse_tokenize_request(body, settings.drops_system_role)
            self._check(prompt)
        except RequestError as error:
            return _build_error_response(error)
        count = prompt.prompt_tokens
        # The ids of the tokens would mean nothing, so they are all 0.
        answer = {"count": count, "max_model_len": settings.max_model_len, "tokens": [0] * count}
        return web.json_response(answer)

    @contextmanager
    def _counted_in_flight(self) -> Iterator[None]:
        """Count a request while it is in the server; `RequestError` where there are too many."""
        limit = self._settings.reject_above
        if limit is not None and self._in_flight >= limit:
            raise RequestError("Too many requests are in flight. (simulated)", status=429)
        self._in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self._in_flight)
        try:
            yield
        finally:
            self._in_flight -= 1

    async def _answer(self, request: web.Request) -> web.Response:
        settings = self._settings
        chat = protocol.parse_chat_request(
            await request.read(),
            settings.max_model_len,
            drops_system_role=settings.drops_system_role,
            obeys_constraints=settings.obeys_constraints,
        )
        self._check(chat)
        fault = find_asked_fault(chat.messages) or self._draw.draw(chat.digest)
        if settings.latency_s:
            async with self._slots:
                await asyncio.sleep(settings.latency_s)
        profile = EVERY_PROFILE[settings.models[chat.model]]
        answer = write_answer(chat, profile, fault)
        self._by_phase[answer.phase] += 1
        if fault:
            self._by_fault[fault] += 1
        if fault in (Fault.TIMEOUT, Fault.DISCONNECT):
            self._by_status["none"] += 1
            return await _close_without_answer(request, fault)
        cached = self._cached_tokens(chat)
        response = _build_response(chat, answer, fault, cached, settings.thinks)
        self._by_status[str(response.status)] += 1
        return response

    def _cached_tokens(self, chat: protocol.ChatRequest) -> int:
        """The tokens of the system message if the model had a request with it before, else 0."""
        if not chat.messages or chat.messages[0]["role"] != Role.SYSTEM:
            return 0
        system = chat.messages[0]["content"]
        prefix = hash((chat.model, system))
        if prefix in self._cached_prefixes:
            return estimate_tokens(system)
        self._cached_prefixes.add(prefix)
        return 0

    def _check(self, prompt: protocol.Prompt) -> None:
        """Raise `RequestError` for a model that is not served, or a system message it refuses."""
        self._require_served(prompt.model)
        refuses_system = prompt.model in self._settings.without_system_role
        if refuses_system and any(each["role"] == Role.SYSTEM for each in prompt.messages):
            raise RequestError("System role not supported")

    def _require_served(self, model: str) -> None:
        if model not in self._settings.models:
            message = f"The model `{model}` does not exist."
            raise RequestError(message, status=404, param="model")


def _build_response(
    chat: protocol.ChatRequest,
    answer: protocol.Answer,
    fault: Fault | None,
    cached_tokens: int,
    thinks: ThinkingForm | None,
) -> web.Response:
    """The response with the completion, changed or replaced as the fault demands."""
    if fault in _HTTP_FAULTS:
        response = _build_error_response(_HTTP_FAULTS[fault])
        if fault is Fault.TOO_MANY_REQUESTS:
            response.headers["Retry-After"] = "1"
        return response
    if fault is Fault.HTML:
        page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
        return web.Response(text=page, content_type="text/html")
    if fault is Fault.WRONG_TYPE:
        return web.Response(text='["ok (simulated)"]', content_type="text/plain")
    body = protocol.build_completion(chat, answer, cached_tokens, thinks)
    if fault is Fault.NO_CHOICES:
        body["choices"] = []
    response = web.json_response(body)
    if fault is Fault.TRUNCATED_JSON and isinstance(response.body, bytes):
        response.body = response.body[: len(response.body) // 2]
    return response


async def _close_without_answer(request: web.Request, fault: Fault) -> web.Response:
    """Close the connection, at once or after a long silence; the client never reads this."""
    if fault is Fault.TIMEOUT:
        # The sleep ends early when the client leaves: the server then cancels the handler.
        await asyncio.sleep(_LONGEST_SILENCE_S)
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _build_error_response(error: RequestError) -> web.Response:
    """The response to a request that cannot be answered."""
    return web.json_response(error.body(), status=error.status)
