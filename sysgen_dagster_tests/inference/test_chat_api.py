"""Request bodies and replies of the chat API, also those that no good server sends."""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, Sampling
from sysgen_dagster.inference.chat_api import (
    Endpoint,
    EngineError,
    ModelIdentity,
    ServerCapabilities,
    TryAgainError,
    fold_system_message,
    read_reply,
    read_token_count,
    tokens_url,
)
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster_tests.inference.batches import message
from sysgen_dagster_tests.inference.odd_servers import completion

VERDICTS = ("Good", "Bad", "None")
MODEL = ModelIdentity("phi-4", "phi", revision="187ef03", engine="vllm")
ENDPOINT = Endpoint(MODEL, ("http://127.0.0.1:9/v1",))


SYSTEM, USER = message(Role.SYSTEM, "Be brief."), message(Role.USER, "Why is the sea salty?")
REQUEST = ChatRequest("capybara-1", [SYSTEM, USER], Sampling(0.7, 512), seed=7)
JUDGING = replace(REQUEST, choices=VERDICTS)


def read(
    body: object, request: ChatRequest = JUDGING, status: int = 200, **headers: str
) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_reply(status, headers, raw, request, attempt=1)


# What is sent


def test_a_request_holds_nothing_that_was_not_asked_for() -> None:
    assert ENDPOINT.body(REQUEST, REQUEST.messages) == {
        "model": "phi",
        "messages": [SYSTEM, USER],
        "temperature": 0.7,
        "max_tokens": 512,
        "seed": 7,
    }


@pytest.mark.parametrize("constraint", [{"regex": "<<Role>>: (Good|Bad)"}, {"grammar": "a ::= b"}])
def test_a_constraint_is_sent_as_it_is(constraint: Mapping[str, str]) -> None:
    body = ENDPOINT.body(replace(REQUEST, constraint=constraint), REQUEST.messages)
    assert body["structured_outputs"] == constraint


def test_probabilities_are_asked_for_where_they_are_wanted() -> None:
    body = ENDPOINT.body(JUDGING, JUDGING.messages)
    assert body["logprobs"] is True
    assert len(VERDICTS) < body["top_logprobs"] <= 20  # vLLM gives no more
    assert "structured_outputs" not in body


def test_an_endpoint_does_not_show_its_key() -> None:
    secret = replace(ENDPOINT, api_key="sk-nobody-may-see-this")
    assert secret.headers() == {"Authorization": "Bearer sk-nobody-may-see-this"}
    assert "sk-nobody" not in repr(secret)
    assert ENDPOINT.headers() == {}


def test_a_model_that_takes_no_system_message_gets_it_in_the_user_turn() -> None:
    folding = replace(ENDPOINT, capabilities=ServerCapabilities(has_system_role=False))
    folded = [message(Role.USER, "Be brief.\n\nWhy is the sea salty?")]
    assert folding.turns(REQUEST.messages) == folded
    assert ENDPOINT.turns(REQUEST.messages) == [SYSTEM, USER]


@pytest.mark.parametrize(
    ("messages", "folded"),
    [
        ([USER], [USER]),
        ([], []),
        (
            [SYSTEM, USER, message(Role.ASSISTANT, "Rain."), USER],
            [
                message(Role.USER, "Be brief.\n\nWhy is the sea salty?"),
                message(Role.ASSISTANT, "Rain."),
                USER,
            ],
        ),
        (
            [SYSTEM, SYSTEM, USER],
            [message(Role.USER, "Be brief.\n\nBe brief.\n\nWhy is the sea salty?")],
        ),
    ],
    ids=["no_system_message", "nothing", "several_turns", "two_system_messages"],
)
def test_system_messages_go_before_what_the_user_says(
    messages: list[ChatMessage], folded: list[ChatMessage]
) -> None:
    assert fold_system_message(messages) == folded


def test_tokens_are_counted_beside_the_api() -> None:
    assert tokens_url("http://10.0.0.1:8000/v1") == "http://10.0.0.1:8000/tokenize"


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
        ("1.5", 0.0),
        ("nan", 0.0),
        ("1e9", 0.0),
        ("Wed, 21 Oct 2037 07:28:00 GMT", 0.0),
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


@pytest.mark.parametrize("status", [408, 409, 425, 500, 502, 504, 529, 599])
def test_a_server_that_fails_may_do_better_the_next_time(status: int) -> None:
    with pytest.raises(TryAgainError, match=f"{status}: oh no") as error:
        read(b"oh no", status=status)
    assert error.value.reason is NoAnswer.SERVER_ERROR
    assert not error.value.is_busy


@pytest.mark.parametrize("status", [301, 307, 401, 403, 404])
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
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_is_final(status: int, words: bytes, reason: NoAnswer) -> None:
    outcome = read(words, status=status)
    assert (outcome.failed_because, outcome.failure) == (reason, f"{status}: {words.decode()}")
    assert outcome.text is None


# Probabilities


def token(written: object, *others: tuple[object, object]) -> dict[str, Any]:
    top = [{"token": each, "logprob": logprob} for each, logprob in others]
    return {"token": written, "logprob": -0.1, "top_logprobs": top}


def judged(*tokens: object) -> Outcome:
    """The outcome of an answer that consists of these tokens."""
    text = "".join(each["token"] for each in tokens if isinstance(each, dict))
    body = completion(text)
    body["choices"][0]["logprobs"] = {"content": list(tokens)}
    return read(body)


def shares(outcome: Outcome) -> dict[tuple[int, str], float]:
    return {(start, word): round(share, 6) for start, word, share in outcome.choices}


def test_a_word_has_the_share_of_its_token() -> None:
    outcome = judged(
        token("<<Role>>:", ("<<Role>>:", 0.0)),
        token(" Good", (" Good", math.log(0.6)), (" Bad", math.log(0.3)), (" None", math.log(0.1))),
    )
    assert outcome.text is not None
    assert outcome.text.index("Good") == 10
    assert shares(outcome) == {(10, "Good"): 0.6, (10, "Bad"): 0.3, (10, "None"): 0.1}


def test_a_word_of_several_tokens_has_the_share_of_those_that_begin_it() -> None:
    outcome = judged(
        token(" N", (" N", math.log(0.4)), (" Go", math.log(0.2)), ("Good", math.log(0.2))),
        token("one", ("one", 0.0)),
    )
    assert shares(outcome) == {(1, "Good"): 0.5, (1, "Bad"): 0.0, (1, "None"): 0.5}


def test_the_shares_are_those_among_the_words() -> None:
    outcome = judged(
        token("Bad", ("Bad", math.log(0.2)), ("Fine", math.log(0.7)), ("good", math.log(0.1)))
    )
    assert shares(outcome) == {(0, "Good"): 0.333333, (0, "Bad"): 0.666667, (0, "None"): 0.0}


def test_every_place_of_a_word_has_its_shares() -> None:
    place = token("Good", ("Good", math.log(0.9)), ("Bad", math.log(0.1)))
    outcome = judged(place, token("\n"), place)
    assert sorted(start for start, word, _ in outcome.choices if word == "Good") == [0, 5]


def test_tokens_that_begin_two_of_the_words_belong_to_neither() -> None:
    body = completion("Great")
    body["choices"][0]["logprobs"] = {"content": [token("G", ("G", -0.1), ("Go", -3.0))]}
    assert read(body, replace(REQUEST, choices=("Good", "Great"))).choices == ()


def test_shares_of_nothing_are_left_out() -> None:
    assert judged(token("Good", ("Good", -9999.0), ("Bad", -math.inf))).choices == ()


@pytest.mark.parametrize("logprob", [math.nan, None, "much", [], 10**400, {}])
def test_a_logprob_that_is_no_number_gives_no_shares(logprob: object) -> None:
    outcome = judged(token("Good", ("Good", logprob), ("Bad", -1.0)))
    assert (outcome.text, outcome.choices) == ("Good", ())


@pytest.mark.parametrize("logprob", [0.5, 1000.0, math.inf])
def test_a_probability_is_never_above_one(logprob: float) -> None:
    assert shares(judged(token("Good", ("Good", logprob), ("Bad", 0.0))))[0, "Good"] == 0.5


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {},
        [],
        "none",
        7,
        {"content": None},
        {"content": 7},
        {"content": "Good"},
        {"content": [None]},
        {"content": ["Good"]},
        {"content": [{}]},
        {"content": [{"token": None, "top_logprobs": []}]},
        {"content": [{"token": 5, "top_logprobs": []}]},
        {"content": [{"token": "Good"}]},
        {"content": [{"token": "Good", "top_logprobs": None}]},
        {"content": [{"token": "Good", "top_logprobs": [None]}]},
        {"content": [{"token": "Good", "top_logprobs": [{"token": 5, "logprob": 0}]}]},
        {"tokens": ["Good"], "token_logprobs": [-0.1]},  # of the older completions API
    ],
)
def test_an_answer_whose_logprobs_are_odd_is_an_answer_without_shares(logprobs: object) -> None:
    body = completion("Good")
    body["choices"][0]["logprobs"] = logprobs
    outcome = read(body)
    assert (outcome.text, outcome.failed_because, outcome.choices) == ("Good", None, ())


def test_shares_that_were_not_asked_for_are_not_read() -> None:
    body = completion("Good")
    body["choices"][0]["logprobs"] = {"content": [token("Good", ("Good", -0.1))]}
    assert read(body, REQUEST).choices == ()


@pytest.mark.parametrize(
    ("reason", "stored"), [("stop", "stop"), (None, "unknown"), ("a\ud800", "a?"), (7, "7")]
)
def test_why_an_answer_ended_can_be_stored(reason: object, stored: str) -> None:
    body = completion("Good")
    body["choices"][0]["finish_reason"] = reason
    assert read(body).finish_reason == stored


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
                ["choices", "message", "content", "usage", "logprobs", "token", "top_logprobs"]
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
REPLIES = record(
    choices=st.lists(
        either(
            record(
                message=record(content=st.one_of(TEXT, st.none())),
                finish_reason=TEXT,
                logprobs=record(content=TOKENS),
            )
        ),
        min_size=1,
        max_size=2,
    ),
    usage=USAGE,
)
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


@given(st.integers(201, 599), st.binary(max_size=40), st.text(st.characters(codec="latin-1")))
def test_any_error_is_final_or_another_attempt_or_no_server_of_ours(
    status: int, raw: bytes, wait: str
) -> None:
    with suppress(TryAgainError, EngineError):
        outcome = read_reply(status, {"Retry-After": wait}, raw, REQUEST, attempt=1)
        assert outcome.failed_because in (NoAnswer.TOO_LONG, NoAnswer.REFUSED_BY_SERVER)
