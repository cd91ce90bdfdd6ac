"""Columns of lists as turns, exchanges, or texts by turns."""

from collections.abc import Mapping
from typing import Any

import pytest

from sysgen_dagster.sources.chat_columns import chats, is_prompt
from sysgen_dagster.sources.seen import Seen

FIELDS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "messages": ({"role": "user", "content": "x"}, {"kind": "messages"}),
    "sharegpt": ({"from": "human", "value": "x"}, {"kind": "sharegpt"}),
    "a name and a text": (
        {"speaker": "user", "text": "x"},
        {"kind": "messages", "role": "speaker", "content": "text"},
    ),
    "the other way round": (
        {"message": "x", "author": "user"},
        {"kind": "messages", "role": "author", "content": "message"},
    ),
    "more fields": ({"role": "user", "name": "Ann", "content": "x"}, {"kind": "messages"}),
    "an exchange": ({"input": "x", "output": "y"}, {"kind": "input_output"}),
    "an exchange of two names": (
        {"human": "x", "gpt": "y"},
        {"kind": "input_output", "input": "human", "output": "gpt"},
    ),
    "an exchange of a question": (
        {"id": "1", "question": "x", "answer": "y"},
        {"kind": "input_output", "input": "question", "output": "answer"},
    ),
}


def shape(value: Any, asked: Mapping[str, str]) -> dict[str, Any] | None:
    found = next(chats(Seen([{"chat": value}]), asked, "chat"), None)
    return found and found.shape.model_dump(exclude_defaults=True, exclude={"column"})


@pytest.mark.parametrize(("record", "wanted"), FIELDS.values(), ids=FIELDS)
def test_fields_are_told_by_their_names(record: dict[str, str], wanted: dict[str, Any]) -> None:
    assert shape([record], {}) == wanted


def test_fields_of_any_name_are_told_by_who_speaks() -> None:
    chat = [{"t": "Why?", "w": "user"}, {"t": "So.", "w": "assistant"}]
    assert shape(chat, {}) == {"kind": "messages", "role": "w", "content": "t"}
    assert shape([{**turn, "more": "x"} for turn in chat], {}) is None
    assert shape(chat, {"messages": "chat", "role": "t", "content": "w"}) == {
        "kind": "messages",
        "role": "t",
        "content": "w",
    }


@pytest.mark.parametrize(
    "record", [{"name": "search", "arguments": "x"}, {"label": "x"}, {"flagged": False}]
)
def test_other_records_are_nothing(record: dict[str, Any]) -> None:
    assert shape([record], {}) is None


def test_only_the_fields_that_are_read_are_kept_in_the_order_of_the_file() -> None:
    turn = {"content": "x", "weight": "1", "role": "user", "reasoning": "Hm."}
    empty = {"content": "x", "weight": "1", "role": "user", "reasoning": None}
    for record, fields in ((turn, ["content", "role", "reasoning"]), (empty, ["content", "role"])):
        [found] = chats(Seen([{"chat": [record]}]), {}, "chat")
        assert found.columns == {"chat": fields}


@pytest.mark.parametrize(
    ("speakers", "wants_an_answer"),
    [(["user"], True), (["user", "assistant"], False), (["system", "human"], True), ([], False)],
)
def test_a_chat_that_ends_with_a_question_wants_an_answer(
    speakers: list[str], wants_an_answer: bool
) -> None:
    chat = [{"role": name, "content": "x"} for name in speakers]
    column = Seen(
        [{"chat": chat}, {"chat": [{"role": "assistant", "content": "x"}]}, {"chat": chat}]
    )
    assert is_prompt(column.lists["chat"], "role") == wants_an_answer
