"""Two columns as a question and its answer, and one text that is a whole chat."""

from collections.abc import Iterator, Mapping
from itertools import product

from sysgen_dagster.catalog.sources import PromptCompletion, QuestionAnswer, Transcript
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.sources.candidates import (
    ANSWERS,
    INPUTS,
    MARKS,
    QUESTIONS,
    THOUGHTS,
    WITH_INPUT,
    Candidate,
    candidate,
    in_order,
    shown,
    system_of,
)
from sysgen_dagster.sources.chat_columns import (
    asked_roles,
    is_prompt,
    odd_fields,
    roles_of,
    spoken_fields,
    words_of,
)
from sysgen_dagster.sources.seen import Seen
from sysgen_dagster.sources.shapes import plain_name, role_of


def pairs(seen: Seen, asked: Mapping[str, str]) -> Iterator[Candidate]:
    """Two columns, a question and an answer: texts, or turns."""
    said = dict(asked)
    if "question" not in said and "input" in said:
        said["question"] = said.pop("input")
    texts = {*seen.texts, *said.values()}  # what the user names is read, whatever it holds so far
    questions, answers = (
        [said[word]] if word in said else in_order(seen.columns, names)
        for word, names in (("question", QUESTIONS), ("answer", ANSWERS))
    )
    for question, answer in product(questions, answers):
        if question != answer and {question, answer} <= {*texts, *seen.lists}:
            yield from _prompt_completion(seen, said, question, answer)
            if {question, answer} <= texts:
                yield _question_answer(seen, said, question, answer)


def _question_answer(seen: Seen, asked: Mapping[str, str], question: str, answer: str) -> Candidate:
    found = {
        "input": asked.get("input") or _input_of(seen, question, answer),
        "reasoning": asked.get("reasoning") or _thoughts(seen, question, answer),
    }
    more = {field: column for field, column in found.items() if column}
    told = f"question in {shown(question)}"
    if "input" in more:
        told += f", followed by {shown(more['input'])}"
    told += f", answer in {shown(answer)}"
    if "reasoning" in more:
        told += f", thoughts in {shown(more['reasoning'])}"
    words = {"question": question, "answer": answer, **more}
    shape = QuestionAnswer(kind="question_answer", system=system_of(seen, asked), **words)
    return candidate(seen, shape, words, told)


def _input_of(seen: Seen, question: str, answer: str) -> str | None:
    if plain_name(question) not in WITH_INPUT:
        return None
    return next((c for c in in_order(seen.texts, INPUTS) if c not in {question, answer}), None)


def _thoughts(seen: Seen, *used: str) -> str | None:
    """The column with thoughts; one of such a name may hold `on` and `off` instead."""
    named = (column for column in in_order(seen.texts, THOUGHTS) if column not in used)
    return next(filter(seen.holds_sentences, named), None)


def prompts(seen: Seen, asked: Mapping[str, str]) -> Iterator[Candidate]:
    """Columns of chats that want an answer, each with the answers that stand beside it."""
    for name, column in seen.lists.items():
        fields = spoken_fields(column, asked)
        if fields and is_prompt(column, fields[0]):
            for answer in in_order(seen.columns, ANSWERS):
                if answer != name:
                    yield from _prompt_completion(seen, asked, name, answer)


def _prompt_completion(
    seen: Seen, asked: Mapping[str, str], prompt: str, completion: str
) -> Iterator[Candidate]:
    """What comes before an answer, and the answer; at least one of them as turns."""
    lists = [seen.lists[name] for name in (prompt, completion) if name in seen.lists]
    fields = {spoken_fields(column, asked) for column in lists}
    if len(fields) != 1 or (found := fields.pop()) is None:
        return
    role, content = found
    begins = [chat[0] for column in lists[-1:] for chat in column.speakers(role) if chat]
    if completion in seen.lists and any(role_of(name) == Role.USER for name in begins):
        return  # a whole chat, which holds its question
    roles, unclear, told = roles_of(asked, [chat for each in lists for chat in each.speakers(role)])
    shape = PromptCompletion(
        kind="prompt_completion",
        prompt=prompt,
        completion=completion,
        roles=roles,
        system=system_of(seen, asked),
        **odd_fields(role=role, content=content),
    )
    words = {"question": prompt, "answer": completion, **words_of(roles)}
    told = f"the answer in {shown(completion)} ({role}, {content}){told}"
    told = f"what comes before the answer in {shown(prompt)}, {told}"
    yield candidate(seen, shape, words, told, unclear)


def transcripts(seen: Seen, asked: Mapping[str, str], name: str) -> Iterator[Candidate]:
    """A text that is a chat, in each way in which such are written."""
    asked_marks = asked_roles(asked)
    texts = [value for value in seen.values(name) if isinstance(value, str)]
    for marks in [asked_marks] if asked_marks else MARKS:
        speaking = [mark for mark, role in marks.items() if role != "system"]
        if 2 * sum(all(mark in text for mark in speaking) for text in texts) <= len(texts):
            continue
        system = system_of(seen, asked)
        shape = Transcript(kind="transcript", column=name, roles=marks, system=system)
        told = f"chats as text in {shown(name)}, by the marks {', '.join(map(shown, marks))}"
        yield candidate(seen, shape, {"text": name, **words_of(marks)}, told)
