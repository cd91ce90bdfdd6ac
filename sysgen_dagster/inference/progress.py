"""How far the requests of a partition are, as a line for a log and as figures for the UI."""

import math
import time
from dataclasses import dataclass

from sysgen_dagster.inference.ledger import Outcome


@dataclass(slots=True)
class Progress:
    """How far the requests of a partition are."""

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
        """Count the time from now, the first time: loading a model is not answering."""
        self.began = self.began or time.monotonic()

    def count(self, outcome: Outcome) -> None:
        """Take one more outcome in."""
        self.done += 1
        self.failed += outcome.failed_because is not None

    def count_sent(self, outcome: Outcome) -> None:
        """Take the cost of an outcome that was asked for now in."""
        self.sent += outcome.attempts
        self.prompt_tokens += outcome.prompt_tokens or 0
        self.cached_tokens += outcome.cached_tokens or 0
        self.completion_tokens += outcome.completion_tokens or 0

    def figures(self) -> dict[str, float]:
        """The same by name: counts, per second, and the seconds that are left."""
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
            f"{self.failed:,} failed), {now['requests_per_second']:,.1f} requests/s, "
            f"{now['completion_tokens_per_second']:,.0f} tokens/s, up to {self.at_once:,} at once, "
            f"{now['seconds_left']:,.0f} s left"
        )
