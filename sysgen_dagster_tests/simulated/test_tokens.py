"""What a prompt counts: `/tokenize`, chat templates without system role, the prefix cache."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.chat.tokens import estimate_tokens
from sysgen_dagster.lanes.sysgen.tags import Tag
from sysgen_dagster_tests.simulated.conversations import (
    annotate_messages,
    folded,
    one_phrase_of,
    respond_messages,
    said,
    verify_messages,
)
from sysgen_dagster_tests.simulated.running_server import QUESTION, Server, error_of, running

PROMPTS = [
    annotate_messages(QUESTION, "Rivers carry it there."),
    verify_messages(one_phrase_of(Tag.ROLE)),
    respond_messages(QUESTION),
    folded(respond_messages(QUESTION)),
]
SYSTEM = respond_messages(QUESTION, "You are a patient teacher of chemistry.")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    refuses = ("--model", "gemma=phi-4", "--no-system-role", "gemma")
    drops = ("--model", "solar=phi-4", "--drops-system-role", "solar")
    with running(*refuses, *drops, "--max-model-len", "6000") as it:
        yield it


def tokenize(server: Server, **fields: object) -> tuple[int, str, Any]:
    return server.post("/tokenize", {"model": "phi", "add_generation_prompt": True} | fields)


def count_of(server: Server, **fields: object) -> int:
    count: int = json.loads(tokenize(server, **fields)[1])["count"]
    return count


@pytest.mark.parametrize("messages", PROMPTS)
def test_a_prompt_counts_before_it_is_sent_what_it_counts_afterwards(
    server: Server, messages: list[ChatMessage]
) -> None:
    status, text, _ = tokenize(server, messages=messages)
    body = json.loads(text)
    usage = server.complete(messages)["usage"]
    assert (status, body["count"]) == (200, usage["prompt_tokens"])
    assert (len(body["tokens"]), body["max_model_len"]) == (body["count"], 6000)


def test_plain_text_counts_as_much_as_a_message_with_it(server: Server) -> None:
    messages = [said(Role.USER, QUESTION)]
    assert count_of(server, prompt=QUESTION) == count_of(server, messages=messages) > 5


def test_what_is_too_long_to_be_answered_is_counted_all_the_same(server: Server) -> None:
    messages = respond_messages("salt " * 6000)
    assert server.ask(messages)[0] == 400
    assert count_of(server, messages=messages) > 6000


def test_counting_is_refused_where_answering_is(server: Server) -> None:
    unknown = tokenize(server, model="gpt", messages=SYSTEM)
    assert error_of(unknown) == (404, "NotFoundError", "The model `gpt` does not exist.")
    refused = tokenize(server, model="gemma", messages=SYSTEM)
    assert error_of(refused) == (400, "BadRequestError", "System role not supported")
    assert tokenize(server, model="gemma", messages=folded(SYSTEM))[0] == 200


@pytest.mark.parametrize(
    "body", [b"{", b"[]", {}, {"model": "phi"}, {"model": "phi", "prompt": 1}, {"prompt": "Hi"}]
)
def test_a_bad_body_cannot_be_counted(server: Server, body: bytes | dict[str, Any]) -> None:
    assert error_of(server.post("/tokenize", body))[:2] == (400, "BadRequestError")


def test_counting_is_no_chat_request(server: Server) -> None:
    before = server.get("/stats")
    tokenize(server, messages=SYSTEM)
    tokenize(server, model="gpt", messages=SYSTEM)
    assert server.get("/stats") == before


def test_a_server_without_tokenizer_does_not_know_the_path() -> None:
    with running("--no-tokenizer") as plain:
        assert tokenize(plain, messages=SYSTEM)[0] == 404
        assert plain.ask(SYSTEM)[0] == 200


def test_a_model_that_drops_the_system_role_says_nothing_and_never_sees_it(server: Server) -> None:
    with_it, without = (server.complete(turns, model="solar") for turns in (SYSTEM, SYSTEM[1:]))
    assert with_it["choices"] == without["choices"]
    assert with_it["usage"] == without["usage"]
    counts = {count_of(server, model="solar", messages=turns) for turns in (SYSTEM, SYSTEM[1:])}
    assert counts == {without["usage"]["prompt_tokens"]}
    assert server.complete(SYSTEM)["usage"]["prompt_tokens"] > max(counts)


def test_a_model_that_drops_the_system_role_answers_even_when_nothing_is_left(
    server: Server,
) -> None:
    assert server.complete(SYSTEM[:1], model="solar")["usage"]["prompt_tokens"] == 0


def test_a_system_message_comes_from_the_cache_from_the_second_request_on(server: Server) -> None:
    system = "You are a patient teacher of geology."

    def cached(system: str, question: str, model: str = "phi") -> int:
        usage = server.complete(respond_messages(question, system), model=model)["usage"]
        tokens: int = usage["prompt_tokens_details"]["cached_tokens"]
        return tokens

    known = estimate_tokens(system)
    assert [cached(system, question) for question in ("Why?", "Why?", "How?")] == [0, known, known]
    assert cached(f"{system} Be brief.", "Why?") == 0
    assert [cached(system, "Why?", "solar") for _ in range(2)] == [0, 0]


def test_without_a_system_message_nothing_comes_from_the_cache(server: Server) -> None:
    usages = [server.complete(folded(SYSTEM))["usage"] for _ in range(2)]
    assert [usage["prompt_tokens_details"]["cached_tokens"] for usage in usages] == [0, 0]
