"""Batches of requests, and the connection to servers that are up or not, without long waits."""

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, Sampling
from sysgen_dagster.inference.chat_api import Endpoint, ModelIdentity, Retries, UnreachableError
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.connection import ModelConnection
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.progress import Progress

NOBODY = "http://127.0.0.1:9/v1"  # where nothing listens
QUICK = Retries(probes=0, first_delay_s=0.02, longest_delay_s=0.1, patience_s=0.5)


def message(role: Role, content: str) -> ChatMessage:
    """One turn."""
    return {"role": role, "content": content}


def question(
    number: int, content: str = "Why is the sea salty?", mark: str = "", max_tokens: int = 512
) -> ChatRequest:
    """A request as Phase 4 makes it, which may ask the simulated model for a fault."""
    user = f"{content} [[simulate: {mark}]]" if mark else content
    messages = [message(Role.SYSTEM, "Be brief."), message(Role.USER, user)]
    return ChatRequest(f"capybara-{number}", messages, Sampling(0.7, max_tokens), seed=number)


def questions(count: int) -> list[ChatRequest]:
    """So many requests that differ in their seeds."""
    return [question(number) for number in range(count)]


def endpoint_at(*urls: str, model: str = "phi", **settings: Any) -> Endpoint:
    """An endpoint at which a request is soon sent again, with other settings of it or its retries.

    Servers may be away for half a second only.
    """
    names = {field.name for field in fields(Retries)} & settings.keys()
    retries = replace(QUICK, **{name: settings.pop(name) for name in names})
    served = ModelIdentity("phi-4", model, revision="187ef03", engine="endpoint")
    return Endpoint(served, urls, retries=retries, **settings)


@dataclass
class Connected:
    """A `ModelConnection` to servers that come back by themselves, or not at all."""

    endpoint: Endpoint
    report: Callable[[str], None] = print

    @property
    def model(self) -> ModelIdentity:
        return self.endpoint.model

    def connect(self, constraint: Constraint | None = None) -> Endpoint:
        return self.endpoint

    def cancel(self) -> None:
        """No thread waits."""

    def reconnect(self, url: str) -> str:
        parts = urlsplit(url)
        try:
            socket.create_connection((parts.hostname, parts.port), timeout=10).close()
        except OSError as error:
            raise UnreachableError(f"nothing listens at {url} ({error})") from error
        return url


def ask(
    servers: Endpoint | Connected | ModelConnection,
    requests: Sequence[ChatRequest],
    ledger: Ledger,
    shown: list[str] | None = None,
    **options: Any,
) -> pl.DataFrame:
    """What `complete` gives, in the order of the requests; the lines of progress are in `shown`."""
    connection = Connected(servers) if isinstance(servers, Endpoint) else servers
    lines = [] if shown is None else shown
    return ask_lazily(connection, requests, len(requests), ledger, lines, **options)


def ask_lazily(
    connection: Connected | ModelConnection,
    requests: Iterable[ChatRequest],
    total: int,
    ledger: Ledger,
    shown: list[str],
    **options: Any,
) -> pl.DataFrame:
    """The same for requests that are made one by one."""
    with ledger:
        rows = complete(
            connection,
            requests,
            Progress(total),
            ledger,
            lambda progress: shown.append(str(progress)),
            **options,
        )
    return rows.sort("seed")


def ask_one(endpoint: Endpoint, request: ChatRequest, ledger: Ledger) -> dict[str, Any]:
    """The one row of one request."""
    [row] = ask(endpoint, [request], ledger).to_dicts()
    return row
