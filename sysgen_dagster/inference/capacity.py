"""How many requests are in flight on one server at once: a limit that is found by trying.

More requests in flight give more answers a second until the server is full; after that only its
queue grows. So the limit is doubled while that brings more answers a second, goes back one step
when it does not, and falls when the server refuses requests for want of room or does not answer.
"""

from dataclasses import dataclass

_SHORTEST_WINDOW_S = 0.5
# A step pays if the answers a second grow by at least this share of what it adds in flight.
_LEAST_GAIN = 0.1
_FULL_STEP, _CAREFUL_STEP = 2.0, 1.1  # before and after the server was first overloaded
_BACK_OFF = 0.7
_DOUBTS_TO_GO_BACK = 2  # one window without gain may be chance
_WINDOWS_BEFORE_TRYING_AGAIN = 20


@dataclass(slots=True)
class Capacity:
    """The limit for one server; its methods are called at every request and every answer.

    A window is the time in which as many requests were answered as may be in flight, at least half
    a second. Times are those of `time.monotonic`.

    Attributes:
        at_once: How many requests may be in flight now.
        most: The limit never exceeds it.
    """

    at_once: int
    most: int
    _step: float = _FULL_STEP
    _hold: int = 0  # windows until the next step
    _before: tuple[int, float] | None = None  # limit and answers/s before the last step
    _doubts: int = 0  # windows in which the last step did not pay
    _changed_at: float = 0.0
    _window_began: float | None = None
    _answers: int = 0
    _was_full: bool = False

    def sent(self, in_flight: int) -> None:
        """Note that a request was sent, with which `in_flight` are under way."""
        self._was_full |= in_flight >= self.at_once

    def answered(self, now: float, sent_at: float) -> None:
        """Note that a request was answered in time."""
        if sent_at < self._changed_at:  # its answer came under another limit
            return
        if self._window_began is None:
            self._window_began = now
            return
        self._answers += 1
        elapsed = now - self._window_began
        if self._answers >= self.at_once and elapsed >= _SHORTEST_WINDOW_S:
            rate, was_full = self._answers / elapsed, self._was_full
            self._window_began, self._answers, self._was_full = now, 0, False
            if was_full:  # with fewer requests than the limit, the rate does not depend on it
                self._judge(rate, now)

    def raise_to(self, limit: int, now: float) -> None:
        """Let so many be in flight, if that is more than now."""
        if limit > self.at_once:
            self._change(min(limit, self.most), now)

    def overloaded(self, now: float, sent_at: float) -> None:
        """Note that the server refused a request for want of room, or did not answer in time."""
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
