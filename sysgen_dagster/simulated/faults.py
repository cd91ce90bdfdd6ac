"""The ways in which a simulated server fails, and which request meets one: on demand or by rate."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.simulated.request_error import RequestError


class Fault(StrEnum):
    """A way to fail; the last three are poor answers in sound responses."""

    INTERNAL_ERROR = "500"
    UNAVAILABLE = "503"
    TOO_MANY_REQUESTS = "429"
    TIMEOUT = "timeout"  # never answers
    DISCONNECT = "disconnect"  # closes the connection
    TRUNCATED_JSON = "truncated_json"
    NO_CHOICES = "no_choices"
    HTML = "html"  # a page instead of JSON, as a proxy sends it
    WRONG_TYPE = "wrong_type"  # JSON of another shape that calls itself plain text
    EMPTY = "empty"
    LENGTH = "length"
    REFUSAL = "refusal"


_MARK = re.compile(r"\[\[simulate: ?(\w+)\]\]")


def find_asked_fault(messages: Sequence[ChatMessage]) -> Fault | None:
    """The fault that a `[[simulate: KIND]]` in the last user message asks for."""
    last = next((m["content"] for m in reversed(messages) if m["role"] == Role.USER), "")
    mark = _MARK.search(last)
    if mark is None:
        return None
    try:
        return Fault(mark[1])
    except ValueError as error:
        kinds = ", ".join(Fault)
        raise RequestError(f"Unknown fault {mark[1]}: use one of {kinds}.") from error


class FaultDraw:
    """Faults by rate: the n-th attempt at a request meets the same fault on every server."""

    def __init__(self, rates: Mapping[Fault, float]) -> None:
        """Take the share of requests that meet each fault; `ValueError` if they exceed 1 in all."""
        # Not `rate < 0`, which does not hold for what is no number either.
        if not (all(rate >= 0 for rate in rates.values()) and sum(rates.values()) <= 1):
            raise ValueError(f"fault rates must not be negative nor exceed 1 together: {rates}")
        self._rates = dict(sorted(rates.items()))
        self._failures: dict[int, int] = {}  # only of requests that have not succeeded yet

    def draw(self, digest: int) -> Fault | None:
        """The fault that this attempt at the request meets, if any."""
        if not self._rates:
            return None
        attempt = self._failures.get(digest, 0)
        key = f"{digest}/{attempt}".encode()
        drawn = int.from_bytes(hashlib.blake2b(key, digest_size=6).digest()) / 2**48  # in [0, 1)
        for fault, rate in self._rates.items():
            if drawn < rate:
                self._failures[digest] = attempt + 1
                return fault
            drawn -= rate
        self._failures.pop(digest, None)
        return None
