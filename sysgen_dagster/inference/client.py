"""Chat requests in, one outcome each out, over HTTP with as many in flight as the servers take.

`aiohttp` rather than the `openai` package: a quarter of the CPU a request, and no collapse at
hundreds of connections. A 4xx answer is final; 5xx, timeouts, cut connections and replies that are
no chat completions are tried again a few times; a busy server is asked later; a server that is gone
is waited for. What was answered is in the ledger, whatever happens next.
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

_TELL_EVERY_S = 10.0
_SYNC_EVERY_S = 1.0
_ROWS_PER_FRAME = 1_000


class Connection(Protocol):
    """The way to a model's servers."""

    @property
    def model(self) -> ModelIdentity:
        """Whose answers these are."""

    def connect(self) -> Endpoint:
        """Blocks until the model is served, and says where; raises `EngineError`.

        Called when the first request must be sent: what is known already needs no server.
        """

    def revive(self, url: str) -> str:
        """See `Replicas`."""

    def give_up(self) -> None:
        """Whoever waits in `connect` or `revive`, in another thread, waits no more."""


def complete(
    connection: Connection,
    requests: Iterable[ChatRequest],
    progress: Progress,
    ledger: Ledger,
    report: Callable[[str], None],
    show: Callable[[Progress], None],
) -> pl.DataFrame:
    """One row per request, `completions.COMPLETIONS`, in the order in which they were answered.

    Args:
        connection: Who is asked.
        requests: What is asked; taken one by one as there is room.
        progress: How many there are, and what is counted; several calls may share it.
        ledger: Entered already; what it knows is not sent again.
        report: Takes a line when something happens to a server.
        show: Takes the progress now and then, and once at the end.

    Raises:
        EngineError: The engine cannot be reached or does not take our requests.
    """
    return asyncio.run(_Batch(connection, iter(requests), ledger, progress, report, show).run())


@dataclass(slots=True)
class _Batch:
    """The requests of one partition on their way."""

    connection: Connection
    requests: Iterator[ChatRequest]
    ledger: Ledger
    progress: Progress
    report: Callable[[str], None]
    show: Callable[[Progress], None]
    workers: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    asking: Asking | None = None
    connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    failed: asyncio.Future[None] | None = None
    answered: list[tuple[ChatRequest, Outcome]] = field(default_factory=list)
    frames: list[pl.DataFrame] = field(default_factory=list)

    async def run(self) -> pl.DataFrame:
        self.failed = asyncio.get_running_loop().create_future()
        work = asyncio.create_task(self._work_all())
        tasks = [work, asyncio.create_task(self._tell()), asyncio.create_task(self._sync())]
        try:
            await asyncio.wait([work, self.failed], return_when=asyncio.FIRST_COMPLETED)
            await (self.failed if self.failed.done() else work)
        finally:
            self.connection.give_up()  # else the thread that waits for a server would be joined
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self.asking is not None:
                self.asking.replicas.close()
                await self.asking.session.close()
        self._close_frame()
        self._show()
        return pl.concat([pl.DataFrame(schema=COMPLETIONS), *self.frames])

    async def _work_all(self) -> None:
        try:
            async with self.workers:
                self._start_workers(MOST_IN_FLIGHT)
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
                outcome = await asking.ask(request)
                self.progress.count_sent(outcome)
                if outcome.failed_because not in ENGINE_FAILURES:
                    self.ledger.append(key, outcome)
            else:
                self.progress.from_ledger += 1
            self.progress.count(outcome)
            self._keep(request, outcome)

    async def _connect(self) -> Asking:
        async with self.connecting:
            if self.asking is None:
                endpoint = await self._connect_once()
                _allow_open_files()
                # No limit of its own: how many are in flight is the replicas' matter.
                session = aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(limit=0), headers=endpoint.headers()
                )
                replicas = Replicas(endpoint, self.connection.revive, self.report, self._fail)
                self.progress.begin()
                self.asking = Asking(endpoint, replicas, session)
                self._start_workers(MOST_IN_FLIGHT * (len(endpoint.base_urls) - 1))
        return self.asking

    async def _connect_once(self) -> Endpoint:
        """The endpoint; whoever waited while there was none to be had does not look again."""
        assert self.failed is not None
        if self.failed.done():
            await self.failed
        try:
            return await asyncio.to_thread(self.connection.connect)
        except Exception as error:
            self._fail(error)
            raise

    def _fail(self, error: Exception) -> None:
        if self.failed is not None and not self.failed.done():
            self.failed.set_exception(error)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_TELL_EVERY_S)
            self._show()

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_EVERY_S)
            await asyncio.to_thread(self.ledger.sync)

    def _show(self) -> None:
        if self.asking is not None:
            self.progress.at_once = self.asking.replicas.at_once
        self.show(self.progress)

    def _keep(self, request: ChatRequest, outcome: Outcome) -> None:
        self.answered.append((request, outcome))
        if len(self.answered) >= _ROWS_PER_FRAME:
            self._close_frame()

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
        "choices": [[_choice(*each) for each in outcome.choices] for outcome in outcomes],
    }
    for name in COMPLETIONS.keys() - columns.keys():
        columns[name] = [getattr(outcome, name) for outcome in outcomes]
    return pl.DataFrame({name: columns[name] for name in COMPLETIONS}, schema=COMPLETIONS)


def _allow_open_files() -> None:
    """Every connection is one, and most systems allow 1,024 until a process asks for more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _choice(start: int, choice: str, probability: float) -> dict[str, Any]:
    return {"start": start, "choice": choice, "probability": probability}
