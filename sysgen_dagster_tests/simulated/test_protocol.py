"""What a request must look like, and what of it may change an answer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sysgen_dagster.chat.messages import Role
from sysgen_dagster.simulated.protocol import (
    cut_to_tokens,
    parse_chat_request,
    parse_tokenize_request,
)
from sysgen_dagster.simulated.request_error import RequestError
from sysgen_dagster_tests.simulated.conversations import chat_message, respond_messages
from sysgen_dagster_tests.simulated.running_server import QUESTION, Server, error_of, running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as it:
        yield it


def body(**fields: object) -> str:
    return json.dumps({"model": "phi", "messages": respond_messages("Why?"), **fields})


def test_text_parts_are_the_same_as_text(server: Server) -> None:
    parts = [{"type": "text", "text": QUESTION[:9]}, {"type": "text", "text": QUESTION[9:]}]
    body = {"model": "phi", "messages": [{"role": "user", "content": parts}], "max_tokens": 1024}
    status, text, _ = server.send(body)
    assert (status, text) == server.ask([chat_message(Role.USER, QUESTION)])[:2]


def test_a_request_that_is_too_long_is_refused_in_vllms_words(server: Server) -> None:
    status, kind, message = error_of(server.ask(respond_messages("salt " * 6000)))
    assert (status, kind) == (400, "BadRequestError")
    assert "maximum context length is 8192 tokens" in message


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        {},
        {"model": "phi"},
        {"model": "phi", "messages": []},
        {"model": "phi", "messages": [{"role": "wizard", "content": "Hello"}]},
        {"model": "phi", "messages": [{"role": "user"}]},
        {"model": "phi", "messages": ["Hello"]},
        {"model": "phi", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 0},
        {"model": "phi", "messages": [{"role": "user", "content": "Hello"}], "stream": True},
    ],
)
def test_a_bad_body_is_a_bad_request(server: Server, body: bytes | dict[str, Any]) -> None:
    assert error_of(server.send(body))[:2] == (400, "BadRequestError")


def test_an_answer_may_take_all_that_the_prompt_leaves_and_no_token_more() -> None:
    prompt = parse_chat_request(body()).prompt_tokens
    assert parse_chat_request(body(), max_model_len=prompt + 7).max_tokens == 7
    assert parse_chat_request(body(max_tokens=7), max_model_len=prompt + 7).max_tokens == 7
    for asked in ({"max_tokens": 8}, {"max_completion_tokens": 8, "max_tokens": 1}):
        with pytest.raises(RequestError, match="maximum context length"):
            parse_chat_request(body(**asked), max_model_len=prompt + 7)
    with pytest.raises(RequestError, match="maximum context length"):
        parse_chat_request(body(), max_model_len=prompt)


@pytest.mark.parametrize("max_tokens", [0, -1, 1.5, "7"])
def test_a_number_of_tokens_is_a_whole_one_from_one_on(max_tokens: object) -> None:
    with pytest.raises(RequestError, match="at least 1") as error:
        parse_chat_request(body(max_tokens=max_tokens))
    assert (error.value.status, error.value.param) == (400, "max_tokens")


def test_only_what_may_change_the_answer_is_in_the_digest() -> None:
    def digest(**fields: object) -> int:
        return parse_chat_request(body(**fields)).digest

    assert digest(user="a", request_id="b", logprobs=True, top_logprobs=3) == digest()
    for change in ({"seed": 1}, {"temperature": 0.1}, {"structured_outputs": {"regex": "a"}}):
        assert digest(**change) != digest()


def test_what_the_model_never_sees_changes_nothing() -> None:
    asked = (body(), body(messages=[chat_message(Role.USER, "Why?")]))
    with_it, without = (parse_chat_request(each, drops_system_role={"phi"}) for each in asked)
    assert with_it == without
    ignored = parse_chat_request(body(structured_outputs="x"), obeys_constraints=False)
    assert ignored == parse_chat_request(body())


def test_a_text_is_counted_like_a_message_even_where_it_is_empty() -> None:
    asked = (body(prompt=""), body(messages=[chat_message(Role.USER, "")]))
    assert [parse_tokenize_request(each).prompt_tokens for each in asked] == [1, 1]


@pytest.mark.parametrize(("text", "kept"), [("x" * 11, "x" * 11), ("x" * 12, "x" * 8), ("", "")])
def test_a_text_is_cut_where_it_has_too_many_tokens(text: str, kept: str) -> None:
    assert cut_to_tokens(text, 2) == kept
