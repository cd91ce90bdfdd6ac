"""What a column may be for: usual names, and what a candidate says.

The order of the names is the decision, where several fit: usual names before others, what was
chosen and never what was rejected. Names alone decide nothing: `guessing` reads the rows by a
candidate, to see whether it fits.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Literal, NamedTuple

from sysgen_dagster.catalog.sources import Columns, Shape, Speaker
from sysgen_dagster.chat.quoting import made_visible
from sysgen_dagster.sources.seen import Seen
from sysgen_dagster.sources.shapes import plain_name

# Usual names, the likeliest first; in small letters, `_` for a blank or a dash.
CHATS = (
    *("messages", "conversations", "conversation", "chat", "dialogue", "dialog", "turns"),
    *("items", "data"),
)
QUESTIONS = (
    *("instruction", "question", "query", "problem", "prompt", "user_prompt", "user", "human"),
    *("task", "request", "instructions", "inputs", "input", "q"),
    *("user_message", "input_text", "question_text"),
)
# `turns` of texts may all be a user's.
# Where files of one object keep all their rows: there it is no chat.
WRAPPERS = ("data", "items", "rows", "examples", "entries", "records", "train")
CHATS_OF_TEXTS = ("messages", "conversations", "conversation", "dialogue", "dialog", "data")
# An `answer` beside one of those before it is the short result to compare with.
ANSWERS = (
    *("output", "response", "completion", "solution", "generated_solution", "chosen_response"),
    *("answer", "chosen", "assistant", "reply", "target", "targets", "gpt", "bot", "content"),
    *("answers", "a", "assistant_response", "assistant_message", "output_text", "answer_text"),
)
INPUTS = ("input", "context")
WITH_INPUT = ("instruction", "question", "query")  # a `prompt` holds its input already
SYSTEMS = ("system", "system_prompt", "system_message", "system_instruction")
THOUGHTS = (
    *("reasoning_content", "reasoning", "thinking", "thought", "thoughts", "reasoning_trace"),
    *("chain_of_thought", "complex_cot", "cot", "think"),
)
REJECTED = ("rejected", "rejected_response")
HISTORIES = ("history",)  # earlier exchanges beside a question, as pairs of texts
# Fields of records.
SPEAKERS = ("role", "from", "speaker", "author", "sender", "who", "user", "name")
SAID = ("content", "value", "text", "message", "utterance", "body")
ROLES: tuple[Speaker, ...] = ("system", "user", "assistant")
# Who speaks in a chat that is one text.
MARKS: tuple[Mapping[str, Speaker], ...] = (
    {"### Human:": "user", "### Assistant:": "assistant"},
    {"### Instruction:": "user", "### Response:": "assistant"},
    {"### User:": "user", "### Assistant:": "assistant"},
    {"Human:": "user", "Assistant:": "assistant"},
    {"User:": "user", "Assistant:": "assistant"},
    {"SYSTEM:": "system", "USER:": "user", "ASSISTANT:": "assistant"},
    {f"<|im_start|>{role}": role for role in ROLES},
    {f"<|start_header_id|>{role}<|end_header_id|>": role for role in ROLES},
    {"<start_of_turn>user": "user", "<start_of_turn>model": "assistant"},
    {"[INST]": "user", "[/INST]": "assistant", "<<SYS>>": "system", "<</SYS>>": "user"},
    {"[INST]": "user", "[/INST]": "assistant"},
    {"Human:": "user", "AI:": "assistant"},
    {"Question:": "user", "Answer:": "assistant"},
    {"Q:": "user", "A:": "assistant"},
)


class Candidate(NamedTuple):
    """What the columns may be for.

    Attributes:
        shape: For the catalogue.
        columns: Those that the shape uses, for the catalogue.
        words: What ``--columns`` would say of it.
        told: The same for a reader.
        unclear: Names of speakers of whom nobody can tell who asks; the candidate fits no row.
    """

    shape: Shape
    columns: Columns
    words: Mapping[str, str]
    told: str
    unclear: Sequence[str] = ()


def in_order(columns: Iterable[str], names: Sequence[str]) -> list[str]:
    """The columns with one of the names, in the order of these."""
    found = [
        (names.index(plain), column) for column in columns if (plain := plain_name(column)) in names
    ]
    return [column for _, column in sorted(found, key=itemgetter(0))]


def shown(column: str) -> str:
    """A name in quotes, such that printing it does nothing."""
    return json.dumps(made_visible(column), ensure_ascii=False)


def system_of(seen: Seen, asked: Mapping[str, str]) -> str | None:
    """The column of system messages that the user names, or the one with a usual name."""
    return asked.get("system") or next(iter(in_order(seen.texts, SYSTEMS)), None)


def candidate(
    seen: Seen, shape: Shape, words: Mapping[str, str], told: str, unclear: Sequence[str] = ()
) -> Candidate:
    """A shape with the columns it reads; its system messages are told, too.

    Of lists the fields are those of the file, in its order: then it needs no conversion.
    """
    lists = {name for field in shape.of_records if (name := getattr(shape, field)) in seen.lists}
    columns: dict[str, Literal["string"] | list[str]] = {}
    for name in shape.columns:
        columns[name] = seen.lists[name].kept(shape.record_fields) if name in lists else "string"
    if shape.system is None:
        return Candidate(shape, columns, words, told, unclear)
    told += f", system message in {shown(shape.system)}"
    return Candidate(shape, columns, {**words, "system": shape.system}, told, unclear)
