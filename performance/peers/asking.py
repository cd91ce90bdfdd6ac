"""What the trials of all tools have in common: their arguments, and how answers are handed over.

Each ``ask_NAME.py`` asks for every row of a file once and keeps the answers as its tool keeps them,
in a folder that an earlier, killed life of the same trial may have left. With ``--answers FILE`` it
asks nothing and copies what the tool has kept into JSON lines of `Answer`. Only the standard
library is needed: this runs in the environment of each tool.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypedDict

MODEL = "zero-cost"  # of `zero_cost_server.py`
TEMPERATURE, MAX_TOKENS = 0.7, 512  # Phase 1's
API_KEY = "none"  # several tools want one


class Answer(NamedTuple):
    """What a tool has kept of a row: the text, or None and why, where it says why."""

    row: str
    text: str | None
    reason: str | None = None


class Message(TypedDict):
    """A turn of a chat, as OpenAI-compatible servers take it."""

    role: str
    content: str


class Row(TypedDict):
    """One request: its row, such as ``row-000000123``, a system and a user message."""

    row: str
    messages: list[Message]


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial's arguments.

    Attributes:
        url: Of the server, with ``/v1``.
        rows: JSON lines of `Row`.
        folder: Where everything is kept; may hold what an earlier life left.
        in_flight: Requests at the same time.
    """

    url: str
    rows: Path
    folder: Path
    in_flight: int

    def read_rows(self) -> Iterator[Row]:
        """The rows in their order, read one by one."""
        with self.rows.open() as lines:
            yield from map(json.loads, lines)


def run(
    ask: Callable[[Trial], None],
    answers: Callable[[Trial], Iterable[Answer]],
    prepare: Callable[[Trial], None] | None = None,
) -> None:
    """Do what the command line says: `ask`, `prepare`, or write down the `answers` that are kept.

    A trial's folder is prepared once, outside of what is measured.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--in-flight", type=int, required=True)
    parser.add_argument("--answers", type=Path, help="written instead of asking")
    parser.add_argument("--prepare", action="store_true", help="instead of asking")
    arguments = vars(parser.parse_args())
    target: Path | None = arguments.pop("answers")
    prepares: bool = arguments.pop("prepare")
    trial = Trial(**arguments)
    if prepares:
        assert prepare is not None
        prepare(trial)
        return
    if target is None:
        ask(trial)
        return
    with target.open("w") as file:
        for answer in answers(trial):
            file.write(json.dumps(answer._asdict()) + "\n")
