"""Shapes of upstream rows: one row becomes its turns, by one function per format.

The catalogue names the shape of each source. `conversations` builds conversations from the turns.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sysgen_dagster.catalog.sources import (
    Alternating,
    PromptCompletion,
    QuestionAnswer,
    RecordedExchanges,
    Shape,
    Speaker,
    Transcript,
    Turns,
)
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.chat.reasoning import join_reasoning, split_reasoning
from sysgen_dagster.chat.visible import is_blank

Row = Mapping[str, Any]

# What published data sets call who speaks, in small letters and with `_` for a blank or a dash.
_SPEAKERS = {
    Role.SYSTEM: ("system", "developer"),
    Role.USER: ("user", "human", "prompter"),
    Role.ASSISTANT: (
        *("assistant", "gpt", "chatgpt", "ai", "bot", "chatbot", "model", "bard", "bing"),
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
# Fields of a record, beside its text, in which published data sets keep what was thought.
THOUGHTS = ("reasoning_content", "reasoning", "thinking")


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
    return next((record[name] for name in THOUGHTS if record.get(name)), None)


def role_of(speaker: str, roles: Mapping[str, Speaker] = MappingProxyType({})) -> str:
    """The role of who speaks; a name that is none of a role stays as it is.

    Args:
        speaker: What the row calls who speaks.
        roles: Those of names that the catalogue knows; they come before the usual ones.
    """
    given = {plain_name(each): role for each, role in roles.items()}
    if given and (said := given.get(plain_name(speaker))):
        return Role(said)
    if role := _ROLES.get(speaker):
        return role
    name = plain_name(speaker)
    if name.startswith(_MODELS):
        return Role.ASSISTANT
    return _ROLES.get(name) or (name if name in TOOL_ROLES else speaker)


def plain_name(name: str) -> str:
    """A name without what writers of names differ in."""
    return name.strip().casefold().replace("-", "_").replace(" ", "_")


def read_turns(row: Row, shape: Shape) -> list[Turn]:
    """The turns of a row.

    What the row's column of system messages holds comes first, unless the chat itself says it.
    """
    turns = list(_READERS[shape.kind](row, shape))
    system = row[shape.system] if shape.system else None
    if system and isinstance(shape, Transcript):  # Glaive writes the mark there, too
        system = _marks(tuple(shape.roles)).sub("", system).strip()
    if system is None or is_blank(system) or Turn(Role.SYSTEM, system) in turns:
        return turns
    return [Turn(Role.SYSTEM, system), *turns]


def _input_output(row: Row, shape: RecordedExchanges) -> Iterator[Turn]:
    question, answer = shape.record_fields
    for exchange in row[shape.column] or []:
        if exchange is None:
            yield _MALFORMED
            continue
        yield _turn(Role.USER, exchange[question])
        yield _turn(Role.ASSISTANT, exchange[answer], _thoughts(exchange))


def _turns(row: Row, shape: Turns) -> Iterator[Turn]:
    return _spoken(row[shape.column], shape)


def _spoken(records: Any, shape: Turns | PromptCompletion) -> Iterator[Turn]:
    speaker, text = shape.record_fields
    for record in records or []:
        if record is None or record[speaker] is None:
            yield _MALFORMED
        else:
            yield _turn(role_of(record[speaker], shape.roles), record[text], _thoughts(record))


def _prompt_completion(row: Row, shape: PromptCompletion) -> Iterator[Turn]:
    for role, column in ((Role.USER, shape.prompt), (Role.ASSISTANT, shape.completion)):
        if isinstance(row[column], str):
            yield _turn(role, row[column])
        else:
            yield from _spoken(row[column], shape)


def _alternating(row: Row, shape: Alternating) -> Iterator[Turn]:
    (text,) = shape.record_fields
    for at, record in enumerate(row[shape.column] or []):
        if record is None:
            yield _MALFORMED
        else:
            yield _turn(Role.ASSISTANT if at % 2 else Role.USER, record[text])


def _transcript(row: Row, shape: Transcript) -> Iterator[Turn]:
    said = row[shape.column]
    if is_blank(said):
        return
    # What templates of chat models write around a turn is no part of it.
    before, *parts = _marks(tuple(shape.roles)).split(said)
    if not is_blank(before := _MARKS_AROUND.sub("", before)):
        yield Turn(Role.SYSTEM, before.strip())
    for mark, text in zip(parts[::2], parts[1::2], strict=True):
        yield _turn(shape.roles[mark], _MARKS_AROUND.sub("", text).strip())


_MARKS_AROUND = re.compile(
    r"(\s*(<\|(im_end|endoftext|eot_id|begin_of_text|end_of_text)\|>|</?s>|<(bos|eos|end_of_turn)>))+\s*$"
)


@cache
def _marks(marks: tuple[str, ...]) -> re.Pattern[str]:
    """Where somebody begins to speak: at a mark, which begins a line if it begins with a word."""
    longest_first = sorted(marks, key=len, reverse=True)
    return re.compile(
        rf"(?:^[ \t]*|(?!\w))({'|'.join(map(re.escape, longest_first))})", re.MULTILINE
    )


def _question_answer(row: Row, shape: QuestionAnswer) -> Iterator[Turn]:
    question, about = row[shape.question], row[shape.input] if shape.input else None
    if question is not None and about is not None and not is_blank(about):
        question = f"{question}\n\n{about}"
    yield _turn(Role.USER, question)
    yield _turn(
        Role.ASSISTANT, row[shape.answer], row[shape.reasoning] if shape.reasoning else None
    )


_READERS: Mapping[str, Callable[..., Iterator[Turn]]] = {
    "input_output": _input_output,
    "sharegpt": _turns,
    "messages": _turns,
    "alternating": _alternating,
    "transcript": _transcript,
    "prompt_completion": _prompt_completion,
    "question_answer": _question_answer,
}
