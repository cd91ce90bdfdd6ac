"""Shapes of upstream rows: functions that turn one row into its turns, one function per format.

The catalogue names the shape of each source. `conversations` builds conversations from the turns.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sysgen_dagster.chat.messages import Role

Turn = tuple[str, str]  # role, text
Row = Mapping[str, Any]

_SHAREGPT_ROLES = {"system": Role.SYSTEM, "human": Role.USER, "gpt": Role.ASSISTANT}


def _input_output(row: Row, column: str) -> Iterator[Turn]:
    for exchange in row[column] or []:
        yield Role.USER, exchange["input"]
        yield Role.ASSISTANT, exchange["output"]


def _sharegpt(row: Row, column: str) -> Iterator[Turn]:
    for turn in row[column] or []:
        yield _SHAREGPT_ROLES.get(turn["from"], turn["from"]), turn["value"]


def _messages(row: Row, column: str) -> Iterator[Turn]:
    for turn in row[column] or []:
        yield turn["role"], turn["content"]


def _question_answer(row: Row, question: str, answer: str) -> Iterator[Turn]:
    yield Role.USER, row[question]
    yield Role.ASSISTANT, row[answer]


SHAPES: Mapping[str, Callable[..., Iterator[Turn]]] = {
    "input_output": _input_output,
    "sharegpt": _sharegpt,
    "messages": _messages,
    "question_answer": _question_answer,
}
