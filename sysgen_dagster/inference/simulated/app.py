"""The simulated model as a web application.

It speaks as much of the OpenAI chat protocol as the pipeline uses. Fields for structured output
are accepted and ignored.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sysgen_dagster.inference.simulated.faults import (
    FORCED_ANSWERS,
    Fault,
    FaultDraw,
    asked_fault,
)
from sysgen_dagster.inference.simulated.profiles import PROFILES
from sysgen_dagster.inference.simulated.protocol import (
    DEFAULT_MAX_MODEL_LEN,
    ChatRequest,
    RequestError,
    completion_body,
    error_body,
    models_body,
    parse_chat_request,
)
from sysgen_dagster.inference.simulated.writer import Answer, write_answer
from sysgen_dagster.sysgen.chat import Role

_MAX_BODY_BYTES = 64 * 1024**2
_LONGEST_SILENCE_S = 60.0

_HTTP_FAULTS = {
    Fault.INTERNAL_ERROR: (500, "EngineCore encountered an issue. (simulated)"),
    Fault.UNAVAILABLE: (503, "The server is overloaded or starting up. (simulated)"),
    Fault.TOO_MANY_REQUESTS: (429, "Too many requests. (simulated)"),
}


@dataclass(frozen=True)
class Settings:
    """What a server serves and how it fails."""

    models: Mapping[str, str]  # served name -> profile
    max_model_len: int = DEFAULT_MAX_MODEL_LEN
    latency_s: float = 0.0
    faults: Mapping[Fault, float] = field(default_factory=dict)
    without_system_role: frozenset[str] = frozenset()


class SimulatedModel:
    """The handlers of one server and what they have counted."""

    def __init__(self, settings: Settings) -> None:
        """Serve what the settings say."""
        self._settings = settings
        self._draw = FaultDraw(settings.faults)
        self._by_status: Counter[str] = Counter()
        self._by_phase: Counter[str] = Counter()
        self._by_fault: Counter[str] = Counter()

    def app(self) -> web.Application:
        """The web application."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_post("/v1/chat/completions", self.chat_completions)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/health", self.health)
        app.router.add_get("/stats", self.stats)
        return app

    async def health(self, _: web.Request) -> web.Response:
        """An empty 200, as vLLM's."""
        return web.Response()

    async def models(self, _: web.Request) -> web.Response:
        """The served models."""
        return _json(models_body(self._settings.models, self._settings.max_model_len))

    async def stats(self, _: web.Request) -> web.Response:
        """Chat requests so far, by status, by phase and by simulated fault."""
        counts = {
            "requests": self._by_status.total(),
            "by_status": dict(self._by_status),
            "by_phase": dict(self._by_phase),
            "by_fault": dict(self._by_fault),
        }
        return _json(counts)

    async def chat_completions(self, request: web.Request) -> web.Response:
        """A chat completion, an error, or the fault that was asked for or drawn."""
        try:
            chat = parse_chat_request(await request.read(), self._settings.max_model_len)
            self._check(chat)
            fault = asked_fault(chat.messages) or self._draw.draw(chat.digest)
        except RequestError as error:
            self._by_status[str(error.status)] += 1
            body = error_body(error.status, error.message, error.param)
            return _json(body, status=error.status)
        if self._settings.latency_s:
            await asyncio.sleep(self._settings.latency_s)
        profile = PROFILES[self._settings.models[chat.model]]
        answer = write_answer(chat, profile, FORCED_ANSWERS.get(fault) if fault else None)
        self._by_phase[answer.phase] += 1
        if fault:
            self._by_fault[fault] += 1
        if fault in (Fault.TIMEOUT, Fault.DISCONNECT):
            self._by_status["none"] += 1
            return await _leave_without_answer(request, fault)
        response = _respond(chat, answer, fault)
        self._by_status[str(response.status)] += 1
        return response

    def _check(self, chat: ChatRequest) -> None:
        """Raise for a model that is not served, or a role that its chat template lacks."""
        if chat.model not in self._settings.models:
            raise RequestError(
                f"The model `{chat.model}` does not exist.", status=404, param="model"
            )
        refuses_system = chat.model in self._settings.without_system_role
        if refuses_system and any(message["role"] == Role.SYSTEM for message in chat.messages):
            raise RequestError("System role not supported")


def _respond(chat: ChatRequest, answer: Answer, fault: Fault | None) -> web.Response:
    """The completion, or what a fault makes of it."""
    if fault in _HTTP_FAULTS:
        status, message = _HTTP_FAULTS[fault]
        headers = {"Retry-After": "1"} if fault is Fault.TOO_MANY_REQUESTS else None
        return _json(error_body(status, message), status=status, headers=headers)
    if fault is Fault.HTML:
        page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
        return web.Response(text=page, content_type="text/html")
    body = completion_body(chat, answer.text, answer.finish_reason)
    if fault is Fault.NO_CHOICES:
        body["choices"] = []
    response = _json(body)
    if fault is Fault.TRUNCATED_JSON and isinstance(response.body, bytes):
        response.body = response.body[: len(response.body) // 2]
    return response


async def _leave_without_answer(request: web.Request, fault: Fault) -> web.Response:
    """Close the connection, at once or after a long silence; the client never reads this."""
    if fault is Fault.TIMEOUT:
        # Ends early when the client leaves: the server cancels its handlers then.
        await asyncio.sleep(_LONGEST_SILENCE_S)
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _json(
    body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """A JSON response."""
    return web.Response(
        body=json.dumps(body).encode(),
        status=status,
        headers=headers,
        content_type="application/json",
    )
