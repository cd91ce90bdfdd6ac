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
from typing import Any, Protocol

import aiohttp
import polars as pl

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference.asking import Asking
from sysgen_dagster.inference.chat_api import Endpoint, ModelIdentity
from sysgen_dagster.inference.ledger import Ledger, Outcome, request_key
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.inference.replicas import MOST_IN_FLIGHT, Replicas

_SYNC_EVERY_S = 1.0
_ROWS_PER_FRAME = 1_000


class Connection(Protocol):
    """The way to a model's servers."""

    @property
    def model(self) -> ModelIdentity:
        """The model that answers."""

    @property
    def report(self) -> Callable[[str], None]:
        """Takes a line when something happens to a server."""

    def connect(self) -> Endpoint:
        """Blocks until the model is served, and returns where; raises `EngineError`.

        Called when the first request has to be sent: outcomes in the ledger need no server.
        """

    def reconnect(self, url: str) -> str:
        """See `Replicas`."""

    def cancel(self) -> None:
        """Ends the waiting of other threads in `connect` and `reconnect`."""


def complete(
    connection: Connection,
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
        requests: Taken one by one as there is room.
        progress: Holds the number of requests, and takes the counts; several calls may share it.
        ledger: Entered already; requests with an outcome in it are not sent.
        show: Takes the progress from time to time, and once at the end.
        show_every_s: The time between two calls of `show`.
        most_in_flight: Requests on one server at once, however many it could take.

    Raises:
        EngineError: The servers cannot be reached or do not serve the model.
    """
    batch = _Batch(connection, iter(requests), ledger, progress, show, show_every_s, most_in_flight)
    return asyncio.run(batch.run())


@dataclass(slots=True)
class _Batch:
    """The requests of one partition while they are sent.

    Attributes:
        workers: Tasks that each send one request after another.
        asking: Set when the servers are connected to.
        failed: Takes the error that ends the batch.
        answered: Since the last frame.
        frames: `COMPLETIONS` of what was answered before.
    """

    connection: Connection
    requests: Iterator[ChatRequest]
    ledger: Ledger
    progress: Progress
    show: Callable[[Progress], None]
    show_every_s: float
    most_in_flight: int
    workers: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    asking: Asking | None = None
    connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    failed: asyncio.Future[None] = field(init=False)
    answered: list[tuple[ChatRequest, Outcome]] = field(default_factory=list)
    frames: list[pl.DataFrame] = field(default_factory=list)

    async def run(self) -> pl.DataFrame:
        self.failed = asyncio.get_running_loop().create_future()
        work = asyncio.create_task(self._work_all())
        tasks = [work, asyncio.create_task(self._show_often()), asyncio.create_task(self._sync())]
        try:
            await asyncio.wait([work, self.failed], return_when=asyncio.FIRST_COMPLETED)
            await (self.failed if self.failed.done() else work)
        finally:
            # `asyncio.run` joins the threads that wait for servers.
            self.connection.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self.asking is not None:
                self.asking.replicas.close()
                await self.asking.session.close()
        self._close_frame()
        self._show()
        return pl.concat(self.frames)

    async def _work_all(self) -> None:
        try:
            async with self.workers:
                self._start_workers(self.most_in_flight)
        except* Exception as errors:
            raise errors.exceptions[0] from None

    def _start_workers(self, most: int) -> None:
        for _ in range(min(most, self.progress.waiting)):
            self.workers.create_task(self._work())

    async def _work(self) -> None:
        for request in self.requests:
            key = request_key(self.connection.model.answers_as, request)
            outcome = self.ledger.get(key)
            if outcome is None:
                asking = self.asking or await self._connect()
                outcome = await asking.get_outcome(request)
                self.progress.count_sent(outcome)
                if outcome.failed_because not in ENGINE_FAILURES:
                    self.ledger.append(key, outcome)
            else:
                self.progress.from_ledger += 1
            self.progress.count(outcome)
            self.answered.append((request, outcome))
            if len(self.answered) >= _ROWS_PER_FRAME:
                self._close_frame()

    async def _connect(self) -> Asking:
        async with self.connecting:
            if self.failed.done():  # a worker that had the lock before found no server
                await self.failed
            if self.asking is None:
                try:
                    endpoint = await asyncio.to_thread(self.connection.connect)
                except Exception as error:
                    self._fail(error)
                    raise
                self.asking = self._ask_at(endpoint)
        return self.asking

    def _ask_at(self, endpoint: Endpoint) -> Asking:
        _allow_open_files()
        # Without a limit of its own: the replicas decide how many requests are in flight.
        connector = aiohttp.TCPConnector(limit=0)
        session = aiohttp.ClientSession(connector=connector, headers=endpoint.headers())
        connection = self.connection
        replicas = Replicas(
            endpoint, connection.reconnect, connection.report, self._fail, self.most_in_flight
        )
        self.progress.begin()
        self._start_workers(self.most_in_flight * (len(endpoint.base_urls) - 1))
        return Asking(endpoint, replicas, session)

    def _fail(self, error: Exception) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)

    async def _show_often(self) -> None:
        while True:
            await asyncio.sleep(self.show_every_s)
            self._show()

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_EVERY_S)
            await asyncio.to_thread(self.ledger.sync)

    def _show(self) -> None:
        if self.asking is not None:
            self.progress.at_once = self.asking.replicas.at_once
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
