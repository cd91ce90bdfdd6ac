"""Reading the turns of upstream rows of every shape."""

from typing import Any, get_args

import pytest

from sysgen_dagster.catalog.sources import Shape
from sysgen_dagster.sources.shapes import SHAPES, Turn

OF_THE_CATALOGUE = get_args(get_args(Shape)[0])


def read(kind: str, row: dict[str, Any], **columns: str) -> list[Turn]:
    return list(SHAPES[kind](row, **columns))


def turns(kind: str, row: dict[str, Any], **columns: str) -> list[tuple[str, str | None]]:
    """Role and text of each turn, none of which was thought about."""
    found = read(kind, row, **columns)
    assert not any(turn.reasoning for turn in found)
    return [(turn.role, turn.text) for turn in found]


def test_every_shape_of_the_catalogue_is_read_and_named_by_the_same_fields() -> None:
    columns_of = {
        kind: shape.model_fields.keys() - {"kind"}
        for shape in OF_THE_CATALOGUE
        for kind in get_args(shape.model_fields["kind"].annotation)
    }
    assert SHAPES.keys() == columns_of.keys()
    for kind, columns in columns_of.items():
        turns(kind, dict.fromkeys(columns), **{column: column for column in columns})


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


def test_sharegpt_s_names_become_roles_and_any_other_name_stays_as_it_is() -> None:
    row = {"said": [{"from": who, "value": "x"} for who in ("system", "human", "gpt", "tool")]}
    assert [who for who, _ in turns("sharegpt", row, column="said")] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]


def test_messages_keep_the_role_they_name_even_where_it_is_sharegpt_s() -> None:
    row = {"said": [{"role": who, "content": "x"} for who in ("system", "human", "developer")]}
    assert [who for who, _ in turns("messages", row, column="said")] == [
        "system",
        "human",
        "developer",
    ]


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
