"""Shapes of upstream rows: functions that turn one row into its turns, one function per format.

The catalogue names the shape of each source. `conversations` builds conversations from the turns.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from sysgen_dagster.chat.messages import Role
from sysgen_dagster.chat.reasoning import join_reasoning, split_reasoning

Row = Mapping[str, Any]

_SHAREGPT_ROLES = {"system": Role.SYSTEM, "human": Role.USER, "gpt": Role.ASSISTANT}
# Fields of a record, beside its text, in which published data sets keep what was thought.
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")


class Turn(NamedTuple):
    """One turn of an upstream row; what an assistant thought before its text stands apart."""

    role: str
    text: str | None
    reasoning: str | None = None


def _turn(role: str, text: str | None, thoughts: str | None = None) -> Turn:
    if role != Role.ASSISTANT or not text:
        return Turn(role, text)
    said = split_reasoning(text)
    return Turn(role, said.text, join_reasoning([thoughts, said.reasoning]))


def _thoughts(record: Mapping[str, Any]) -> str | None:
    return next((record[name] for name in _THOUGHTS if record.get(name)), None)


def _input_output(row: Row, column: str) -> Iterator[Turn]:
    for exchange in row[column] or []:
        yield _turn(Role.USER, exchange["input"])
        yield _turn(Role.ASSISTANT, exchange["output"], _thoughts(exchange))


def _sharegpt(row: Row, column: str) -> Iterator[Turn]:
    for turn in row[column] or []:
        role = _SHAREGPT_ROLES.get(turn["from"], turn["from"])
        yield _turn(role, turn["value"], _thoughts(turn))


def _messages(row: Row, column: str) -> Iterator[Turn]:
    for turn in row[column] or []:
        yield _turn(turn["role"], turn["content"], _thoughts(turn))


def _question_answer(
    row: Row, question: str, answer: str, reasoning: str | None = None
) -> Iterator[Turn]:
    yield _turn(Role.USER, row[question])
    yield _turn(Role.ASSISTANT, row[answer], row[reasoning] if reasoning else None)


SHAPES: Mapping[str, Callable[..., Iterator[Turn]]] = {
    "input_output": _input_output,
    "sharegpt": _sharegpt,
    "messages": _messages,
    "question_answer": _question_answer,
}
