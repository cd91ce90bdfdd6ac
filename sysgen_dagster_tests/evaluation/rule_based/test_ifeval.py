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
    of_texts = [{**row, "kwargs": [json.dumps(each) for each in row["kwargs"]]} for row in rows]
    assert [*read_items("s_ifeval", of_texts)] == [*read_items("s_ifeval", rows)]
    assert [*read_items("s_ifeval", as_texts)] == [*read_items("s_ifeval", rows)]


def test_arguments_that_are_null_are_none() -> None:
    row = ROW | {"kwargs": [{"num_words": None, "keywords": None}]}
    bare = ROW | {"kwargs": [None]}
    assert [*read_items("s_ifeval", [row])] == [*read_items("s_ifeval", [ROW])]
    assert [*read_items("s_ifeval", [bare])] == [*read_items("s_ifeval", [ROW])]


def test_whole_numbers_that_a_table_with_nulls_writes_as_floats_are_whole() -> None:
    """As pandas and Parquet do: a table has every argument of every instruction."""
    names = ["length_constraints:number_words", "keywords:frequency"]
    whole = [
        {"num_words": 300, "relation": "at least"},
        {"keyword": "tea", "frequency": 2, "relation": "less than"},
    ]
    floats = [
        {"num_words": 300.0, "relation": "at least", "frequency": float("nan")},
        {"keyword": "tea", "frequency": 2.0, "relation": "less than", "num_words": None},
    ]
    [item] = read_items("ifeval", [instruction_row(7, names, floats, "") | {"key": 7.0}])

    assert [item] == [*read_items("ifeval", [instruction_row(7, names, whole, "")])]
    assert [each.left_out for each in item.constraints] == [None, None]


def test_half_a_word_is_no_number_of_words() -> None:
    row = instruction_row(
        1, ["length_constraints:number_words"], [{"num_words": 2.5, "relation": "at least"}], ""
    )
    [item] = read_items("ifeval", [row])
    assert item.constraints[0].left_out == "num_words: 2.5 is no int"


@pytest.mark.parametrize("odd", [5, [5], [None], [["tea"]], {"a": 1}, True, 2.5])
@pytest.mark.parametrize("argument", ["keywords", "num_words", "relation", "section_spliter"])
def test_an_odd_argument_leaves_its_constraint_out(argument: str, odd: Any) -> None:
    names = ["keywords:existence", "length_constraints:number_words",
             "detectable_format:multiple_sections"]  # fmt: skip
    sound = {"keywords": ["tea"], "num_words": 1, "relation": "at least",
             "section_spliter": "Part", "num_sections": 2}  # fmt: skip
    row = instruction_row(1, names, [sound | {argument: odd}] * 3, "Tea.")
    [item] = read_items("ifeval", [row])
    left_out = sum(each.left_out is not None for each in item.constraints)
    assert left_out == (0 if (argument, odd) == ("num_words", 5) else 1)


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
        ({"key": None}, "`key` is None, not a text or a whole number"),
        ({"key": 1.5}, "`key` is 1.5, not a text or a whole number"),
        ({"key": ["a"]}, "`key` is ['a'], not a text or a whole number"),
        ({"instruction_id_list": None}, "`instruction_id_list` is no list of texts"),
        ({"instruction_id_list": [None]}, "`instruction_id_list` is no list of texts"),
        ({"instruction_id_list": "5"}, "`instruction_id_list` is no list of texts"),
        ({"instruction_id_list": {"a": 1}}, "`instruction_id_list` is no list of texts"),
        ({"kwargs": None}, "`kwargs` is no list of objects"),
        ({"kwargs": {"a": 1}}, "`kwargs` is no list of objects"),
        ({"kwargs": [5]}, "`kwargs` is no list of objects"),
        ({"kwargs": ["[]"]}, "`kwargs` is no list of objects"),
        ({"kwargs": ["no"]}, "`kwargs` is no JSON"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "no list of messages"),
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
