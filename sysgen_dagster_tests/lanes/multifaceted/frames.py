"""Instructions, and what a model writes of them, for the tests of the second lane's steps."""

import re
from collections.abc import Callable, Iterator
from itertools import count

import polars as pl

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.lanes.multifaceted.tables import INSTRUCTIONS
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS, label_of

Reply = str | dict[str, object]  # a text, or fields of `COMPLETIONS`


def instructions(*texts: str) -> pl.DataFrame:
    """`tables.INSTRUCTIONS` with these texts, none of them dropped."""
    rows = [
        {
            "conversation_id": f"own-{number}-0",
            "source": "own",
            "source_row": number,
            "source_revision": "local:1",
            "position": number,
            "question": text,
            "drop_reason": None,
        }
        for number, text in enumerate(texts)
    ]
    return pl.DataFrame(rows, INSTRUCTIONS.schema, orient="row")


class Model:
    """Answers each request by a function of it; keeps the requests.

    Attributes:
        asked: The requests of each time that it was asked.
    """

    def __init__(self, answer: Callable[[ChatRequest], Reply]) -> None:
        """Answers with what the function gives."""
        self._answer = answer
        self.asked: list[list[ChatRequest]] = []

    def ask(self, requests: Iterator[ChatRequest], total: int) -> pl.DataFrame:
        """The completions, in the order of the requests."""
        asked = list(requests)
        assert len(asked) == total
        self.asked.append(asked)
        return pl.DataFrame(
            [_completion(request, self._answer(request)) for request in asked],
            COMPLETIONS,
            orient="row",
        )


def _completion(request: ChatRequest, reply: Reply) -> dict[str, object]:
    fields = reply if isinstance(reply, dict) else {"text": reply}
    plain = dict.fromkeys(COMPLETIONS, None)
    ended = {"finish_reason": "stop", "attempts": 1, "seed": request.seed}
    return {**plain, "request_id": request.request_id, **ended, **fields}


def in_turn(*replies: Reply) -> Callable[[ChatRequest], Reply]:
    """Answers with one of these after the other, the last one again and again."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def a_set(words: str, **changed: str) -> str:
    """A reply with a sound set, in whose descriptions these words stand.

    Args:
        words: Eight or more, that no other set of the instruction has.
        **changed: Lines in place of others, by the dimension and the part: ``style_preference``.
    """
    lines = []
    for dimension in DIMENSIONS:
        own = dimension.split("_")[0]
        for part, text in (
            ("preference", f"much {own}"),
            ("description", " ".join(f"{word}{own}" for word in words.split())),
        ):
            text = changed.get(f"{dimension}_{part}", text)
            lines.append(f"{label_of(dimension)} {part}: {text}")
    return "\n".join(lines)


def words(number: int, many: int = 10) -> str:
    """So many words that no other number has."""
    return " ".join(f"w{number}x{at}" for at in range(many))


def distinct() -> Callable[[ChatRequest], str]:
    """Answers every request with a sound set of words of its own."""
    numbers = count()
    return lambda _: a_set(words(next(numbers)))


def taking_up(opening: str) -> Callable[[ChatRequest], str]:
    """Answers a request for a message with these words and all descriptions that it shows."""
    shown = re.compile(r"^\[wish \d, \w+\]\n(.*)$", re.MULTILINE)
    return lambda request: f"{opening} {'. '.join(shown.findall(request.messages[-1]['content']))}."
