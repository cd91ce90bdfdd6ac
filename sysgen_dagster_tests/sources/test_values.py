"""Values of upstream files as texts and records."""

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sysgen_dagster.sources.values import (
    NoRecordsError,
    NotTextError,
    as_records,
    as_text,
    as_turn_text,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", ""),
        (" a\r\n", " a\r\n"),
        (4, "4"),
        (-(2**127), str(-(2**127))),
        (4.0, "4.0"),
        (0.1, "0.1"),
        (True, "true"),
        (False, "false"),
        (Decimal("4.50"), "4.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.00000001"), "0.00000001"),
        ("Où?".encode(), "Où?"),
        (date(2020, 1, 2), "2020-01-02"),
        (time(1, 2, 3), "01:02:03"),
        (datetime(2020, 1, 2, 3, 4, 5, 6, UTC), "2020-01-02 03:04:05.000006+00:00"),
        (timedelta(minutes=5), "0:05:00"),
        ("half \ud83d", "half \ufffd"),
        ("\U0001f600", "\U0001f600"),
    ],
)
def test_what_has_one_text_without_loss_is_that_text(value: Any, text: str | None) -> None:
    assert as_text(value) == as_turn_text(value) == text


NO_TEXTS = {
    "nan": math.nan,
    "infinity": math.inf,
    "bytes": b"\xff\xfe",
    "list of numbers": [1, 2],
    "object": {"a": 1},
    "complex": 1j,
}


@pytest.mark.parametrize("name", NO_TEXTS)
def test_what_has_none_is_no_text(name: str) -> None:
    for read in (as_text, as_turn_text):
        with pytest.raises(NotTextError):
            read(NO_TEXTS[name])


def test_a_column_that_lists_texts_is_no_text() -> None:
    with pytest.raises(NotTextError):
        as_text(["So.", "Or so."])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "Name a river."}], "Name a river."),
        ([{"type": "input_text", "text": "a"}, {"type": "output_text", "text": "b"}], "ab"),
        (["Name ", "a river."], "Name a river."),
        ([{"text": "a"}, "b"], "ab"),
        ({"type": "text", "text": "a"}, "a"),
        ([{"type": "text", "text": "a", "image_url": None, "cache_control": {}}], "a"),
        ([{"type": None, "text": "a", "index": 0}], "a"),
        ([{"type": "text", "text": None}], ""),
        ([], ""),
        ('[{"type": "text", "text": "a"}]', '[{"type": "text", "text": "a"}]'),
        (
            [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "So."}],
            "\n<think>Hm.</think>\nSo.",
        ),
        ([{"type": "reasoning", "text": "Hm."}], "\n<think>Hm.</think>\n"),
    ],
)
def test_the_text_parts_of_a_turn_are_its_text(content: Any, text: str) -> None:
    assert as_turn_text(content) == text


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image"},
        {"type": "image", "text": None},
        {"type": "input_audio", "input_audio": {"data": "AAAA"}},
        {"type": "tool_use", "name": "search", "text": "x"},
        {"type": "tool_result", "content": "x"},
        {"type": [], "text": "x"},
        {"type": "text"},
        {"type": "text", "text": {"value": "x"}},
        {"image_url": "x"},
        {},
        7,
        None,
        ["x"],
    ],
)
def test_a_turn_with_another_part_is_no_text(part: Any) -> None:
    with pytest.raises(NotTextError):
        as_turn_text([{"type": "text", "text": "What is shown?"}, part])


HI, HELLO = {"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}


@pytest.mark.parametrize(
    ("value", "records"),
    [
        (None, None),
        ([], []),
        ([HI, HELLO], [HI, HELLO]),
        ([HI, None], [HI, None]),
        ([{"value": "Hi", "weight": 1, "from": "human"}], [{**HI, "weight": 1}]),
        ({"from": ["human", "gpt"], "value": ["Hi", "Hello"]}, [HI, HELLO]),
        ({"value": ["Hi"], "from": ["human"], "id": 7}, [HI]),
        ({"from": [], "value": []}, []),
        ({"from": None, "value": None}, []),
        (HI, [HI]),
        ({"from": "human", "value": None}, [{"from": "human", "value": None}]),
        (json.dumps([HI, HELLO]), [HI, HELLO]),
        (json.dumps({"from": ["human"], "value": ["Hi"]}), [HI]),
        ('[{"from": "human", "value": 4.50}]', [{"from": "human", "value": "4.50"}]),
    ],
)
def test_records_are_a_list_or_lists_or_one_or_the_json_of_these(value: Any, records: Any) -> None:
    assert as_records(value, ["from", "value"]) == records


def test_texts_are_records_where_these_have_one_field() -> None:
    assert as_records(["Hi", {"text": "Hello"}], ["text"]) == [{"text": "Hi"}, {"text": "Hello"}]
    assert as_records('["Hi"]', ["text"]) == [{"text": "Hi"}]


@pytest.mark.parametrize(
    "value",
    [
        "Hi",
        7,
        [7],
        ["Hi"],
        [[HI]],
        "[[",
        "null",
        '"Hi"',
        "[" * 100_000,
        {"from": ["human"], "value": []},
        {"from": ["human"], "value": "x"},
        {"a": [1]},
    ],
)
def test_anything_else_is_no_records(value: Any) -> None:
    with pytest.raises(NoRecordsError):
        as_records(value, ["from", "value"])
