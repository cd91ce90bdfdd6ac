"""How many requests one server is given at once, found by trying.

More in flight is more throughput until the server is full; after that only the queue grows. So the
limit is doubled while that pays, goes back one step when it does not, and falls when the server
says that it is too much, or answers as if it were.
"""

from dataclasses import dataclass

_SHORTEST_WINDOW_S = 0.5
# A step that brings less than this part of what it adds in flight does not pay.
_LEAST_GAIN = 0.1
_FULL_STEP, _CAREFUL_STEP = 2.0, 1.1  # before and after the server first was overloaded
_BACK_OFF = 0.7
_DOUBTS_TO_GO_BACK = 2  # one window may be chance
_WINDOWS_BEFORE_TRYING_AGAIN = 20


@dataclass(slots=True)
class Capacity:
    """The limit for one server; it is told of every answer, with the time it was given.

    Attributes:
        most: The limit never exceeds it.
        at_once: How many requests may be in flight now.
    """

    at_once: int
    most: int
    _step: float = _FULL_STEP
    _hold: int = 0  # windows until more is tried
    _before: tuple[int, float] | None = None  # limit and answers/s before the step being tried
    _doubts: int = 0  # windows in which that step did not pay
    _changed_at: float = 0.0
    _window_began: float | None = None
    _answers: int = 0
    _was_full: bool = False

    def sent(self, in_flight: int) -> None:
        """A request went out and is one of so many now."""
        self._was_full |= in_flight >= self.at_once

    def answered(self, now: float, sent_at: float) -> None:
        """A request was answered well and in time.

        What was sent before the last change says nothing of the limit since.
        """
        if sent_at < self._changed_at:
            return
        if self._window_began is None:
            self._window_began = now
            return
        self._answers += 1
        elapsed = now - self._window_began
        if self._answers >= self.at_once and elapsed >= _SHORTEST_WINDOW_S:
            rate, was_full = self._answers / elapsed, self._was_full
            self._window_began, self._answers, self._was_full = now, 0, False
            if was_full:  # else there was not enough to do to learn anything
                self._judge(rate, now)

    def overloaded(self, now: float, sent_at: float) -> None:
        """The server refused for now, did not answer in time, or took suspiciously long."""
        if sent_at >= self._changed_at:
            self._step, self._before, self._hold = _CAREFUL_STEP, None, 1
            self._change(max(1, int(self.at_once * _BACK_OFF)), now)

    def _judge(self, rate: float, now: float) -> None:
        if self._hold:
            self._hold -= 1
            return
        if self._before is not None:
            limit, rate_then = self._before
            added = self.at_once / limit - 1
            if rate < rate_then * (1 + _LEAST_GAIN * added):
                self._doubts += 1
                if self._doubts == _DOUBTS_TO_GO_BACK:
                    self._before = None
                    self._hold, self._step = _WINDOWS_BEFORE_TRYING_AGAIN, _CAREFUL_STEP
                    self._change(limit, now)
                return
        self._before = self.at_once, rate
        more = max(self.at_once + 1, int(self.at_once * self._step))
        if self.at_once < self.most:
            self._change(min(self.most, more), now)

    def _change(self, limit: int, now: float) -> None:
        self.at_once, self._changed_at, self._doubts = limit, now, 0
        self._window_began, self._answers, self._was_full = None, 0, False
