"""Chat requests in, one outcome each out, over HTTP with a bounded number in flight.

`aiohttp` rather than the `openai` package: a quarter of the CPU a request, and no collapse at
hundreds of connections. A 4xx answer is final; 5xx, 429, timeouts, cut connections and replies that
are no chat completions are tried again; an engine that cannot be reached at all ends the partition
with one error, and what it had answered stays in the ledger.
"""

import asyncio
import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import polars as pl

from sysgen_dagster.inference.ledger import Ledger, Outcome, request_key
from sysgen_dagster.sysgen.chat import ChatMessage, ChatRequest, Role
from sysgen_dagster.sysgen.completions import COMPLETIONS
from sysgen_dagster.sysgen.drop_reasons import DropReason

MAX_IN_FLIGHT = 128
MAX_ATTEMPTS = 5
_TIMEOUT = aiohttp.ClientTimeout(total=600, sock_connect=10)
_FIRST_DELAY_S, _LONGEST_DELAY_S = 1.0, 30.0
_LONGEST_WAIT_S = 60.0  # that a server may ask for
_PROGRESS_EVERY_S = 10.0
_AGAIN = frozenset({408, 409, 425, 429})  # and every 5xx
_NOT_FOR_US = frozenset({401, 403, 404})  # the same for every request: stop at once


class EngineError(RuntimeError):
    """No answer can be had from an engine; the message names it and the ways to get one."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is served, and what its answers are marked with."""

    base_urls: tuple[str, ...]
    model: str  # as the catalogue names it
    served_name: str
    revision: str | None
    engine: str
    has_system_role: bool = True
    api_key: str | None = field(default=None, repr=False)

    @property
    def answers_as(self) -> tuple[str | None, ...]:
        """Whose answers these are: another engine's or revision's are none of this one's."""
        role = "system role" if self.has_system_role else "folded into the user turn"
        return self.engine, self.served_name, self.revision, role

    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}


@dataclass(slots=True)
class Progress:
    """How far the requests of a partition are."""

    total: int
    done: int = 0
    from_ledger: int = 0
    failed: int = 0
    completion_tokens: int = 0
    started: float = field(default_factory=time.monotonic)

    def count(self, outcome: Outcome) -> None:
        """Take one more outcome in."""
        self.done += 1
        self.failed += outcome.failed_because is not None

    def __str__(self) -> str:
        """One line for a log."""
        elapsed = max(time.monotonic() - self.started, 1e-9)
        rate = (self.done - self.from_ledger) / elapsed
        waiting = self.total - self.done
        left = waiting / rate if rate else math.inf if waiting else 0.0
        return (
            f"{self.done:,} of {self.total:,} answered ({self.from_ledger:,} known from before, "
            f"{self.failed:,} failed), {rate:,.1f} requests/s, "
            f"{self.completion_tokens / elapsed:,.0f} tokens/s, {left:,.0f} s left"
        )


def complete(
    endpoint: Endpoint,
    requests: Iterable[ChatRequest],
    total: int,
    ledger: Ledger,
    report: Callable[[str], None],
) -> pl.DataFrame:
    """One row per request, `completions.COMPLETIONS`, in the order in which they were answered.

    Args:
        endpoint: Who is asked.
        requests: What is asked; taken one by one as there is room.
        total: How many there are, for the progress.
        ledger: Entered already; what it knows is not sent again.
        report: Takes a line of progress now and then.

    Raises:
        EngineError: The engine cannot be reached or does not take our requests.
    """
    return asyncio.run(_Batch(endpoint, ledger, Progress(total), report).run(iter(requests)))


def fold_system_message(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """The messages with the system message at the start of the first user turn."""
    system = [message["content"] for message in messages if message["role"] == Role.SYSTEM]
    spoken = [message for message in messages if message["role"] != Role.SYSTEM]
    if not system or not spoken:
        return spoken
    first: ChatMessage = {
        "role": Role.USER,
        "content": "\n\n".join([*system, spoken[0]["content"]]),
    }
    return [first, *spoken[1:]]


class _TryAgainError(Exception):
    """This attempt gave nothing, another may: why, and how long the server asks us to wait."""

    def __init__(self, reason: DropReason | None, said: str, wait_s: float = 0.0) -> None:
        super().__init__(said)
        self.reason, self.said, self.wait_s = reason, said, wait_s


@dataclass(slots=True)
class _Batch:
    """The requests of one partition on their way."""

    endpoint: Endpoint
    ledger: Ledger
    progress: Progress
    report: Callable[[str], None]
    in_flight: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)

    async def run(self, requests: Iterator[ChatRequest]) -> pl.DataFrame:
        connector = aiohttp.TCPConnector(limit=MAX_IN_FLIGHT)
        async with aiohttp.ClientSession(
            connector=connector, timeout=_TIMEOUT, headers=self.endpoint.headers()
        ) as session:
            telling = asyncio.create_task(self._tell())
            try:
                async with asyncio.TaskGroup() as workers:
                    for _ in range(min(MAX_IN_FLIGHT, self.progress.total)):
                        workers.create_task(self._work(session, requests))
            except* EngineError as errors:
                raise errors.exceptions[0] from None
            finally:
                telling.cancel()
        self.report(str(self.progress))
        return pl.DataFrame(self.rows, schema=COMPLETIONS, orient="row")

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_EVERY_S)
            self.report(str(self.progress))

    async def _work(self, session: aiohttp.ClientSession, requests: Iterator[ChatRequest]) -> None:
        for request in requests:
            key = request_key(self.endpoint.answers_as, request)
            outcome = self.ledger.get(key)
            if outcome is None:
                outcome = await self._ask(session, request)
                self.progress.completion_tokens += outcome.completion_tokens or 0
                if outcome.failed_because in (
                    None,
                    DropReason.TOO_LONG,
                    DropReason.REFUSED_BY_SERVER,
                ):
                    self.ledger.append(key, outcome)
            else:
                self.progress.from_ledger += 1
            self.progress.count(outcome)
            self.rows.append(self._row(request, outcome))

    async def _ask(self, session: aiohttp.ClientSession, request: ChatRequest) -> Outcome:
        body = self._body(request)
        tried: Counter[str] = Counter()
        answered: _TryAgainError | None = None  # a replica that is there and did not help
        for attempt in range(1, MAX_ATTEMPTS + 1):
            # A replica that failed this request is asked last; of the others, the least busy.
            url = min(self.endpoint.base_urls, key=lambda u: (tried[u], self.in_flight[u]))
            tried[url] += 1
            self.in_flight[url] += 1
            try:
                return await _send(session, f"{url}/chat/completions", body, attempt)
            except _TryAgainError as error:
                last = error
                answered = error if error.reason is not None else answered
            finally:
                self.in_flight[url] -= 1
            if attempt < MAX_ATTEMPTS:
                await asyncio.sleep(max(last.wait_s, _delay(attempt)))
        if answered is None:
            raise EngineError(
                f"{self.endpoint.served_name} cannot be reached at {url} ({last.said}; "
                f"{MAX_ATTEMPTS} attempts). What it answered before is kept: start the server "
                "again and materialize this partition again, and only the rest is asked"
            )
        return Outcome(attempts=attempt, failed_because=answered.reason, failure=answered.said)

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        messages = request.messages
        if not self.endpoint.has_system_role:
            messages = fold_system_message(messages)
        return {
            "model": self.endpoint.served_name,
            "messages": messages,
            "temperature": request.sampling.temperature,
            "max_tokens": request.sampling.max_tokens,
            "seed": request.seed,
        }

    def _row(self, request: ChatRequest, outcome: Outcome) -> dict[str, Any]:
        return {
            "conversation_id": request.conversation_id,
            "text": outcome.text,
            "failed_because": outcome.failed_because,
            "failure": outcome.failure,
            "finish_reason": outcome.finish_reason,
            "prompt_tokens": outcome.prompt_tokens,
            "completion_tokens": outcome.completion_tokens,
            "attempts": outcome.attempts,
            "seed": request.seed,
            "temperature": request.sampling.temperature,
            "max_tokens": request.sampling.max_tokens,
            "model": self.endpoint.model,
            "served_name": self.endpoint.served_name,
            "model_revision": self.endpoint.revision,
            "engine": self.endpoint.engine,
        }


def _delay(attempt: int) -> float:
    """Exponential back-off in seconds, with jitter so that many workers do not return at once."""
    longest: float = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311


async def _send(
    session: aiohttp.ClientSession, url: str, body: dict[str, Any], attempt: int
) -> Outcome:
    """The outcome of one attempt; raises `_TryAgainError` or `EngineError`."""
    try:
        async with session.post(url, json=body, allow_redirects=False) as response:
            raw = await response.read()
            status, headers = response.status, response.headers
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise _TryAgainError(None, str(error)) from error
    except TimeoutError as error:
        raise _TryAgainError(DropReason.TIMEOUT, "no answer in time") from error
    except aiohttp.ClientError as error:
        # Only its kind: its text may hold our request, headers and all.
        said = f"connection cut: {type(error).__name__}"
        raise _TryAgainError(DropReason.SERVER_ERROR, said) from None
    said = f"{status}: {raw[:300].decode(errors='replace')}"
    if status == 200:
        return _read_completion(raw, attempt)
    if status in _NOT_FOR_US or 300 <= status < 400:
        raise EngineError(f"{url} does not serve {body['model']} to us ({said})")
    if status in _AGAIN or status >= 500:
        wait = headers.get("Retry-After", "")
        wait_s = min(float(wait), _LONGEST_WAIT_S) if wait.isdigit() else 0.0
        raise _TryAgainError(DropReason.SERVER_ERROR, said, wait_s)
    too_long = b"context length" in raw or b"max_model_len" in raw or b"maximum model length" in raw
    reason = DropReason.TOO_LONG if too_long else DropReason.REFUSED_BY_SERVER
    return Outcome(attempts=attempt, failed_because=reason, failure=said)


def _read_completion(raw: bytes, attempt: int) -> Outcome:
    """The outcome in a chat completion; raises `_TryAgainError` for anything else."""
    try:
        reply = json.loads(raw)
        choice = reply["choices"][0]
        content = choice["message"]["content"] or ""
        if not isinstance(content, str):
            raise TypeError("content is no text")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        said = f"not a chat completion: {raw[:200].decode(errors='replace')}"
        raise _TryAgainError(DropReason.MALFORMED_REPLY, said) from error
    return Outcome(
        # Lone surrogates can come out of JSON escapes and fit into no file.
        text=content.encode("utf-8", "replace").decode("utf-8"),
        finish_reason=str(choice.get("finish_reason") or "unknown"),
        prompt_tokens=_tokens(reply, "prompt_tokens"),
        completion_tokens=_tokens(reply, "completion_tokens"),
        attempts=attempt,
    )


def _tokens(reply: dict[str, Any], name: str) -> int | None:
    """A token count of the reply, if the server gives one that makes sense."""
    usage = reply.get("usage")
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and 0 <= count < 2**32 else None
