"""Rows of IFEval and S-IFEval become items; an answer keeps to their instructions or not."""

import json
from typing import Any

import pytest

from sysgen_dagster.evaluation.rule_based.ifeval import keeps, read_items
from sysgen_dagster.sources.recognition import SourceError
from sysgen_dagster_tests.evaluation.rule_based.rows import instruction_row, instruction_rows

ROW = instruction_row(7, ["punctuation:no_comma"], [{}], "Use no commas.")


def test_a_row_is_an_item_with_its_key_its_chat_and_its_constraints() -> None:
    [item] = read_items("s_ifeval", [ROW])

    assert (item.item, item.cluster) == ("7", "7")
    assert [message["role"] for message in item.messages] == ["system", "user"]
    assert item.constraints == [("punctuation:no_comma", "{}", "system", None)]


def test_a_row_without_messages_is_a_prompt_of_the_user() -> None:
    prompt = {name: value for name, value in ROW.items() if name != "messages"}
    [item] = read_items("ifeval", [prompt])

    assert item.messages == [{"role": "user", "content": "Use no commas. Hello 7?"}]
    assert item.constraints[0].stands_in == "user"


def test_copies_that_store_lists_as_texts_are_the_same_items() -> None:
    rows = instruction_rows(6)
    as_texts = [
        {
            name: json.dumps(value) if isinstance(value, list) else value
            for name, value in row.items()
        }
        for row in rows
    ]
    assert [*read_items("s_ifeval", as_texts)] == [*read_items("s_ifeval", rows)]


def test_arguments_that_are_null_are_none() -> None:
    row = ROW | {"kwargs": [{"num_words": None, "keywords": None}]}
    bare = ROW | {"kwargs": [None]}
    assert [*read_items("s_ifeval", [row])] == [*read_items("s_ifeval", [ROW])]
    assert [*read_items("s_ifeval", [bare])] == [*read_items("s_ifeval", [ROW])]


def test_a_constraint_without_a_rule_says_why_it_is_left_out() -> None:
    row = instruction_row(1, ["stylistic:tone", "startend:quotation"], [{}, {}], "Be kind.")
    [item] = read_items("s_ifeval", [row])

    assert [each.left_out for each in item.constraints] == ["no rule for this instruction", None]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": ...}, "it has no key"),
        ({"kwargs": ...}, "it has no kwargs"),
        ({"kwargs": []}, "1 instructions and the arguments of 0"),
        ({"kwargs": "[{]"}, "`kwargs` is no JSON"),
        ({"instruction_id_list": [], "kwargs": []}, "0 instructions"),
        ({"messages": None, "prompt": None}, "neither `messages` nor a `prompt`"),
        ({"messages": "[{]"}, "`messages` is no JSON"),
        ({"messages": []}, "no list of messages"),
        ({"messages": [{"role": "cook", "content": "x"}]}, "no list of messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, "does not end with the user"),
    ],
)
def test_a_row_of_another_file_is_named(change: dict[str, Any], said: str) -> None:
    row = {name: value for name, value in (ROW | change).items() if value is not ...}
    with pytest.raises(SourceError, match="s_ifeval, row 1") as caught:
        [*read_items("s_ifeval", [ROW | {"key": 0}, row])]
    assert said in str(caught.value)


def test_what_is_no_object_is_no_row() -> None:
    with pytest.raises(SourceError, match="row 0: it has no instruction_id_list, key, kwargs"):
        [*read_items("ifeval", ["text"])]


def test_an_answer_that_keeps_to_an_instruction_strictly_does_loosely_too() -> None:
    assert keeps("so", "startend:quotation", {}) == (False, False)
    assert keeps('"so"', "startend:quotation", {}) == (True, True)
    assert keeps('Sure:\n"so"', "startend:quotation", {}) == (False, True)
