"""How far a server is with what it was sent: the time in its queue is not the time of a request.

Servers begin with requests in the order in which they come. So when a request waits for its answer
while others are answered that were sent before it, the server is not silent, only slow.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_REMEMBERED = 1024  # answers; an older one was long before the turn of any request in flight


@dataclass(slots=True)
class ServerQueue:
    """The answers of one server; times are those of `time.monotonic`.

    Attributes:
        answers: How many there were.
    """

    answers: int = 0
    _times: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def note_answer(self, now: float) -> None:
        """Count an answer."""
        self.answers += 1
        self._times.append(now)

    def turn_of(self, sent_at: float, after: int) -> float:
        """The latest time at which the server can have begun with a request, as far as known now.

        Args:
            sent_at: When the request was sent.
            after: `answers` once everything that was sent before it is answered.
        """
        if not self._times:
            return sent_at
        since_its_turn = max(0, self.answers - after)
        return max(sent_at, self._times[-1 - min(since_its_turn, len(self._times) - 1)])


@asynccontextmanager
async def within(seconds: float, since: Callable[[], float]) -> AsyncIterator[None]:
    """Ends what is in the context so many seconds after `since`, which may move on meanwhile.

    Args:
        seconds: How long it may take.
        since: Asked each time when the seconds seem to have passed.

    Raises:
        TimeoutError: They have passed.
    """
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle
    async with asyncio.timeout(None) as limit:

        def look() -> None:
            nonlocal timer
            due = since() + seconds
            if due > loop.time():
                timer = loop.call_at(due, look)
            else:
                limit.reschedule(loop.time())

        timer = loop.call_at(since() + seconds, look)
        try:
            yield
        finally:
            timer.cancel()
