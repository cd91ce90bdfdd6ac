"""Columns of lists as what they may be: turns, exchanges, or texts of two by turns."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from sysgen_dagster.catalog.sources import Alternating, RecordedExchanges, Speaker, Turns
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.sources.candidates import (
    ANSWERS,
    CHATS,
    CHATS_OF_TEXTS,
    QUESTIONS,
    SAID,
    SPEAKERS,
    WRAPPERS,
    Candidate,
    candidate,
    in_order,
    shown,
    system_of,
)
from sysgen_dagster.sources.seen import ListColumn, Seen
from sysgen_dagster.sources.shapes import TOOL_ROLES, plain_name, role_of
from sysgen_dagster.sources.speakers import guess_roles


def chats(seen: Seen, asked: Mapping[str, str], name: str) -> Iterator[Candidate]:
    """What a column of lists may be."""
    column, is_asked = seen.lists.get(name), "messages" in asked
    if column is None:
        return
    if not column.fields:
        if is_asked or plain_name(name) in CHATS_OF_TEXTS:
            yield _alternating(seen, asked, name)
    elif fields := spoken_fields(column, asked):
        yield _turns(seen, asked, column, *fields)
    elif (
        (fields := _exchange_fields(column, asked))
        and (
            # Elsewhere, beside a column with a question, exchanges may be examples of it.
            is_asked or plain_name(name) in CHATS or not in_order(seen.texts, QUESTIONS)
        )
        and not (len(seen.rows) == 1 and plain_name(name) in WRAPPERS and not is_asked)
    ):
        yield _exchanges(seen, asked, column, *fields)


def _alternating(seen: Seen, asked: Mapping[str, str], name: str) -> Candidate:
    shape = Alternating(kind="alternating", column=name, system=system_of(seen, asked))
    told = f"texts of user and assistant by turns in {shown(name)}"
    return candidate(seen, shape, {"messages": name}, told)


def _turns(
    seen: Seen, asked: Mapping[str, str], column: ListColumn, role: str, content: str
) -> Candidate:
    name = column.name
    roles, unclear, told = roles_of(asked, column.speakers(role))
    is_usual = (role, content) == ("from", "value")
    shape = Turns(
        kind="sharegpt" if is_usual else "messages",
        column=name,
        roles=roles,
        system=system_of(seen, asked),
        **({} if is_usual else odd_fields(role=role, content=content)),
    )
    words = {"messages": name, "role": role, "content": content, **words_of(roles)}
    told = f"chats in {shown(name)} ({role}, {content}){told}"
    return candidate(seen, shape, words, told, unclear)


def odd_fields(**fields: str) -> dict[str, str]:
    """The fields of records that have another name than the catalogue's."""
    return {field: name for field, name in fields.items() if field != name}


def _exchanges(
    seen: Seen, asked: Mapping[str, str], column: ListColumn, question: str, answer: str
) -> Candidate:
    name, system = column.name, system_of(seen, asked)
    odd = odd_fields(input=question, output=answer)
    shape = RecordedExchanges(kind="input_output", column=name, system=system, **odd)
    words = {"messages": name, "question": question, "answer": answer}
    return candidate(seen, shape, words, f"exchanges in {shown(name)} ({question}, {answer})")


def is_prompt(column: ListColumn, role: str) -> bool:
    """Whether most of the chats end with who asks, so that their answer stands elsewhere."""
    ends = [chat[-1] for chat in column.speakers(role) if chat]
    return 2 * sum(role_of(name) == Role.USER for name in ends) > len(ends)


def spoken_fields(column: ListColumn, asked: Mapping[str, str]) -> tuple[str, str] | None:
    """The fields with who speaks and what is said; None: the records are no turns."""
    speakers = [asked["role"]] if "role" in asked else in_order(column.fields, SPEAKERS)
    contents = [asked["content"]] if "content" in asked else in_order(column.fields, SAID)
    if not {*speakers[:1], *contents[:1]} <= set(column.fields):
        return None
    if not (speakers and contents):
        both = {Role.USER, Role.ASSISTANT}
        known = [f for f in column.fields if both <= set(map(role_of, column.texts(f)))]
        speakers = speakers if "role" in asked else known
    if not contents:
        contents = [f for f in column.fields if f not in speakers and any(column.texts(f))]
        contents = contents if len(contents) == 1 else []
    found = ((role, content) for role, content in product(speakers, contents) if role != content)
    return next(found, None)


def _exchange_fields(column: ListColumn, asked: Mapping[str, str]) -> tuple[str, str] | None:
    given = {"question": asked.get("question") or asked.get("input"), "answer": asked.get("answer")}
    questions, answers = (
        [name] if (name := given[word]) else in_order(column.fields, names)
        for word, names in (("question", QUESTIONS), ("answer", ANSWERS))
    )
    found = (
        (question, answer)
        for question, answer in product(questions, answers)
        if question != answer and {question, answer} <= set(column.fields)
    )
    return next(found, None)


def roles_of(
    asked: Mapping[str, str], speakers: Sequence[Sequence[str]]
) -> tuple[Mapping[str, Speaker], Sequence[str], str]:
    """The roles of odd speakers, the speakers of whom nobody can tell, and what is said of them."""
    given = asked_roles(asked)
    guessed = guess_roles(speakers, given)
    if guessed is None and not given:
        names = dict.fromkeys(name for chat in speakers for name in chat)
        return {}, [name for name in names if role_of(name) not in {*Role, *TOOL_ROLES}], ""
    roles = {**given, **(guessed or {})}
    told = "".join(f", {shown(name)} is the {role}" for name, role in roles.items())
    return roles, (), told


def asked_roles(asked: Mapping[str, str]) -> dict[str, Speaker]:
    """The roles of the speakers whom the user names."""
    return {
        name.strip(): role
        for role in ("user", "assistant")
        for name in asked.get(role, "").split(",")
        if name.strip()
    }


def words_of(roles: Mapping[str, Speaker]) -> dict[str, str]:
    """The words that say these roles; nothing says a system's."""
    words = {
        role: ",".join(name for name, of in roles.items() if of == role)
        for role in ("user", "assistant")
    }
    return {role: names for role, names in words.items() if names}
