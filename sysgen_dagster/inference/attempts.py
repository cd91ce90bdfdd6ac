"""What has been tried to get the outcome of one request."""

import math
from collections import Counter
from dataclasses import dataclass, field

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference.fitting import Fit
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.replicas import Replica


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a request.

    Attributes:
        replica: To which server.
        restarts: How often that had restarted before.
        sent_at: When.
        after: Answers of the server until its turn comes.
    """

    replica: Replica
    restarts: int
    sent_at: float
    after: int

    def turn(self) -> float:
        """When the server could begin with it: the time in its queue is not counted."""
        return self.replica.queue.turn_of(self.sent_at, self.after)


@dataclass(slots=True)
class Attempts:
    """A request, as it is to be sent, and its attempts so far.

    Attributes:
        sent: How many there were.
        failed: Those that failed: the server, how often it had restarted before, and whether the
            request may be the cause.
        by_url: How many each server got.
        busy_since: When a server first had no room.
        began: When the first was sent.
        is_tight: Whether the server found no room for the prompt and all thoughts that are allowed.
        spent_s: What they took, and the pauses between them, without the time in queues.
    """

    request: ChatRequest
    fit: Fit
    sent: int = 0
    failed: list[tuple[Replica, int, bool]] = field(default_factory=list)
    by_url: Counter[str] = field(default_factory=Counter)
    busy_since: float | None = None
    began: float = math.inf
    is_tight: bool = False
    spent_s: float = 0.0

    @property
    def failures(self) -> int:
        """Failures at servers that have not died since: the request may be the cause of these."""
        return sum(not replica.has_died_since(restarts) for replica, restarts, _ in self.failed)

    @property
    def suspected_at(self) -> set[tuple[Replica, int]]:
        """The servers, each between two restarts, that may have failed because of the request."""
        return {(replica, restarts) for replica, restarts, is_cause in self.failed if is_cause}

    @property
    def deaths(self) -> int:
        """How often a server died of this request, or of another one at the same time."""
        return sum(replica.has_died_since(restarts) for replica, restarts in self.suspected_at)

    def without_text(self, reason: NoAnswer, failure: str) -> Outcome:
        """The outcome without a text."""
        return Outcome(attempts=self.sent, failed_because=reason, failure=failure)
