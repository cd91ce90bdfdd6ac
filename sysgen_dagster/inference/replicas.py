"""The servers of one model while a partition's requests are on their way.

A request gets the server with the fewest in flight. A server that is gone is set aside and tried
again until it is back; requests wait for it meanwhile, they do not spin.
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

CONNECT_S = 10.0
MOST_IN_FLIGHT = 1024  # on one server
_MOST_REVIVALS = 5  # of one server while a partition is made
_SLOW_SHARE = 0.25  # of the time an attempt may take: an answer slower than that is a warning
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.5, 15.0


@dataclass(slots=True, eq=False)
class Replica:
    """One server: how many requests it is given, and what has become of it.

    Attributes:
        failing_since: When the first request after its last answer failed; infinity where none has.
        restarts: How often it answered again after it was gone.
    """

    url: str
    capacity: Capacity
    is_up: bool = True
    gone_at: float = 0.0
    failing_since: float = math.inf
    restarts: int = 0
    in_flight: int = 0

    @property
    def has_room(self) -> bool:
        """Whether it takes one more request now."""
        return self.is_up and self.in_flight < self.capacity.at_once

    def note_failure(self, sent_at: float, now: float) -> bool:
        """Remember that a request failed; whether the server may be dying of that request.

        It is not dying of one that was sent only after others had begun to fail.
        """
        self.failing_since = min(self.failing_since, now)
        return sent_at <= self.failing_since

    def has_died_since(self, restarts: int) -> bool:
        """Whether it has gone, as far as is known, since it had restarted so often."""
        return self.restarts > restarts or not self.is_up


@dataclass(slots=True)
class Replicas:
    """All servers of one model.

    Attributes:
        endpoint: What they serve.
        revive: Blocks until the server of a URL answers again, started anew where it is ours, and
            gives its URL; raises `UnreachableError` while somebody else's is still away.
        report: Takes a line when a server goes or comes back.
        fail: Ends everything with an error.
    """

    endpoint: Endpoint
    revive: Callable[[str], str]
    report: Callable[[str], None]
    fail: Callable[[Exception], None]
    members: list[Replica] = field(init=False)
    last_answer: float = field(default_factory=time.monotonic)
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    _reviving: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Every server is up until it proves not to be."""
        start = self.endpoint.starts_with
        self.members = [
            Replica(url, Capacity(at_once=start, most=MOST_IN_FLIGHT))
            for url in self.endpoint.base_urls
        ]

    async def lease(self, tried: Counter[str]) -> Replica:
        """A server with room, counted as in use; waits until there is one.

        One that failed the request before is taken last; of the others, the least busy.
        """
        while True:
            free = [replica for replica in self.members if replica.has_room]
            if free:
                best = min(free, key=lambda replica: (tried[replica.url], replica.in_flight))
                best.in_flight += 1
                best.capacity.sent(best.in_flight)
                return best
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    def give_back(self, replica: Replica) -> None:
        """A leased server is free for somebody else."""
        replica.in_flight -= 1
        self._wake()

    def answered(self, replica: Replica, sent_at: float) -> None:
        """A request got its answer; a late one says that the server has too much to do."""
        self.last_answer = now = time.monotonic()
        replica.failing_since = math.inf
        if now - sent_at > self.endpoint.attempt_s * _SLOW_SHARE:
            replica.capacity.overloaded(now, sent_at)
        else:
            replica.capacity.answered(now, sent_at)

    def lost(self, replica: Replica) -> None:
        """Nothing listens there any more: set it aside until it is back."""
        if replica.is_up:
            replica.is_up, replica.gone_at = False, time.monotonic()
            task = asyncio.create_task(self._bring_back(replica))
            self._reviving.add(task)
            task.add_done_callback(self._reviving.discard)

    def close(self) -> None:
        """Stop looking for servers that are away."""
        for task in self._reviving:
            task.cancel()

    @property
    def at_once(self) -> int:
        """Requests that may be in flight now."""
        return sum(replica.capacity.at_once for replica in self.members if replica.is_up)

    @property
    def _all_away_s(self) -> float:
        """Seconds since the last of the servers went."""
        if any(replica.is_up for replica in self.members):
            return 0.0
        return time.monotonic() - max(replica.gone_at for replica in self.members)

    async def _bring_back(self, replica: Replica) -> None:
        look = _FIRST_LOOK_S
        self.report(f"nothing answers at {replica.url} any more; waiting for it")
        while True:
            try:
                replica.url = await asyncio.to_thread(self.revive, replica.url)
            except UnreachableError as error:
                if self._all_away_s > self.endpoint.patience_s:
                    return self.fail(error)
                await asyncio.sleep(look)
                look = min(2 * look, _LONGEST_LOOK_S)
            except Exception as error:  # whatever it is, requests would wait for ever
                return self.fail(error)
            else:
                break
        replica.restarts += 1
        replica.failing_since = math.inf
        if replica.restarts > _MOST_REVIVALS:
            return self.fail(
                EngineError(
                    f"{self.endpoint.model.served_name} at {replica.url} went away "
                    f"{_MOST_REVIVALS + 1} times while this partition was made; see its log. What "
                    "it answered is kept"
                )
            )
        self.report(f"{replica.url} answers again after {time.monotonic() - replica.gone_at:.0f} s")
        # It may have died of as many requests as it had.
        half = max(1, replica.capacity.at_once // 2)
        replica.capacity = Capacity(at_once=half, most=MOST_IN_FLIGHT)
        replica.is_up = True
        return self._wake()

    def _wake(self) -> None:
        room = sum(max(0, r.capacity.at_once - r.in_flight) for r in self.members if r.is_up)
        while self._waiting and room > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1


async def nothing_listens(url: str) -> bool:
    """Whether a connection to a URL is refused; any other trouble with it is no answer to that."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443}.get(parts.scheme, 80)
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except OSError as error:
        return isinstance(error, ConnectionRefusedError)
    writer.close()
    return False
