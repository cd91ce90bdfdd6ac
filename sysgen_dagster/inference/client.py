"""Sends chat requests over HTTP, as many at once as the servers take, and returns their outcomes.

`aiohttp` rather than the `openai` package: a quarter of the CPU a request, and no collapse at
hundreds of connections. Every outcome is in the ledger before it counts, so that a run that is
killed loses only the requests in flight. What happens to one request belongs in `asking`.
"""

import asyncio
import resource
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import polars as pl

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference.asking import Asking
from sysgen_dagster.inference.chat_api import Endpoint, ModelIdentity
from sysgen_dagster.inference.connection import ModelConnection
from sysgen_dagster.inference.ledger import Ledger, Outcome
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.inference.refusals import is_remembered
from sysgen_dagster.inference.refused_in_a_row import RefusedInARow
from sysgen_dagster.inference.replicas import MOST_IN_FLIGHT, Replicas
from sysgen_dagster.inference.request_keys import Asked, request_key
from sysgen_dagster.inference.stopping import STOP
from sysgen_dagster.inference.transport import open_transport

_SYNC_EVERY_S = 1.0
_ROWS_PER_FRAME = 1_000
# Requests that are looked up at once where there are other ledgers: each of those in which some
# are known is read once for so many, while nothing is sent.
_LOOKED_UP_AT_ONCE = 2_000


def complete(
    connection: ModelConnection,
    requests: Iterable[ChatRequest],
    progress: Progress,
    ledger: Ledger,
    show: Callable[[Progress], None],
    *,
    show_every_s: float = 10.0,
    most_in_flight: int = MOST_IN_FLIGHT,
) -> pl.DataFrame:
    """One row per request, `completions.COMPLETIONS`, in the order in which they were answered.

    Args:
        connection: The model that is asked.
        requests: Taken one by one as there is room, or some ahead where there are other ledgers.
        progress: Holds the number of requests, and takes the counts; several calls may share it.
        ledger: Entered already; requests with an outcome in it are not sent.
        show: Takes the progress from time to time, and once at the end.
        show_every_s: The time between two calls of `show`.
        most_in_flight: Requests on one server at once, however many it could take.

    Raises:
        EngineError: The servers cannot be reached or do not serve the model.
        StoppedError: The user has ended the command.
    """
    batch = _Batch(connection, iter(requests), ledger, progress, show, show_every_s, most_in_flight)
    return asyncio.run(_run_until_stopped(batch))


async def _run_until_stopped(batch: "_Batch") -> pl.DataFrame:
    loop, running = asyncio.get_running_loop(), asyncio.create_task(batch.run())
    with STOP.calls(lambda: loop.call_soon_threadsafe(running.cancel)):
        try:
            return await running
        except asyncio.CancelledError:
            STOP.check()
            raise


@dataclass(slots=True)
class _Batch:
    """The requests of one partition while they are sent.

    Attributes:
        replicas: The servers, once they are connected to.
        answered: Since the last frame.
        looked_up: The requests that are left, each with what is known of it.
        frames: `COMPLETIONS` of what was answered before.
    """

    connection: ModelConnection
    requests: Iterator[ChatRequest]
    ledger: Ledger
    progress: Progress
    show: Callable[[Progress], None]
    show_every_s: float
    most_in_flight: int
    replicas: Replicas | None = None
    answered: list[tuple[ChatRequest, Outcome]] = field(default_factory=list)
    frames: list[pl.DataFrame] = field(default_factory=list)
    looked_up: Iterator[tuple[ChatRequest, Asked, Outcome | None]] = field(init=False)

    def __post_init__(self) -> None:
        self.looked_up = self._look_up()

    async def run(self) -> pl.DataFrame:
        tasks = [asyncio.create_task(each) for each in (self._show_often(), self._sync())]
        try:
            unknown = self._take_known()
            if unknown is not None:
                first, _ = unknown
                self.looked_up = chain([(*unknown, None)], self.looked_up)
                await self._send_all(
                    await asyncio.to_thread(self.connection.connect, first.constraint)
                )
        finally:
            # `asyncio.run` joins the threads that wait for servers.
            self.connection.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._close_frame()
        self._show()
        return pl.concat(self.frames)

    def _look_up(self) -> Iterator[tuple[ChatRequest, Asked, Outcome | None]]:
        """Each request with its outcome in a ledger, if there is one."""
        at_once = _LOOKED_UP_AT_ONCE if self.ledger.has_others else 1
        while requests := list(islice(self.requests, at_once)):
            asked = [self._asked(request) for request in requests]
            for request, each, known in zip(requests, asked, self.ledger.find(asked), strict=True):
                # Earlier versions kept some outcomes that are asked for again now.
                yield request, each, known if known and is_remembered(known) else None

    def _take_known(self) -> tuple[ChatRequest, Asked] | None:
        """The first request without an outcome in a ledger: until then no server is needed."""
        for request, asked, outcome in self.looked_up:
            if outcome is None:
                return request, asked
            self._keep(request, outcome, is_known=True)
        return None

    async def _send_all(self, endpoint: Endpoint) -> None:
        _allow_open_files()
        connection, most = self.connection, self.most_in_flight
        self.replicas = Replicas(endpoint, connection.reconnect, connection.report, most)
        self.progress.begin()
        try:
            async with (
                open_transport(
                    endpoint.base_urls,
                    endpoint.headers(),
                    endpoint.retries.connect_s,
                    endpoint.api_key,
                ) as transport,
                asyncio.TaskGroup() as workers,
            ):
                refused = RefusedInARow(self.progress)
                asking = Asking(endpoint, self.replicas, transport, refused)
                for _ in range(min(most * len(endpoint.base_urls), self.progress.waiting)):
                    workers.create_task(self._work(asking))
            refused.require_an_answer(endpoint.base_urls[0])
        except* Exception as errors:
            raise errors.exceptions[0] from None
        finally:
            self.replicas.close()

    async def _work(self, asking: Asking) -> None:
        """Send one request after another."""
        for request, asked, known in self.looked_up:
            outcome = known or await asking.get_outcome(request)
            if known is None and is_remembered(outcome):
                self.ledger.append(asked, outcome)
            self._keep(request, outcome, is_known=known is not None)

    def _asked(self, request: ChatRequest) -> Asked:
        key = request_key(self.connection.model.answers_as, request)
        return Asked(key, request.request_id, request.seed)

    def _keep(self, request: ChatRequest, outcome: Outcome, is_known: bool) -> None:
        self.progress.count(outcome, is_known)
        self.answered.append((request, outcome))
        if len(self.answered) >= _ROWS_PER_FRAME:
            self._close_frame()

    async def _show_often(self) -> None:
        while True:
            await asyncio.sleep(self.show_every_s)
            self._show()

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_EVERY_S)
            await asyncio.to_thread(self.ledger.sync)

    def _show(self) -> None:
        # None while the servers of this batch are waited for, which is no time of theirs.
        self.progress.at_once = self.replicas.at_once if self.replicas else 0
        self.show(self.progress)

    def _close_frame(self) -> None:
        """Turn what was answered since the last frame into a compact one."""
        self.frames.append(_build_completions(self.answered, self.connection.model))
        self.answered = []


def _build_completions(
    answered: Sequence[tuple[ChatRequest, Outcome]], model: ModelIdentity
) -> pl.DataFrame:
    """`completions.COMPLETIONS`, one row per request."""
    requests = [request for request, _ in answered]
    outcomes = [outcome for _, outcome in answered]
    columns: dict[str, list[Any]] = {
        "request_id": [request.request_id for request in requests],
        "seed": [request.seed for request in requests],
        "temperature": [request.sampling.temperature for request in requests],
        "max_tokens": [request.sampling.max_tokens for request in requests],
        "model": [model.name] * len(answered),
        "served_name": [model.served_name] * len(answered),
        "model_revision": [model.revision] * len(answered),
        "engine": [model.engine] * len(answered),
    }
    for name in COMPLETIONS.keys() - columns.keys():
        columns[name] = [getattr(outcome, name) for outcome in outcomes]
    return pl.DataFrame({name: columns[name] for name in COMPLETIONS}, schema=COMPLETIONS)


def _allow_open_files() -> None:
    """Every connection is one, and most systems allow 1,024 until a process asks for more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
