"""The servers of one model while a partition's requests are in flight.

A request gets the server with the fewest in flight. A server that is gone gets none until it is
back; requests that find no server wait in a queue.
"""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sysgen_dagster.inference.capacity import Capacity
from sysgen_dagster.inference.chat_api import Endpoint, EngineError, UnreachableError
from sysgen_dagster.inference.server_queue import ServerQueue

MOST_IN_FLIGHT = 1024  # requests on one server
# Of the time for an attempt: what is in flight should be answered in it, even by a server that
# works on one request at a time.
_GOOD_SHARE = 0.25
_LONGEST_LOOK_S = 15.0  # between two looks for a server that is gone


@dataclass(slots=True, eq=False)
class Replica:
    """One server, and what is known of it.

    Attributes:
        gone_at: When it was last found gone.
        failing_since: When the first request after its last answer failed; infinity where none has.
        restarts: How often it answered again after it was gone.
        has_completed: Whether it has answered with a completion.
        queue: What it has answered.
    """

    url: str
    capacity: Capacity
    is_up: bool = True
    gone_at: float = 0.0
    failing_since: float = math.inf
    restarts: int = 0
    in_flight: int = 0
    has_completed: bool = False
    queue: ServerQueue = field(default_factory=ServerQueue)

    @property
    def has_room(self) -> bool:
        """Whether it takes one more request now."""
        return self.is_up and self.in_flight < self.capacity.at_once

    def note_failure(self, sent_at: float, now: float) -> bool:
        """Whether a request that failed now may be the cause of the server's failures.

        It is not the cause if it was sent only after other requests had begun to fail.
        """
        self.failing_since = min(self.failing_since, now)
        return sent_at <= self.failing_since

    def has_died_since(self, restarts: int) -> bool:
        """Whether it has gone away since it had restarted this often."""
        return self.restarts > restarts or not self.is_up


@dataclass(slots=True)
class Replicas:
    """All servers of one model.

    Attributes:
        endpoint: Where they are.
        reconnect: Blocks until the server of a URL answers again and returns its URL, which another
            one may be; raises `UnreachableError` while a server that is not ours is away.
        report: Takes a line when a server goes or comes back.
        most_in_flight: Requests on one server, whatever its capacity.
        last_answer: When any of them last answered a request.
        failure: The error that ends the partition, for every request that wants a server.
    """

    endpoint: Endpoint
    reconnect: Callable[[str], str]
    report: Callable[[str], None]
    most_in_flight: int = MOST_IN_FLIGHT
    members: list[Replica] = field(init=False)
    last_answer: float = field(default_factory=time.monotonic)
    failure: Exception | None = None
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    _reconnecting: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Every server counts as up until a request finds it gone."""
        start = self.endpoint.before_first_answer or self.endpoint.starts_with
        self.members = [
            Replica(url, Capacity(start, self.most_in_flight)) for url in self.endpoint.base_urls
        ]

    async def lease(self, tried: Counter[str]) -> Replica:
        """A server with room, counted as in use; waits until there is one.

        Args:
            tried: Attempts of the request by URL; the server with the fewest is taken.

        Raises:
            EngineError: A server went away and did not come back.
        """
        while self.failure is None:
            free = [replica for replica in self.members if replica.has_room]
            if free:
                best = min(free, key=lambda replica: (tried[replica.url], replica.in_flight))
                best.in_flight += 1
                best.capacity.sent(best.in_flight)
                return best
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        raise self.failure

    def give_back(self, replica: Replica) -> None:
        """End the use of a leased server, and let waiting requests have it."""
        replica.in_flight -= 1
        self._wake()

    def note_answer(self, replica: Replica, sent_at: float, is_completion: bool = True) -> None:
        """Adapt the server's capacity to an answer; the first one shows how slow the server is.

        A refusal is an answer that says nothing of the server's speed.
        """
        self.last_answer = now = time.monotonic()
        replica.failing_since = math.inf
        replica.queue.note_answer(now)
        if not is_completion:
            return
        if not replica.has_completed:
            replica.has_completed = True
            in_good_time = self.endpoint.attempt_s * _GOOD_SHARE / max(now - sent_at, 1e-3)
            replica.capacity.raise_to(min(self.endpoint.starts_with, int(in_good_time)), now)
        replica.capacity.answered(now, sent_at)

    def note_gone(self, replica: Replica) -> None:
        """Send no more requests to a server where nothing listens, until it answers again."""
        if replica.is_up:
            replica.is_up, replica.gone_at = False, time.monotonic()
            task = asyncio.create_task(self._bring_back(replica))
            self._reconnecting.add(task)
            task.add_done_callback(self._reconnecting.discard)

    def close(self) -> None:
        """Stop looking for servers that are away."""
        for task in self._reconnecting:
            task.cancel()

    @property
    def others_wait(self) -> bool:
        """Whether a request that is in flight is not the only one without an answer."""
        return bool(self._waiting) or sum(replica.in_flight for replica in self.members) > 1

    @property
    def at_once(self) -> int:
        """Requests that may be in flight now."""
        return sum(replica.capacity.at_once for replica in self.members if replica.is_up)

    async def _bring_back(self, replica: Replica) -> None:
        self.report(f"nothing answers at {replica.url} any more; waiting for it")
        try:
            replica.url = await self._reconnect(replica.url)
            replica.restarts += 1
            if replica.restarts > self.endpoint.retries.restarts:
                raise EngineError(
                    f"{self.endpoint.model.served_name} at {replica.url} went away "
                    f"{replica.restarts} times while this partition was made; see its log. What it "
                    "answered is kept"
                )
        except Exception as error:  # of whatever kind: the requests would wait for ever
            self.failure = error
        else:
            away_s = time.monotonic() - replica.gone_at
            self.report(f"{replica.url} answers again after {away_s:.0f} s")
            # It may have ended because it had too many requests at once.
            half = max(1, replica.capacity.at_once // 2)
            replica.capacity = Capacity(half, self.most_in_flight)
            replica.failing_since, replica.is_up = math.inf, True
        self._wake()

    async def _reconnect(self, url: str) -> str:
        """The URL of the server when it answers again.

        Raises:
            UnreachableError: No server of the model was up for too long.
        """
        retries = self.endpoint.retries
        delay = retries.first_delay_s
        while True:
            try:
                return await asyncio.to_thread(self.reconnect, url)
            except UnreachableError:
                last_gone_at = max(replica.gone_at for replica in self.members)
                away_s = time.monotonic() - last_gone_at
                if away_s > retries.patience_s and not any(each.is_up for each in self.members):
                    raise
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_LOOK_S)

    def _wake(self) -> None:
        """Let as many waiting requests look for a server as there is room for, or all to fail."""
        room = sum(max(0, r.capacity.at_once - r.in_flight) for r in self.members if r.is_up)
        while self._waiting and (room > 0 or self.failure is not None):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1


async def nothing_listens(url: str, within_s: float) -> bool:
    """Whether a connection to a URL is refused; False for any other trouble with it."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443}.get(parts.scheme, 80)
    try:
        async with asyncio.timeout(within_s):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except OSError as error:
        return isinstance(error, ConnectionRefusedError)
    writer.close()
    return False
