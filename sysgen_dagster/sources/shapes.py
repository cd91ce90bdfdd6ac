"""Shapes of upstream rows: functions that turn one row into its turns, one function per format.

The catalogue names the shape of each source. `conversations` builds conversations from the turns.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from sysgen_dagster.chat.messages import Role
from sysgen_dagster.chat.reasoning import join_reasoning, split_reasoning

Row = Mapping[str, Any]

# What published data sets call who speaks, in small letters and with `_` for a blank or a dash.
_SPEAKERS = {
    Role.SYSTEM: ("system", "developer"),
    Role.USER: ("user", "human", "prompter"),
    Role.ASSISTANT: (
        "assistant",
        "gpt",
        "chatgpt",
        "ai",
        "bot",
        "chatbot",
        "model",
        "bard",
        "bing",
    ),
}
_ROLES = {name: role for role, names in _SPEAKERS.items() for name in names}
_MODELS = ("gpt_", "gpt3", "gpt4", "gpt5", "chatgpt", "claude")  # such as gpt-4-0613
# Calls of tools and what they gave: no part of a chat of system, user and assistant.
TOOL_ROLES = frozenset(
    {
        *("tool", "tool_call", "tool_calls", "tool_response", "tool_result", "tool_output"),
        *("function", "function_call", "function_response", "function_result", "function_output"),
        *("observation", "ipython"),
    }
)
# The field of a record that says who speaks, by the kind of shape.
SPEAKERS = {"sharegpt": "from", "messages": "role"}
# Fields of a record, beside its text, in which published data sets keep what was thought.
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")


class Turn(NamedTuple):
    """One turn of an upstream row; what an assistant thought before its text stands apart.

    Attributes:
        role: A `Role`, one of `TOOL_ROLES`, or what the row says; None: the turn is malformed.
        text: What was said.
        reasoning: What was thought before it.
        joined: How many more turns of the row are joined in it.
    """

    role: str | None
    text: str | None
    reasoning: str | None = None
    joined: int = 0


_MALFORMED = Turn(None, None)


def _turn(role: str, text: str | None, thoughts: str | None = None) -> Turn:
    if role != Role.ASSISTANT or not text:
        return Turn(role, text)
    said = split_reasoning(text)
    return Turn(role, said.text, join_reasoning([thoughts, said.reasoning]))


def _thoughts(record: Mapping[str, Any]) -> str | None:
    return next((record[name] for name in _THOUGHTS if record.get(name)), None)


def role_of(speaker: str) -> str:
    """The role of who speaks; a name that is none of a role stays as it is."""
    if role := _ROLES.get(speaker):
        return role
    name = speaker.strip().casefold().replace("-", "_").replace(" ", "_")
    if name.startswith(_MODELS):
        return Role.ASSISTANT
    return _ROLES.get(name) or (name if name in TOOL_ROLES else speaker)


def _input_output(row: Row, column: str) -> Iterator[Turn]:
    for exchange in row[column] or []:
        if exchange is None:
            yield _MALFORMED
            continue
        yield _turn(Role.USER, exchange["input"])
        yield _turn(Role.ASSISTANT, exchange["output"], _thoughts(exchange))


def _spoken(row: Row, column: str, speaker: str, text: str) -> Iterator[Turn]:
    for turn in row[column] or []:
        if turn is None or turn[speaker] is None:
            yield _MALFORMED
        else:
            yield _turn(role_of(turn[speaker]), turn[text], _thoughts(turn))


def _sharegpt(row: Row, column: str) -> Iterator[Turn]:
    return _spoken(row, column, SPEAKERS["sharegpt"], "value")


def _messages(row: Row, column: str) -> Iterator[Turn]:
    return _spoken(row, column, SPEAKERS["messages"], "content")


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
