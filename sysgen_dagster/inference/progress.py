"""How far the requests of a partition are, as a line for a log and as figures for the UI."""

import math
import time
from dataclasses import dataclass

from sysgen_dagster.inference.ledger import Outcome

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


@dataclass(slots=True)
class Progress:
    """The counts of a partition's requests.

    Attributes:
        total: Requests that there are.
        done: Those with an outcome.
        from_ledger: Those whose outcome an earlier run got.
        failed: Those with an outcome and no text.
        sent: Attempts of this run.
        at_once: Requests that may be in flight.
        began: When the servers were connected to, by `time.monotonic`.
    """

    total: int = 0
    done: int = 0
    from_ledger: int = 0
    failed: int = 0
    sent: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    at_once: int = 0
    began: float | None = None

    @property
    def waiting(self) -> int:
        """Requests without an outcome yet."""
        return self.total - self.done

    def begin(self) -> None:
        """Count the time from the first call on: the time in which a model loads is not counted."""
        self.began = self.began or time.monotonic()

    def count(self, outcome: Outcome, is_known: bool = False) -> None:
        """Count one more outcome: what it cost, unless it is known from an earlier run."""
        self.done += 1
        self.failed += outcome.failed_because is not None
        if is_known:
            self.from_ledger += 1
            return
        self.sent += outcome.attempts
        self.prompt_tokens += outcome.prompt_tokens or 0
        self.cached_tokens += outcome.cached_tokens or 0
        self.completion_tokens += outcome.completion_tokens or 0

    def figures(self) -> dict[str, float]:
        """Counts, rates per second and the seconds that are left, by the name shown in the UI."""
        now = time.monotonic()
        elapsed = max(now - (self.began or now), 1e-9)
        rate = (self.done - self.from_ledger) / elapsed
        return {
            "requests": self.total,
            "answered": self.done,
            "known_from_before": self.from_ledger,
            "failed": self.failed,
            "times_sent": self.sent,
            "in_flight_at_most": self.at_once,
            "seconds": round(elapsed, 1),
            "seconds_left": self.waiting / rate if rate else math.inf if self.waiting else 0.0,
            "requests_per_second": rate,
            "prompt_tokens": self.prompt_tokens,
            "prompt_tokens_from_cache": self.cached_tokens,
            "completion_tokens": self.completion_tokens,
            "completion_tokens_per_second": self.completion_tokens / elapsed,
        }

    def __str__(self) -> str:
        """One line for a log."""
        now = self.figures()
        return (
            f"{self.done:,} of {self.total:,} answered ({self.from_ledger:,} known from before, "
            f"{self.failed:,} failed), {speed(now['requests_per_second'])}, "
            f"{now['completion_tokens_per_second']:,.0f} tokens/s, up to {self.at_once:,} at once, "
            f"{time_left(now['seconds_left'])}"
        )


def speed(per_second: float) -> str:
    """Requests in the unit in which their number is not near zero."""
    for unit, seconds in (("s", 1), ("min", _MINUTE_S)):
        if per_second * seconds >= 1 or not per_second:
            return f"{per_second * seconds:,.1f} requests/{unit}"
    return f"{per_second * _HOUR_S:,.1f} requests/h"


def time_left(seconds: float) -> str:
    """How long it takes still, for people; infinite is unknown."""
    if math.isinf(seconds):
        return "time left unknown until the first answer"
    about = "" if seconds < 2 * _MINUTE_S else "about "
    return f"{about}{time_words(seconds)} left"


def time_words(seconds: float) -> str:
    """A time as people say it: 40 s, 12 min, 3.5 h, 2.1 days."""
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:,.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:,.0f} min"
    if seconds < 2 * _DAY_S:
        return f"{seconds / _HOUR_S:,.1f} h"
    return f"{seconds / _DAY_S:,.1f} days"
