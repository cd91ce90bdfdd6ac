"""The words of a server in an error, told from what it repeats of the request."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.inference.error_words import find_error, read_words, words_in

WORDS = re.compile("no room", re.IGNORECASE)
ROW = "There is no room in the hotel, what should we tell the guests who wait outside?"


@pytest.mark.parametrize(
    "body",
    [
        {"error": "No room"},
        {"error": {"message": "No room"}},
        {"error": {"code": "no room", "message": "x"}},
        {"error": {"type": "no room"}},
        {"error": {"innererror": {"code": "No room"}}},
        {"error": {"metadata": {"raw": json.dumps({"error": {"message": "No room"}})}}},
        {"error": {"metadata": {"raw": "No room"}}},
        {"message": "No room"},
        {"Message": "No room"},
        {"detail": "No room"},
        {"detail": [{"msg": "No room"}]},
        {"errors": [{"message": "No room"}]},
        {"object": "error", "message": {"detail": [{"msg": "No room"}]}},
        [{"error": {"message": "No room"}}],
        {"error_description": "No room"},
        {"title": "No room"},
        "No room",
    ],
)
def test_messages_and_codes_are_read_in_every_form(body: Any) -> None:
    raw = json.dumps(body).encode()
    assert read_words(raw).hold(WORDS)
    assert read_words(raw, [ROW]).hold(WORDS)


@pytest.mark.parametrize("raw", [b"No room", b"<p>No room</p>", b"\xff No room", b'{"No room'])
def test_a_body_that_is_no_json_is_a_message(raw: bytes) -> None:
    assert read_words(raw).hold(WORDS)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "x", "param": "no room"}},
        {"detail": [{"msg": "x", "input": "no room", "ctx": {"error": "no room"}}]},
        {"error": {"metadata": {"flagged_input": "no room"}}},
        {"error": "x", "prompt": "no room", "messages": [{"content": "no room"}]},
        {"error": {"message": "see https://example.com/no%20room/no room".replace(" ", "")}},
        {"error": None, "detail": 5, "message": True},
        {},
        [],
        None,
    ],
)
def test_other_fields_are_not_read(body: Any) -> None:
    assert not read_words(json.dumps(body).encode()).hold(WORDS)


@pytest.mark.parametrize(
    "message",
    [
        f"Cannot read {ROW}",
        f"'input': {ROW!r}",
        f"Cannot read {ROW[:50]}...",
        f"Cannot read ...{ROW[5:60]}",
        ROW,
    ],
)
def test_what_stands_in_our_messages_is_no_word_of_the_server(message: str) -> None:
    words = words_in({"error": {"message": message}}, [ROW])
    assert not words.hold(WORDS)
    assert words_in({"error": {"message": message}}, ["Another row."]).hold(WORDS)


def test_a_row_with_the_same_words_hides_none_of_the_server_s() -> None:
    assert words_in({"error": "no room: 9 of 8"}, [ROW]).hold(WORDS)
    assert words_in({"error": f"no room for {ROW}"}, [ROW]).hold(WORDS)


def test_lines_and_quotes_of_a_row_may_be_escaped_in_any_way() -> None:
    row = 'He said:\n"There is no room\tin the hotel, what should we tell them?"'
    for message in (repr(row), json.dumps(row), json.dumps(json.dumps(row)), row):
        assert not words_in({"error": {"message": f"Cannot read {message}"}}, [row]).hold(WORDS)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ({"error": {"code": 429}}, 429),
        ({"error": {"code": "429"}}, 429),
        ({"error": {"status": 429}}, 429),
        ({"error": "x", "status_code": 429}, 429),
        ({"error": {"message": "x"}}, None),
        ({"error": {"code": 0, "status": "NOT_FOUND"}}, None),
        ({"error": {"code": 200}}, None),
        ({"error": {"code": 1e400}}, None),
        ({"code": 429}, 429),
        ({"object": "error", "code": 429}, 429),
        ({"message": "x", "choices": []}, None),
        ({"code": 1113, "msg": "x", "success": False}, None),
        ({"base_resp": {"status_code": 1008, "status_msg": "x"}, "choices": None}, None),
        ({"error_code": 18, "error_msg": "x"}, None),
        ({"detail": "x"}, None),
        ({"errors": [{"message": "x"}]}, None),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, None),
        ({"error": {"code": 10**400}}, None),
        ({"error": {"code": "٤٢٩"}}, None),
    ],
)
def test_an_error_may_name_its_status(reply: Any, status: int | None) -> None:
    error = find_error(reply)
    assert error is not None
    assert error.status == status


@pytest.mark.parametrize(
    "reply", [{"choices": []}, {"error": None}, {"error": {}}, [], None, b"", "error", 5]
)
def test_a_reply_without_an_error_holds_none(reply: object) -> None:
    assert find_error(reply) is None


NESTED = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["error", "code", "message", "detail", "choices", "raw"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=10,
)


@given(NESTED, st.lists(st.text(max_size=20), max_size=2))
def test_whatever_is_said_can_be_searched(body: object, asked: list[str]) -> None:
    for words in (words_in(body, asked), read_words(json.dumps(body).encode(), asked)):
        assert words.hold(WORDS) in (True, False)
    find_error(body)


def test_nested_and_long_bodies_are_read_as_far_as_it_matters() -> None:
    assert not read_words(b"[" * 100_000).hold(WORDS)
    deep: Any = "no room"
    for _ in range(500):
        deep = {"error": deep}
    assert not words_in(deep).hold(WORDS)
    many = {"errors": [{"message": "x" * 1_000_000}] * 100}
    assert len(words_in(many).messages) < 1_000_000
