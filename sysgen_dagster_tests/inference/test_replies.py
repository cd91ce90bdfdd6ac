"""What replies mean, also those that no good server sends."""

import json
import math
from contextlib import suppress
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference.chat_api import EngineError, TryAgainError
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.quoting import MOST_QUOTED
from sysgen_dagster.inference.replies import read_reply, read_token_count
from sysgen_dagster_tests.inference.judged_reply import JUDGING, REQUEST, VERDICTS, read
from sysgen_dagster_tests.inference.odd_servers import completion


@pytest.mark.parametrize(
    ("status", "raw", "count"),
    [
        (200, b'{"count": 12, "max_model_len": 8192, "tokens": [1]}', 12),
        (404, b'{"count": 12}', None),
        (200, b'{"count": "12"}', None),
        (200, b'{"count": null}', None),
        (200, b'{"count": 0}', None),
        (200, b'{"count": -5}', None),
        (200, b'{"tokens": []}', None),
        (200, b"[1]", None),
        (200, b"<html>", None),
        (200, b"\xff", None),
        (200, b"[" * 100_000, None),
        (200, b'{"count": ' + b"9" * 5000 + b"}", None),
    ],
)
def test_a_count_of_tokens_is_a_positive_number_or_none(
    status: int, raw: bytes, count: int | None
) -> None:
    assert read_token_count(status, raw) == count


# Replies that are errors


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("", 0.0),
        ("-5", 0.0),
        ("1.5", 1.5),
        ("nan", 0.0),
        ("1e9", 0.0),
        ("soon", 0.0),
        ("٣", 0.0),  # a digit, but none of ASCII
        ("9" * 400, math.inf),  # the wait has a bound of its own
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_after_the_time_it_says(
    status: int, wait: str, seconds: float
) -> None:
    with pytest.raises(TryAgainError) as error:
        read(b"busy", status=status, **{"Retry-After": wait})
    assert error.value.is_busy
    assert error.value.wait_s == seconds


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("18000", "it asks to wait 5:00:00"),
        ("7", "it asks to wait 0:00:07"),
        ("9" * 400, "wait 365"),
    ],
)
def test_a_long_wait_that_only_a_header_names_is_said(asked: str, said: str) -> None:
    with pytest.raises(TryAgainError) as error:
        read_reply(429, {"Retry-After": asked}, b"slow down", REQUEST, 1)
    assert said in error.value.failure


@pytest.mark.parametrize("status", [408, 409, 425, 500, 502, 504, 524, 599])
def test_a_server_that_fails_may_do_better_the_next_time(status: int) -> None:
    with pytest.raises(TryAgainError, match=f"{status}: oh no") as error:
        read(b"oh no", status=status)
    assert error.value.reason is NoAnswer.SERVER_ERROR
    assert not error.value.is_busy


@pytest.mark.parametrize("status", [301, 307, 401, 402, 405, 407, 501])
def test_a_server_that_does_not_serve_us_is_an_error(status: int) -> None:
    with pytest.raises(EngineError, match=f"{status}: "):
        read(b"", status=status)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (b"maximum context length is 8192 tokens", NoAnswer.TOO_LONG),
        (b"exceeds the available context size", NoAnswer.TOO_LONG),
        (b"longer than the maximum model length", NoAnswer.TOO_LONG),
        (b"temperature must be positive", NoAnswer.REFUSED_BY_SERVER),
        (b"", NoAnswer.REFUSED_BY_SERVER),
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404, 422, 451])
def test_a_refusal_is_final(status: int, words: bytes, reason: NoAnswer) -> None:
    outcome = read(words, status=status)
    assert (outcome.failed_because, outcome.failure) == (reason, f"{status}: {words.decode()}")
    assert outcome.text is None


# Errors with status 200


def inside(error: object, **choice: object) -> dict[str, Any]:
    """A completion whose choice holds an error."""
    body = completion("The ans")
    body["choices"][0] |= {"error": error, **choice}
    return body


@pytest.mark.parametrize("code", [402, "402"])
@pytest.mark.parametrize(
    "shape",
    [
        lambda code: {"error": {"code": code, "message": "no money"}},
        lambda code: {"error": {"status": code, "message": "no money"}},
        lambda code: {"error": "no money", "code": code},
        lambda code: [{"error": {"code": code, "message": "no money"}}],
        lambda code: {"object": "error", "code": code, "message": "no money"},
        lambda code: {"error": {"code": code, "message": "no money"}, "choices": []},
        lambda code: inside({"code": code, "message": "no money"}, finish_reason="error"),
        lambda code: {**completion("The ans"), "error": {"code": code, "message": "no money"}},
    ],
)
def test_an_error_within_a_reply_means_what_its_status_would(shape: Any, code: object) -> None:
    with pytest.raises(EngineError, match=r"402: .*no money.*; add credit"):
        read(shape(code))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"code": 403, "message": "flagged by moderation"}, NoAnswer.FILTERED_BY_SERVER),
        ({"code": "content_filter", "message": "No."}, NoAnswer.FILTERED_BY_SERVER),
        ({"code": 400, "message": "prompt is too long: 9 > 8"}, NoAnswer.TOO_LONG),
        ({"code": "context_length_exceeded", "message": "No."}, NoAnswer.TOO_LONG),
        ({"code": 400, "message": "no such field"}, NoAnswer.REFUSED_BY_SERVER),
        ({"code": 403, "message": "no"}, NoAnswer.REFUSED_BY_SERVER),
    ],
)
def test_an_error_within_a_reply_may_speak_of_its_row(error: object, reason: NoAnswer) -> None:
    for body in ({"error": error}, inside(error)):
        outcome = read(body)
        assert (outcome.text, outcome.failed_because) == (None, reason)


@pytest.mark.parametrize(
    ("error", "is_busy"),
    [
        ({"code": 429, "message": "slow down"}, True),
        ({"code": "rate_limit_exceeded", "message": "slow down"}, True),
        ({"code": 503, "message": "no room"}, True),
        ({"code": 502, "message": "Provider returned error"}, False),
        ({"code": 408, "message": "late"}, False),
        ({"message": "Internal error"}, False),
        ("Internal error", False),
        ({"code": 17, "message": "Internal error"}, False),
        ({"code": True, "message": "Internal error"}, False),
    ],
)
def test_an_error_within_a_reply_may_pass(error: object, is_busy: bool) -> None:
    with pytest.raises(TryAgainError) as again:
        read({"error": error})
    assert again.value.is_busy is is_busy


@pytest.mark.parametrize("nothing", [None, "", {}, [], False, 0])
def test_a_field_for_errors_that_holds_none_is_none(nothing: object) -> None:
    assert read({**completion("Four."), "error": nothing}).text == "Four."
    assert read(inside(nothing)).text == "The ans"


def test_what_a_server_says_is_cut_and_inert() -> None:
    outcome = read(b"\x1b]52;c;aGk=\x07" + b"x" * 5_000_000, status=400)
    assert outcome.failure is not None
    assert outcome.failure.startswith("400: \\x1b]52;c;aGk=\\x07xxx")
    assert len(outcome.failure) == MOST_QUOTED + len("400: ")


# Why a text ended


def ended(finish: object, content: object = "The ans", **fields: Any) -> dict[str, Any]:
    body = completion(content)
    body["choices"][0] |= {"finish_reason": finish}
    body["choices"][0]["message"] |= fields
    return body


@pytest.mark.parametrize(
    ("reason", "stored"), [("MAX_TOKENS", "length"), ("FinishReason.STOP", "FinishReason.STOP")]
)
def test_why_a_text_ended_is_stored_with_it(reason: object, stored: str) -> None:
    outcome = read(ended(reason))
    assert (outcome.text, outcome.finish_reason) == ("The ans", stored)


def test_a_text_that_a_filter_cut_is_none_and_says_so() -> None:
    outcome = read(ended("SAFETY"))
    assert (outcome.text, outcome.failed_because) == (None, NoAnswer.FILTERED_BY_SERVER)
    assert outcome.failure == "SAFETY, after: The ans"


@pytest.mark.parametrize("message", [{}, {"message": None}, {"message": {"content": None}}])
def test_a_filter_may_leave_no_message(message: dict[str, Any]) -> None:
    outcome = read({"choices": [{"finish_reason": "content_filter", **message}]})
    assert outcome.failed_because == NoAnswer.FILTERED_BY_SERVER


def test_a_text_that_the_engine_gave_up_is_asked_for_again() -> None:
    with pytest.raises(TryAgainError, match="abort"):
        read(ended("abort"))


# Thoughts


def test_a_cut_text_of_a_model_that_thinks_is_a_thought_without_an_end() -> None:
    body = {**ended("length", "Or verdicts: <<Role>>: Bad"), "usage": {"completion_tokens": 9}}
    raw = json.dumps(body).encode()
    outcome = read_reply(200, {}, raw, JUDGING, attempt=1, thinks=True)
    assert (outcome.text, outcome.reasoning) == ("", "Or verdicts: <<Role>>: Bad")
    assert outcome.reasoning_tokens == outcome.completion_tokens == 9
    nothing = json.dumps(ended("length", "")).encode()
    assert read_reply(200, {}, nothing, JUDGING, attempt=1, thinks=True).reasoning is None
    assert read_reply(200, {}, raw, JUDGING, attempt=1).text == "Or verdicts: <<Role>>: Bad"


@pytest.mark.parametrize(
    ("content", "fields", "text", "reasoning"),
    [
        ("Four.", {"reasoning": "Two and two."}, "Four.", "Two and two."),
        ("Four.", {"reasoning_content": "Two and two.\n"}, "Four.", "Two and two."),
        ("<think>Two and two.</think>\n\nFour.", {}, "Four.", "Two and two."),
        (None, {"reasoning": "Two and"}, "", "Two and"),
        (None, {"refusal": "I cannot."}, "I cannot.", None),
        ("Four.", {"reasoning": "Two.", "reasoning_content": "Two."}, "Four.", "Two."),
        ("Four.", {"reasoning": None, "reasoning_content": ""}, "Four.", None),
        ([{"type": "text", "text": "Fo"}, {"type": "text", "text": "ur."}], {}, "Four.", None),
        (
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Two."}]},
                {"type": "text", "text": "Four."},
            ],
            {},
            "Four.",
            "Two.",
        ),
        (
            [{"thought": True, "text": "Two."}, {"text": "Four."}],
            {},
            "Four.",
            "Two.",
        ),
        ("Four.", {"thinking_blocks": [{"type": "thinking", "thinking": "Two."}]}, "Four.", "Two."),
        ("Four.", {"reasoning": {"content": "Two."}}, "Four.", "Two."),
        ("<think>More.</think>Four.", {"reasoning": "Two."}, "Four.", "Two.\n\nMore."),
        ("Four.", {"reasoning": 7}, "Four.", None),
        (["Fo", "ur."], {}, "Four.", None),
        ([{"type": "output_text", "text": "Four."}], {}, "Four.", None),
        ([{"type": "text", "text": {"value": "Four.", "annotations": []}}], {}, "Four.", None),
        ([{"type": "Thinking", "text": "Two."}, {"text": "Four."}], {}, "Four.", "Two."),
        ([{"type": "image_url", "image_url": {}}, {"text": "Four."}], {}, "Four.", None),
        ([None, {"type": {}, "text": "Four."}], {}, "Four.", None),
    ],
)
def test_what_is_thought_is_told_from_what_is_said(
    content: object, fields: dict[str, Any], text: str, reasoning: str | None
) -> None:
    outcome = read(ended("stop", content, **fields))
    assert (outcome.text, outcome.reasoning) == (text, reasoning)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 40}}, 40),
        ({"completion_tokens": 50, "reasoning_tokens": 30}, 30),
        ({"completion_tokens": 50}, 27),  # 6 of 11 characters
        ({}, None),
        (None, None),
    ],
)
def test_tokens_that_were_thought_are_counted_apart(usage: object, tokens: int | None) -> None:
    body = ended("stop", "Four.", reasoning="Two, 2")
    assert read({**body, "usage": usage}).reasoning_tokens == tokens
    assert read({**ended("stop", "Four."), "usage": usage}).reasoning_tokens is None


def test_words_are_found_in_the_text_behind_the_thoughts() -> None:
    body = completion("<think>Good?</think>\n\n<<Role>>: Good")
    top = [{"token": "Good", "logprob": -0.1}]
    body["choices"][0]["logprobs"] = {
        "content": [
            {"token": each, "logprob": -0.1, "top_logprobs": top}
            for each in ("<think>", "Good", "?", "</think>", "\n\n", "<<Role>>:", " Good")
        ]
    }
    outcome = read(body)
    assert outcome.text == "<<Role>>: Good"
    assert [(start, word) for start, word, share in outcome.choices if share] == [(10, "Good")]


# Anything at all

TEXT = st.one_of(
    st.sampled_from(["Good", " Bad", "No", "none", "", "\ud800", "塩", "\x00"]),
    st.text(st.characters(exclude_categories=[]), max_size=4),
)
NUMBER = st.one_of(st.floats(), st.integers(), st.sampled_from([10**400, -0.1, 1e300, -1e300]))
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBER, TEXT),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "usage", "type", "text", "thinking", "reasoning"]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


def either(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what it should be."""
    return st.integers(0, 5).flatmap(lambda drawn: good if drawn else ANYTHING)


def record(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={k: either(v) for k, v in fields.items()})


TOKENS = st.lists(
    either(
        record(
            token=TEXT,
            top_logprobs=st.lists(either(record(token=TEXT, logprob=NUMBER)), max_size=3),
        )
    ),
    max_size=3,
)
USAGE = record(
    prompt_tokens=NUMBER,
    completion_tokens=NUMBER,
    prompt_tokens_details=record(cached_tokens=NUMBER),
)
PARTS = st.lists(either(record(type=TEXT, text=TEXT, thinking=TEXT)), max_size=2)
MESSAGE = record(content=st.one_of(TEXT, st.none(), PARTS), reasoning=TEXT, thinking_blocks=PARTS)
CHOICE = record(message=MESSAGE, finish_reason=TEXT, logprobs=record(content=TOKENS))
REPLIES = record(choices=st.lists(either(CHOICE), min_size=1, max_size=2), usage=USAGE)
BODIES = st.one_of(
    either(REPLIES).map(lambda reply: json.dumps(reply).encode()),
    st.binary(max_size=20),
)


@given(BODIES, st.sampled_from([REQUEST, JUDGING]))
def test_any_reply_is_an_answer_that_can_be_stored_or_another_attempt(
    raw: bytes, request: ChatRequest
) -> None:
    try:
        outcome = read_reply(200, {}, raw, request, attempt=1)
    except TryAgainError as again:
        outcome = Outcome(again.failure, failed_because=again.reason)
    assert outcome.failed_because in (None, NoAnswer.MALFORMED_REPLY)
    assert isinstance(outcome.text, str)
    assert outcome.reasoning is None or outcome.reasoning.strip()
    for start, word, share in outcome.choices:
        assert 0 <= start <= 2**31
        assert word in VERDICTS
        assert 0 <= share <= 1
    stored = {
        "text": outcome.text,
        "finish_reason": outcome.finish_reason,
        "prompt_tokens": outcome.prompt_tokens,
        "completion_tokens": outcome.completion_tokens,
        "choices": [
            {"start": start, "choice": word, "probability": share}
            for start, word, share in outcome.choices
        ],
    }
    schema = {name: COMPLETIONS[name] for name in stored}
    assert pl.DataFrame([stored], schema=schema).height == 1


@given(st.integers(300, 599), st.binary(max_size=40), st.text(st.characters(codec="latin-1")))
def test_any_error_is_final_or_another_attempt_or_no_server_of_ours(
    status: int, raw: bytes, wait: str
) -> None:
    with suppress(TryAgainError, EngineError):
        outcome = read_reply(status, {"Retry-After": wait}, raw, REQUEST, attempt=1)
        assert outcome.failed_because in (
            *(NoAnswer.TOO_LONG, NoAnswer.REFUSED_BY_SERVER, NoAnswer.FILTERED_BY_SERVER),
        )
