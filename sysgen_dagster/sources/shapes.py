"""Shapes of upstream rows: where in a row its turns are, and who speaks.

A shape turns one row into turns; everything after that is the same for every data set.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sysgen_dagster.chat.messages import Role

Turn = tuple[str, str]  # who speaks, what is said
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
