"""Which columns of the first rows are texts, and which are lists of what."""

from typing import Any

import pytest

from sysgen_dagster.sources.json_rows import NumberText
from sysgen_dagster.sources.seen import Seen
from sysgen_dagster.sources.shapes import plain_name

TURN = {"role": "user", "content": "Why?"}


def seen(*values: Any) -> Seen:
    return Seen([{"it": value} for value in values])


@pytest.mark.parametrize(
    "values",
    [
        ("Why?",),
        ("Why?", None, "So."),
        ("Why?", None, None, None),
        (7, 8.5),
        (NumberText("4.50"),),
        (b"Why?",),
        ('[{"role": "user"}]',),
        ("Why?", ["no text"]),
    ],
)
def test_a_column_of_texts_is_one_if_most_values_that_are_there_are(values: Any) -> None:
    assert seen(*values).texts == ["it"]


@pytest.mark.parametrize(
    "values", [(None,), ("",), (" \n",), (True, False), ([TURN],), ({"a": 1},), ("x", [1], [2])]
)
def test_what_shows_nothing_or_is_something_else_is_no_text(values: Any) -> None:
    assert seen(*values).texts == []


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ([TURN], ("role", "content")),
        ([TURN, {"content": "So.", "name": "x"}], ("role", "content", "name")),
        (TURN, ("role", "content")),
        ({"role": ["user"], "content": ["Why?"]}, ("role", "content")),
        ('[{"role": "user", "content": "Why?"}]', ("role", "content")),
        (["Why?", "So."], ()),
        ([TURN, None], ("role", "content")),
    ],
)
def test_a_column_of_lists_has_the_fields_of_its_records(
    value: Any, fields: tuple[str, ...]
) -> None:
    assert seen(value, value, None, "no list").lists["it"].fields == fields


@pytest.mark.parametrize(
    "value", [[], [[]], [1, 2], [None], "[1]", "[{", "Why?", {}, {"a": [1], "b": []}, 7]
)
def test_other_values_are_no_lists(value: Any) -> None:
    assert seen(value).lists == {}


def test_who_speaks_and_what_is_said_is_read_without_what_is_no_text() -> None:
    odd = {"role": {"name": "user"}, "content": [{"type": "image"}]}
    column = seen([TURN, odd, {"role": "user"}]).lists["it"]
    assert column.speakers("role") == [["user", "user"]]
    assert column.texts("content") == ["Why?"]


@pytest.mark.parametrize(
    ("texts", "are_sentences"),
    [
        (("on", "off"), False),
        (("Hm, so.", "on"), True),
        (("考えると水の流れ",), True),
        (("是", "否"), False),
        (("Hm, so.", "", None), True),
        ((), False),
    ],
)
def test_sentences_are_told_from_switches(texts: Any, are_sentences: bool) -> None:
    assert seen(*texts).holds_sentences("it") == are_sentences


def test_rows_that_are_no_objects_have_no_columns() -> None:
    assert Seen(["Why?", [TURN], None]).columns == []
    assert Seen([{"a": 1}, 7, {"b": 2}, {"a": 3}]).columns == ["a", "b"]


@pytest.mark.parametrize("name", ["complex_cot", "Complex_CoT", "complex-cot", " Complex CoT"])
def test_names_are_the_same_whatever_case_and_signs_they_have(name: str) -> None:
    assert plain_name(name) == "complex_cot"
