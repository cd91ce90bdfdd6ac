"""Whether refusals of which nothing is known speak of their rows, or of all.

A server that answers others and refuses one request means that one; a server that refuses every
request means our account, our settings or itself. So the row is dropped, until so many are refused
in a row that all are meant, or the contract on refusals is broken anyway.
"""

import math
from collections import Counter
from dataclasses import dataclass, field

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.inference.refusals import UNKNOWN, is_remembered
from sysgen_dagster.inference.replicas import Replica

# Refusals of one server in a row, while nobody was answered in the partition: those of which
# nothing is known, and those that name a filter, which means the row unless it means all.
MOST_UNANSWERED, MOST_FILTERED = 10, 100
# The same once others were answered: such a share of the rows breaks the contract on refusals.
_MOST_AFTER_ANSWERS, _MOST_SHARE = 20, 0.1


@dataclass(slots=True)
class RefusedInARow:
    """The refusals since a server's last answer.

    Attributes:
        progress: Of the partition, also of what was answered in earlier runs.
        counts: By server, then by drop reason.
        unknown: All of which nothing is known.
        last: The last of these.
    """

    progress: Progress
    counts: dict[Replica, Counter[NoAnswer]] = field(default_factory=dict)
    unknown: int = 0
    last: Outcome | None = None

    def note(self, replica: Replica, outcome: Outcome) -> None:
        """Count what a server replied to a request.

        Raises:
            EngineError: It refuses everybody.
        """
        counts = self.counts.setdefault(replica, Counter())
        if is_remembered(outcome):
            counts.clear()
        elif outcome.failed_because in (UNKNOWN.reason, NoAnswer.FILTERED_BY_SERVER):
            reason = NoAnswer(outcome.failed_because)
            if reason is UNKNOWN.reason:
                self.unknown, self.last = self.unknown + 1, outcome
            counts[reason] += 1
            # Those in flight may be answered yet.
            if counts[reason] >= max(self._most(reason), replica.in_flight):
                raise _error(replica.url, counts[reason], outcome)

    def require_an_answer(self, url: str) -> None:
        """Raise an error if all that were sent were refused, and nothing says that rows are meant.

        Args:
            url: Of the servers.

        Raises:
            EngineError: It is so.
        """
        if self.last is not None and not self._somebody_is_answered:
            raise _error(url, self.unknown, self.last)

    @property
    def _somebody_is_answered(self) -> bool:
        return self.progress.done > self.progress.failed

    def _most(self, reason: NoAnswer) -> float:
        if not self._somebody_is_answered:
            return MOST_UNANSWERED if reason is UNKNOWN.reason else MOST_FILTERED
        if reason is UNKNOWN.reason:
            return max(_MOST_AFTER_ANSWERS, _MOST_SHARE * self.progress.total)
        return math.inf


def _error(url: str, count: int, last: Outcome) -> EngineError:
    return EngineError(
        f"{url} has refused {count:,} requests in a row and answered none meanwhile "
        f"({last.failure}): {UNKNOWN.advice}. What was answered before is kept, no refusal is: "
        "materialize this partition again then"
    )
