"""What the columns of a file may be for: one candidate after the other, the likeliest first.

The order is the decision, where several fit: a chat before two texts, usual names before others,
what was chosen and never what was rejected. Names alone decide nothing: `guessing` reads the rows
by a candidate, to see whether it fits.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from operator import itemgetter
from typing import Literal, NamedTuple

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
from sysgen_dagster.chat.quoting import made_visible
from sysgen_dagster.sources.seen import ListColumn, Seen, plain_name
from sysgen_dagster.sources.shapes import role_of
from sysgen_dagster.sources.speakers import guess_roles

Columns = Mapping[str, Literal["string"] | list[str]]

# Usual names, the likeliest first; in small letters, `_` for a blank or a dash.
_CHATS = (
    *("messages", "conversations", "conversation", "chat", "dialogue", "dialog", "turns"),
    *("items", "data"),
)
_QUESTIONS = (
    *("instruction", "question", "query", "problem", "prompt", "user_prompt", "user", "human"),
    *("task", "request", "instructions", "inputs", "input"),
)
# `turns` of texts may all be a user's.
_CHATS_OF_TEXTS = ("messages", "conversations", "conversation", "dialogue", "dialog", "data")
# An `answer` beside one of those before it is the short result to compare with.
_ANSWERS = (
    *("output", "response", "completion", "solution", "generated_solution", "chosen_response"),
    *("answer", "chosen", "assistant", "reply", "target", "targets", "gpt", "bot", "content"),
)
_INPUTS = ("input", "context")
_WITH_INPUT = ("instruction", "question", "query")  # a `prompt` holds its input already
_SYSTEMS = ("system", "system_prompt", "system_message", "system_instruction")
_THOUGHTS = (
    *("reasoning_content", "reasoning", "thinking", "thought", "thoughts", "reasoning_trace"),
    *("chain_of_thought", "complex_cot", "cot", "think"),
)
REJECTED = ("rejected", "rejected_response")
# Fields of records.
_SPEAKERS = ("role", "from", "speaker", "author", "sender", "who", "user", "name")
_SAID = ("content", "value", "text", "message", "utterance", "body")
RECORD_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
_ROLE_WORDS: tuple[Speaker, ...] = ("user", "assistant")
_MARKS: tuple[Mapping[str, Speaker], ...] = (
    {"### Human:": "user", "### Assistant:": "assistant"},
    {"### Instruction:": "user", "### Response:": "assistant"},
    {"### User:": "user", "### Assistant:": "assistant"},
    {"Human:": "user", "Assistant:": "assistant"},
    {"User:": "user", "Assistant:": "assistant"},
    {"SYSTEM:": "system", "USER:": "user", "ASSISTANT:": "assistant"},
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


def candidates(seen: Seen, asked: Mapping[str, str]) -> Iterator[Candidate]:
    """All that the columns may be for.

    Args:
        seen: The first rows.
        asked: What the user says of them, by the words of `column_words`; the rest is guessed.
    """
    if "messages" in asked:
        yield from _chat(seen, asked, asked["messages"])
    elif "text" in asked:
        yield from _transcripts(seen, asked, asked["text"])
    elif "question" in asked or "answer" in asked or "input" in asked:
        yield from _pairs(seen, asked)
    else:
        asking = _in_order(seen.lists, _QUESTIONS)
        chats = _in_order(seen.lists, _CHATS)
        left_out = {*chats, *asking, *_in_order(seen.lists, REJECTED)}
        for name in [*chats, *(name for name in seen.lists if name not in left_out)]:
            yield from _chat(seen, asked, name)
        yield from _pairs(seen, asked)
        for name in asking:
            yield from _chat(seen, asked, name)
        for name in seen.texts:
            yield from _transcripts(seen, asked, name)


def _in_order(columns: Iterable[str], names: Sequence[str]) -> list[str]:
    """The columns with one of the names, in the order of these."""
    found = [
        (names.index(plain), column) for column in columns if (plain := plain_name(column)) in names
    ]
    return [column for _, column in sorted(found, key=itemgetter(0))]


def _named(column: str) -> str:
    return json.dumps(made_visible(column), ensure_ascii=False)


class _System(NamedTuple):
    """The column with the system messages of the rows, where there is one."""

    shape: Mapping[str, str] = {}
    columns: Columns = {}
    told: str = ""


def _system(seen: Seen, asked: Mapping[str, str]) -> _System:
    name = asked.get("system") or next(iter(_in_order(seen.texts, _SYSTEMS)), None)
    if name is None:
        return _System()
    return _System({"system": name}, {name: "string"}, f", system message in {_named(name)}")


def _chat(seen: Seen, asked: Mapping[str, str], name: str) -> Iterator[Candidate]:
    """What a column of lists may be: turns, exchanges, or texts by turns."""
    column = seen.lists.get(name)
    if column is None:
        return
    if not column.fields:
        if "messages" in asked or plain_name(name) in _CHATS_OF_TEXTS:
            yield _alternating(seen, asked, name)
    elif fields := _spoken_fields(column, asked):
        yield _turns(seen, asked, column, *fields)
    elif fields := _exchange_fields(column, asked):
        yield _exchanges(seen, asked, column, *fields)


def _alternating(seen: Seen, asked: Mapping[str, str], name: str) -> Candidate:
    system = _system(seen, asked)
    return Candidate(
        Alternating(kind="alternating", column=name, **system.shape),
        {name: ["text"], **system.columns},
        {"messages": name, **system.shape},
        f"texts of user and assistant by turns in {_named(name)}{system.told}",
    )


def _turns(
    seen: Seen, asked: Mapping[str, str], column: ListColumn, role: str, content: str
) -> Candidate:
    name, system = column.name, _system(seen, asked)
    roles, unclear, told = _roles(asked, column.speakers(role))
    if (role, content) == ("from", "value"):
        shape = Turns(kind="sharegpt", column=name, roles=roles, **system.shape)
    else:
        shape = Turns(
            kind="messages", column=name, roles=roles, **_odd_fields(role, content), **system.shape
        )
    return Candidate(
        shape,
        {name: _kept_fields(column, role, content), **system.columns},
        {"messages": name, "role": role, "content": content, **_words_of(roles), **system.shape},
        f"chats in {_named(name)} ({role}, {content}){told}{system.told}",
        unclear,
    )


def _odd_fields(role: str, content: str) -> dict[str, str]:
    """The fields of turns that are none of the usual ones, as the catalogue names them."""
    usual = {"role": role, "content": content}
    return {field: name for field, name in usual.items() if field != name}


def _exchanges(
    seen: Seen, asked: Mapping[str, str], column: ListColumn, question: str, answer: str
) -> Candidate:
    name, system = column.name, _system(seen, asked)
    fields = {"input": question, "output": answer}
    odd = {field: said for field, said in fields.items() if field != said}
    return Candidate(
        RecordedExchanges(kind="input_output", column=name, **odd, **system.shape),
        {name: _kept_fields(column, question, answer), **system.columns},
        {"messages": name, "question": question, "answer": answer, **system.shape},
        f"exchanges in {_named(name)} ({question}, {answer}){system.told}",
    )


def _kept_fields(column: ListColumn, *used: str) -> list[str]:
    """The fields that are read, as the file has them: then it needs no conversion."""
    thoughts = {field for field in RECORD_THOUGHTS if any(column.texts(field))}
    return [field for field in column.fields if field in used or field in thoughts]


def _spoken_fields(column: ListColumn, asked: Mapping[str, str]) -> tuple[str, str] | None:
    """The fields with who speaks and what is said; None: the records are no turns."""
    speakers = [asked["role"]] if "role" in asked else _in_order(column.fields, _SPEAKERS)
    contents = [asked["content"]] if "content" in asked else _in_order(column.fields, _SAID)
    if not {*speakers[:1], *contents[:1]} <= set(column.fields):
        return None
    if not speakers:
        both = {Role.USER, Role.ASSISTANT}
        speakers = [f for f in column.fields if both <= set(map(role_of, column.texts(f)))]
    if not contents:
        contents = [f for f in column.fields if f not in speakers and any(column.texts(f))]
        contents = contents if len(contents) == 1 else []
    found = ((role, content) for role, content in product(speakers, contents) if role != content)
    return next(found, None)


def _exchange_fields(column: ListColumn, asked: Mapping[str, str]) -> tuple[str, str] | None:
    questions, answers = (
        [asked[word]] if word in asked else _in_order(column.fields, names)
        for word, names in (("question", _QUESTIONS), ("answer", _ANSWERS))
    )
    found = (
        (question, answer)
        for question, answer in product(questions, answers)
        if question != answer and {question, answer} <= set(column.fields)
    )
    return next(found, None)


def _roles(
    asked: Mapping[str, str], chats: Sequence[Sequence[str]]
) -> tuple[Mapping[str, Speaker], Sequence[str], str]:
    """The roles of odd speakers, the speakers of whom nobody can tell, and what is said of them."""
    roles: Mapping[str, Speaker] | None = asked_roles(asked)
    if not roles:
        roles = guess_roles(chats)
    if roles is None:
        return {}, list(dict.fromkeys(name for chat in chats for name in chat)), ""
    told = "".join(f", {_named(name)} is the {role}" for name, role in roles.items())
    return roles, (), told


def asked_roles(asked: Mapping[str, str]) -> dict[str, Speaker]:
    """The roles of the speakers whom the user names."""
    roles: dict[str, Speaker] = {}
    for role in _ROLE_WORDS:
        for name in asked.get(role, "").split(","):
            if name.strip():
                roles[name.strip()] = role
    return roles


def _words_of(roles: Mapping[str, Speaker]) -> dict[str, str]:
    words = {role: ",".join(n for n, of in roles.items() if of == role) for role in _ROLE_WORDS}
    return {role: names for role, names in words.items() if names}


def _pairs(seen: Seen, asked: Mapping[str, str]) -> Iterator[Candidate]:
    """Two columns, a question and an answer: texts, or turns."""
    said = dict(asked)
    if "question" not in said and "input" in said:
        said["question"] = said.pop("input")
    both = [*seen.texts, *(name for name in seen.lists if name not in seen.texts)]
    questions, answers = (
        [said[word]] if word in said else _in_order(both, names)
        for word, names in (("question", _QUESTIONS), ("answer", _ANSWERS))
    )
    for question, answer in product(questions, answers):
        if question == answer or not {question, answer} <= set(both):
            continue
        if {question, answer} <= set(seen.texts):
            yield _question_answer(seen, said, question, answer)
        else:
            yield from _prompt_completion(seen, said, question, answer)


def _question_answer(seen: Seen, asked: Mapping[str, str], question: str, answer: str) -> Candidate:
    system = _system(seen, asked)
    found = {
        "input": asked.get("input") or _input_of(seen, question, answer),
        "reasoning": asked.get("reasoning") or _thoughts(seen, question, answer),
    }
    more = {field: column for field, column in found.items() if column}
    told = f"question in {_named(question)}"
    if "input" in more:
        told += f", followed by {_named(more['input'])}"
    told += f", answer in {_named(answer)}"
    if "reasoning" in more:
        told += f", thoughts in {_named(more['reasoning'])}"
    words = {"question": question, "answer": answer, **more, **system.shape}
    return Candidate(
        QuestionAnswer(kind="question_answer", **words),
        dict.fromkeys(words.values(), "string"),
        words,
        told + system.told,
    )


def _input_of(seen: Seen, question: str, answer: str) -> str | None:
    if plain_name(question) not in _WITH_INPUT:
        return None
    return next((c for c in _in_order(seen.texts, _INPUTS) if c not in {question, answer}), None)


def _thoughts(seen: Seen, *used: str) -> str | None:
    """The column with thoughts; one of such a name may hold `on` and `off` instead."""
    named = (column for column in _in_order(seen.texts, _THOUGHTS) if column not in used)
    return next(filter(seen.holds_sentences, named), None)


def _prompt_completion(
    seen: Seen, asked: Mapping[str, str], prompt: str, completion: str
) -> Iterator[Candidate]:
    """A chat and its answer; each may be a text, too."""
    system, fields = _system(seen, asked), None
    columns: dict[str, Literal["string"] | list[str]] = {}
    chats: list[list[str]] = []
    for name in (prompt, completion):
        if name in seen.texts and name not in seen.lists:
            columns[name] = "string"
            continue
        here = _spoken_fields(seen.lists[name], asked)
        if here is None or here != (fields or here):
            return
        fields = here
        columns[name] = _kept_fields(seen.lists[name], *fields)
        chats.append([who for chat in seen.lists[name].speakers(fields[0]) for who in chat])
    if fields is None:
        return
    roles, unclear, told = _roles(asked, chats)
    yield Candidate(
        PromptCompletion(
            kind="prompt_completion",
            prompt=prompt,
            completion=completion,
            roles=roles,
            **_odd_fields(*fields),
            **system.shape,
        ),
        {**columns, **system.columns},
        {"question": prompt, "answer": completion, **_words_of(roles), **system.shape},
        f"what comes before the answer in {_named(prompt)}, the answer in {_named(completion)} "
        f"({', '.join(fields)}){told}{system.told}",
        unclear,
    )


def _transcripts(seen: Seen, asked: Mapping[str, str], name: str) -> Iterator[Candidate]:
    """A text that is a chat; each way in which one is written."""
    system = _system(seen, asked)
    for marks in [asked_roles(asked)] if asked_roles(asked) else _MARKS:
        shown = ", ".join(map(_named, marks))
        yield Candidate(
            Transcript(kind="transcript", column=name, roles=marks, **system.shape),
            {name: "string", **system.columns},
            {"text": name, **_words_of(marks), **system.shape},
            f"chats as text in {_named(name)}, by the marks {shown}{system.told}",
        )
