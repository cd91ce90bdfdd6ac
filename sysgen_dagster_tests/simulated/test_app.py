"""What the server's paths answer: models, counts of tokens, the prefix cache, its load."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.chat.tokens import estimate_tokens
from sysgen_dagster.lanes.sysgen.tags import Tag
from sysgen_dagster_tests.simulated.conversations import (
    annotate_messages,
    chat_message,
    folded,
    one_phrase_of,
    respond_messages,
    verify_messages,
)
from sysgen_dagster_tests.simulated.running_server import QUESTION, Server, error_of, running

Ask = Callable[[], tuple[int, str, Any]]

PROMPTS = [
    annotate_messages(QUESTION, "Rivers carry it there."),
    verify_messages(one_phrase_of(Tag.ROLE)),
    respond_messages(QUESTION),
    folded(respond_messages(QUESTION)),
]
SYSTEM = respond_messages(QUESTION, "You are a patient teacher of chemistry.")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    refuses = ("--model", "org/gemma=a=llama-3.1-8b", "--no-system-role", "org/gemma=a")
    drops = ("--model", "solar=phi-4", "--drops-system-role", "solar")
    with running(*refuses, *drops, "--max-model-len", "6000") as it:
        yield it


def test_the_models_say_who_owns_them(server: Server) -> None:
    models = server.get("/v1/models")["data"]
    assert {model["id"]: model["root"] for model in models} == {
        "phi": "phi-4",
        "org/gemma=a": "llama-3.1-8b",
        "solar": "phi-4",
    }
    assert {model["owned_by"] for model in models} == {"sysgen-dagster-simulated"}


def test_an_unknown_model_is_not_found(server: Server) -> None:
    answer = server.ask(respond_messages(QUESTION), model="gpt")
    assert error_of(answer) == (404, "NotFoundError", "The model `gpt` does not exist.")


def test_a_model_without_system_role_refuses_system_messages_only(server: Server) -> None:
    messages = respond_messages(QUESTION)
    refused = error_of(server.ask(messages, model="org/gemma=a"))
    assert refused == (400, "BadRequestError", "System role not supported")
    assert server.ask(folded(messages), model="org/gemma=a")[0] == 200


def test_requests_are_counted_by_status_and_phase() -> None:
    with running("--max-model-len", "4096") as fresh:
        fresh.ask(annotate_messages(QUESTION, "Rivers carry it there."))
        fresh.ask(verify_messages(one_phrase_of()))
        fresh.ask(respond_messages(QUESTION))
        fresh.ask(respond_messages(QUESTION), model="gpt")
        assert fresh.get("/stats") == {
            "requests": 4,
            "by_status": {"200": 3, "404": 1},
            "by_phase": {"1": 1, "3": 1, "4": 1},
            "by_fault": {},
            "most_in_flight": 1,
            "prompts_completed": 0,
        }


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
    messages = [chat_message(Role.USER, QUESTION)]
    assert count_of(server, prompt=QUESTION) == count_of(server, messages=messages) > 5


def test_what_is_too_long_to_be_answered_is_counted_all_the_same(server: Server) -> None:
    messages = respond_messages("salt " * 6000)
    assert server.ask(messages)[0] == 400
    assert count_of(server, messages=messages) > 6000


def test_counting_is_refused_where_answering_is(server: Server) -> None:
    unknown = tokenize(server, model="gpt", messages=SYSTEM)
    assert error_of(unknown) == (404, "NotFoundError", "The model `gpt` does not exist.")
    refused = tokenize(server, model="org/gemma=a", messages=SYSTEM)
    assert error_of(refused) == (400, "BadRequestError", "System role not supported")
    assert tokenize(server, model="org/gemma=a", messages=folded(SYSTEM))[0] == 200


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


# More requests than it works on at once


def asking(server: Server, pool: ThreadPoolExecutor, count: int, ask: Ask) -> list[Future[Any]]:
    """That many requests, of which each is in the server before the next one is sent."""
    sent: list[Future[Any]] = []
    for number in range(1, count + 1):
        sent.append(pool.submit(ask))
        while server.get("/stats")["most_in_flight"] < number:
            time.sleep(0.005)
    return sent


def test_requests_beyond_the_capacity_wait_for_their_turn_in_the_order_they_came() -> None:
    ended: list[Future[Any]] = []
    options = ("--capacity", "2", "--latency-ms", "500")
    with running(*options) as server, ThreadPoolExecutor(6) as pool:
        began = time.monotonic()
        sent = asking(server, pool, 6, lambda: server.ask(respond_messages(QUESTION)))
        for request in sent:
            request.add_done_callback(ended.append)
        assert [request.result()[0] for request in sent] == [200] * 6
        assert 1.5 <= time.monotonic() - began < 2.9  # three turns of two, not six of one
        assert server.get("/stats")["most_in_flight"] == 6
    turns = [{sent.index(request) // 2 for request in ended[at : at + 2]} for at in (0, 2, 4)]
    assert turns == [{0}, {1}, {2}]


def test_a_client_that_leaves_the_queue_frees_its_place() -> None:
    options = ("--capacity", "1", "--latency-ms", "500", "--reject-above", "2")
    with running(*options) as server, ThreadPoolExecutor(1) as pool:
        asking(server, pool, 1, lambda: server.ask(respond_messages(QUESTION)))
        try:
            server.send({"model": "phi", "messages": respond_messages(QUESTION)}, timeout=0.05)
        except TimeoutError:
            time.sleep(0.05)
        assert server.ask(respond_messages(QUESTION))[0] == 200


def test_a_request_that_finds_too_many_in_the_server_is_rejected_at_once() -> None:
    options = ("--reject-above", "3", "--latency-ms", "1000")
    with running(*options) as server, ThreadPoolExecutor(3) as pool:
        sent = asking(server, pool, 3, lambda: server.ask(respond_messages(QUESTION)))
        for _ in range(2):
            rejected = server.ask(respond_messages("salt " * 50_000))
            assert error_of(rejected)[:2] == (429, "RateLimitError")
            assert rejected[2]["Retry-After"] is None
        assert not any(request.done() for request in sent)
        assert [request.result()[0] for request in sent] == [200] * 3
        assert server.ask(respond_messages(QUESTION))[0] == 200
        stats = server.get("/stats")
    assert stats["by_status"] == {"200": 4, "429": 2}
    assert stats["most_in_flight"] == 3
