"""A request whose verdicts are wanted with their probabilities, and what is read of a reply."""

import json
from dataclasses import replace

from sysgen_dagster.chat.messages import ChatRequest, Role, Sampling
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.replies import read_reply
from sysgen_dagster_tests.inference.batches import message

VERDICTS = ("Good", "Bad", "None")
REQUEST = ChatRequest(
    "capybara-1", [message(Role.USER, "Why is the sea salty?")], Sampling(0.7, 512), seed=7
)
JUDGING = replace(REQUEST, choices=VERDICTS)


def read(
    body: object, request: ChatRequest = JUDGING, status: int = 200, **headers: str
) -> Outcome:
    """The outcome in a body, which is sent as JSON unless it is bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_reply(status, headers, raw, request, attempt=1)
