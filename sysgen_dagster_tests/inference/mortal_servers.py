"""Servers in a thread of the test that die of what the test says, and are started anew."""

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.inference.chat_api import Endpoint
from sysgen_dagster_tests.inference.batches import Connected, endpoint_at
from sysgen_dagster_tests.inference.odd_servers import completion
from sysgen_dagster_tests.inference.processes import CEILING_S

_REPLIES_TO_ONE = 3  # of the five failures after which a row is given up


@dataclass
class Mortal:
    """A server that dies when it has worked on what kills it.

    Attributes:
        kills: Whether it dies of this body.
        holds: Whether requests are held now, in flight.
        ill_replies: How many it answers with 500 before it ends; fewer if one request comes again
            and again.
        asked: How often each seed was asked for.
        victims: The seeds that were in flight at each death.
    """

    loop: asyncio.AbstractEventLoop
    kills: Callable[[dict[str, Any]], bool] = lambda body: False
    holds: Callable[[], bool] = lambda: False
    latency_s: float = 0.02
    ill_replies: int = 0
    restart_s: float = 0.05
    url: str = ""
    starts: int = 0
    asked: Counter[int] = field(default_factory=Counter)
    victims: list[set[int]] = field(default_factory=list)
    in_flight: set[int] = field(default_factory=set)
    runner: web.AppRunner | None = None
    listener: asyncio.Server | None = None
    killed_by: int | None = None
    replies_while_ill: list[int] = field(default_factory=list)
    ending: asyncio.Task[None] | None = None

    @property
    def deaths(self) -> int:
        return len(self.victims)

    def start(self) -> str:
        """The URL, of this life only."""
        asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(CEILING_S)
        return self.url

    def stop(self) -> None:
        async def stop() -> None:
            self._die()
            if self.ending is not None:
                await self.ending

        asyncio.run_coroutine_threadsafe(stop(), self.loop).result(CEILING_S)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True)
        await runner.setup()
        assert runner.server is not None
        self.listener = await self.loop.create_server(runner.server, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.listener.sockets[0].getsockname()[1]}/v1"
        self.runner, self.killed_by = runner, None
        self.starts += 1

    def _die(self) -> None:
        """All at once, as a process that is killed: nothing listens before connections are cut."""
        runner, self.runner = self.runner, None
        if runner is not None and self.listener is not None:
            for listening in self.listener.sockets:
                self.loop.remove_reader(listening)
                listening.shutdown(socket.SHUT_RDWR)
            _cut(runner)
            self.ending = self.loop.create_task(_bury(runner, self.listener))

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        seed = body["seed"]
        self.asked[seed] += 1
        self.in_flight.add(seed)
        try:
            if self.killed_by is None:
                await asyncio.sleep(self.latency_s)
                while self.holds():
                    await asyncio.sleep(0.005)
            if self.killed_by is None and self.kills(body):
                self.killed_by, self.replies_while_ill = seed, []
                self.victims.append(set(self.in_flight))
        finally:
            self.in_flight.discard(seed)
        if self.killed_by is None:
            return web.json_response(completion("Because."))
        replies = self.replies_while_ill
        if len(replies) >= self.ill_replies or replies.count(seed) >= _REPLIES_TO_ONE:
            self._die()
            await asyncio.sleep(CEILING_S)  # until it is cancelled
        replies.append(seed)
        return web.Response(status=500, text="EngineDeadError")


def _cut(runner: web.AppRunner) -> None:
    for connection in list(runner.server.connections) if runner.server else []:
        if connection.transport is not None:
            connection.transport.abort()


async def _bury(runner: web.AppRunner, listener: asyncio.Server) -> None:
    """Connections accepted in the last moment are cut too; asyncio leaks them where it cannot."""
    for _ in range(3):
        await asyncio.sleep(0)
    _cut(runner)
    listener.close()
    await runner.cleanup()


class Ours(Connected):
    """The connection to servers that are started anew when they are gone."""

    def __init__(self, servers: Sequence[Mortal], settings: dict[str, Any] | None = None) -> None:
        super().__init__(endpoint_at())
        self.servers, self.settings, self.revived = servers, settings or {}, 0

    def connect(self, constraint: Constraint | None = None) -> Endpoint:
        return endpoint_at(*(server.start() for server in self.servers), **self.settings)

    def reconnect(self, url: str) -> str:
        [server] = (server for server in self.servers if server.url == url)
        while server.runner is not None:  # it is about to end
            time.sleep(0.01)
        time.sleep(server.restart_s)
        self.revived += 1
        return server.start()


@contextmanager
def mortals(count: int = 1, **fields: Any) -> Iterator[list[Mortal]]:
    """So many servers, not started yet."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers = [Mortal(loop, **fields) for _ in range(count)]
    try:
        yield servers
    finally:
        for server in servers:
            server.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CEILING_S)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
