"""Reading the turns of upstream rows of every shape."""

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from sysgen_dagster.catalog.sources import Shape
from sysgen_dagster.sources.shapes import Turn, read_turns

KINDS = [
    (kind, shape)
    for shape in get_args(get_args(Shape)[0])
    for kind in get_args(shape.model_fields["kind"].annotation)
]


def read(kind: str, row: dict[str, Any], **fields: Any) -> list[Turn]:
    return read_turns(row, TypeAdapter(Shape).validate_python({"kind": kind, **fields}))


def turns(kind: str, row: dict[str, Any], **columns: Any) -> list[tuple[str | None, str | None]]:
    """Role and text of each turn, none of which was thought about."""
    found = read(kind, row, **columns)
    assert not any(turn.reasoning for turn in found)
    return [(turn.role, turn.text) for turn in found]


@pytest.mark.parametrize(("kind", "shape"), KINDS)
def test_every_shape_of_the_catalogue_is_read_and_a_row_of_nulls_says_nothing(
    kind: str, shape: Any
) -> None:
    columns = {field: field for field in (*shape.of_records, *shape.of_text)}
    roles = {"roles": {"Q:": "user"}} if kind == "transcript" else {}
    found = read(kind, dict.fromkeys(columns), **columns, **roles)
    assert not any(turn.text for turn in found)


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("input_output", {"input": "Hi", "output": "Hello"}),
        ("sharegpt", {"from": "gpt", "value": "Hello"}),
        ("messages", {"role": "assistant", "content": "Hello"}),
    ],
)
@pytest.mark.parametrize("empty", [None, []], ids=["null", "empty"])
def test_a_list_that_is_empty_or_null_holds_no_turn_and_any_other_those_of_its_records(
    kind: str, record: dict[str, str], empty: list[Any] | None
) -> None:
    assert turns(kind, {"said": empty}, column="said") == []
    assert turns(kind, {"said": [record]}, column="said")[-1] == ("assistant", "Hello")


def test_an_exchange_is_two_turns_question_first_and_a_missing_half_stays_null() -> None:
    row = {"said": [{"input": "Hi", "output": None}, {"input": None, "output": "Hello"}]}
    assert turns("input_output", row, column="said") == [
        ("user", "Hi"),
        ("assistant", None),
        ("user", None),
        ("assistant", "Hello"),
    ]


def test_the_two_columns_may_have_any_name() -> None:
    row = {"question": "no", "query": " Why?\n", "response": None}
    assert turns("question_answer", row, question="query", answer="response") == [
        ("user", " Why?\n"),
        ("assistant", None),
    ]


SPEAKERS = {
    "system": ["system", "developer", "System"],
    "user": ["user", "human", "USER", "Human", " user", "prompter"],
    "assistant": [
        *("assistant", "gpt", "GPT", "gpt-4", "gpt-3.5-turbo", "GPT4o", "chatgpt", "ChatGPT-4"),
        *("bot", "model", "AI", "claude-3-opus", "bard", "bing"),
    ],
    "tool": ["tool", "Tool"],
    "function_call": ["function_call", "function-call", "Function Call"],
    "observation": ["observation"],
    "narrator": ["narrator"],
    "": [""],
}


@pytest.mark.parametrize(
    ("who", "role"), [(who, role) for role, names in SPEAKERS.items() for who in names]
)
def test_whoever_is_unmistakable_speaks_in_a_role_and_any_other_name_stays(
    who: str, role: str
) -> None:
    sharegpt = {"said": [{"from": who, "value": "x"}]}
    assert turns("sharegpt", sharegpt, column="said") == [(role, "x")]
    messages = {"said": [{"role": who, "content": "x"}]}
    assert turns("messages", messages, column="said") == [(role, "x")]


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("input_output", None),
        ("sharegpt", None),
        ("messages", None),
        ("sharegpt", {"from": None, "value": "x"}),
        ("messages", {"role": None, "content": "x"}),
    ],
)
def test_a_turn_that_is_null_or_nobody_s_is_malformed(
    kind: str, record: dict[str, str] | None
) -> None:
    assert read(kind, {"said": [record]}, column="said") == [Turn(None, None)]


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("input_output", {"input": "2 + 2?", "output": "<think>Two, two.</think>\n\nFour."}),
        ("input_output", {"input": "2 + 2?", "output": "Four.", "reasoning": "Two, two."}),
        ("sharegpt", {"from": "gpt", "value": "Two, two.\n</think>\nFour."}),
        ("sharegpt", {"from": "gpt", "value": "Four.", "thinking": "Two, two."}),
        ("messages", {"role": "assistant", "content": "<think>Two, two.</think>Four."}),
        ("messages", {"role": "assistant", "content": "Four.", "reasoning_content": "Two, two."}),
    ],
)
def test_what_was_thought_before_an_answer_stands_apart_from_it(
    kind: str, record: dict[str, str]
) -> None:
    said = read(kind, {"said": [record]}, column="said")[-1]
    assert said == Turn("assistant", "Four.", "Two, two.")


def test_thoughts_may_have_a_column_of_their_own() -> None:
    row = {"q": "2 + 2?", "a": "Four.", "trace": "Two, two."}
    said = read("question_answer", row, question="q", answer="a", reasoning="trace")
    assert said[-1] == Turn("assistant", "Four.", "Two, two.")


def test_a_user_who_writes_of_thoughts_is_left_as_he_is() -> None:
    record = {"role": "user", "content": "<think>is this a tag?</think>"}
    assert turns("messages", {"said": [record]}, column="said")[0][1] == record["content"]


TALK = [("user", "Hi"), ("assistant", "Hello")]
# Rows of every kind that give the same two turns, with what the catalogue says of them.
ODD: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "fields of other names": (
        "messages",
        {"it": [{"who": "user", "what": "Hi"}, {"who": "bot", "what": "Hello"}]},
        {"column": "it", "role": "who", "content": "what"},
    ),
    "speakers of other names": (
        "sharegpt",
        {"it": [{"from": "Customer ", "value": "Hi"}, {"from": "agent", "value": "Hello"}]},
        {"column": "it", "roles": {"customer": "user", "Agent": "assistant"}},
    ),
    "exchanges of other names": (
        "input_output",
        {"it": [{"q": "Hi", "a": "Hello"}]},
        {"column": "it", "input": "q", "output": "a"},
    ),
    "texts by turns": (
        "alternating",
        {"it": [{"text": "Hi"}, {"text": "Hello"}]},
        {"column": "it"},
    ),
    "a prompt of turns": (
        "prompt_completion",
        {"p": [{"role": "user", "content": "Hi"}], "c": "Hello"},
        {"prompt": "p", "completion": "c"},
    ),
    "an answer as a turn": (
        "prompt_completion",
        {"p": "Hi", "c": [{"role": "assistant", "content": "Hello"}]},
        {"prompt": "p", "completion": "c"},
    ),
    "a marked text": (
        "transcript",
        {"it": "Q: Hi\n A: Hello"},
        {"column": "it", "roles": {"Q:": "user", "A:": "assistant"}},
    ),
    "a text of a template": (
        "transcript",
        {"it": "<|user|>Hi</s>\n<|bot|>Hello</s> <|endoftext|>\n"},
        {"column": "it", "roles": {"<|user|>": "user", "<|bot|>": "assistant"}},
    ),
}


@pytest.mark.parametrize(("kind", "row", "fields"), ODD.values(), ids=ODD)
def test_whatever_names_a_row_has_its_turns_are_the_same(
    kind: str, row: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert turns(kind, row, **fields) == TALK


@pytest.mark.parametrize(("kind", "row", "fields"), ODD.values(), ids=ODD)
def test_the_system_message_of_a_column_comes_first_in_rows_of_every_kind(
    kind: str, row: dict[str, Any], fields: dict[str, Any]
) -> None:
    for text, begin in (("Be kind.", [("system", "Be kind.")]), (" \n", []), (None, [])):
        assert turns(kind, row | {"s": text}, **fields, system="s") == begin + TALK


def test_a_system_message_that_the_chat_has_too_is_said_once() -> None:
    row = {"it": [{"role": "system", "content": "Be kind."}], "s": "Be kind."}
    assert turns("messages", row, column="it", system="s") == [("system", "Be kind.")]
    other = turns("messages", row | {"s": "Be brief."}, column="it", system="s")
    assert other == [("system", "Be brief."), ("system", "Be kind.")]


@pytest.mark.parametrize(
    ("about", "question"),
    [("Italy", "A river?\n\nItaly"), ("", "A river?"), (" \n", "A river?"), (None, "A river?")],
)
def test_what_a_question_is_about_follows_it_after_a_blank_line(
    about: str | None, question: str
) -> None:
    row = {"q": "A river?", "i": about, "a": "Po"}
    said = turns("question_answer", row, question="q", input="i", answer="a")
    assert said == [("user", question), ("assistant", "Po")]


def test_an_input_without_a_question_is_no_question() -> None:
    row = {"q": None, "i": "Italy", "a": "Po"}
    assert turns("question_answer", row, question="q", input="i", answer="a")[0] == ("user", None)


MARKS = {"Human:": "user", "Assistant:": "assistant", "###": "user", "### Bot": "assistant"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Human: Is 'Human: x' a mark?\nAssistant: No, Human: is.", ["user", "assistant"]),
        ("### Hi ### Bot Hello ### Bye", ["user", "assistant", "user"]),
        ("Be kind.\n\nHuman: Hi", ["system", "user"]),
        ("Hi", ["system"]),
        ("", []),
        (None, []),
        ("Human:Assistant:", ["user"]),
        ("Human:\nAssistant:", ["user", "assistant"]),
    ],
)
def test_a_mark_that_is_a_word_begins_a_line_and_the_longest_counts(
    text: str | None, said: list[str]
) -> None:
    found = turns("transcript", {"it": text}, column="it", roles=MARKS)
    assert [role for role, _ in found] == said
