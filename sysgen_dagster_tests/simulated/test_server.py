"""The simulated model as a process, over real HTTP."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any

import openai
import pytest

from sysgen_dagster.chat.messages import Role
from sysgen_dagster.simulated.faults import Fault
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster_tests.simulated.conversations import (
    annotate_messages,
    folded,
    one_phrase_of,
    respond_messages,
    said,
    verify_messages,
)
from sysgen_dagster_tests.simulated.running_server import (
    MODULE,
    QUESTION,
    Server,
    error_of,
    running,
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("--model", "org/gemma=a=llama-3.1-8b", "--no-system-role", "org/gemma=a") as it:
        yield it


def test_a_completion_says_that_it_is_simulated_and_counts_tokens(server: Server) -> None:
    status, text, _ = server.ask(respond_messages(QUESTION))
    body = json.loads(text)
    assert (status, body["system_fingerprint"]) == (200, "simulated")
    assert body["choices"][0]["message"]["content"].startswith(NOTICE)
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 10 < usage["prompt_tokens"] < usage["completion_tokens"] < 1024


def test_the_same_request_gets_the_same_bytes_once_the_prefix_is_cached(server: Server) -> None:
    asked = [server.ask(respond_messages(QUESTION), seed=5)[1] for _ in range(3)]
    assert asked[1] == asked[2]
    first, second = (json.loads(text) for text in asked[:2])
    del first["usage"], second["usage"]
    assert first == second


def test_the_models_say_who_owns_them(server: Server) -> None:
    models = server.get("/v1/models")["data"]
    assert {model["id"]: model["root"] for model in models} == {
        "phi": "phi-4",
        "org/gemma=a": "llama-3.1-8b",
    }
    assert {model["owned_by"] for model in models} == {"sysgen-dagster-simulated"}


def test_text_parts_are_the_same_as_text(server: Server) -> None:
    parts = [{"type": "text", "text": QUESTION[:9]}, {"type": "text", "text": QUESTION[9:]}]
    body = {"model": "phi", "messages": [{"role": "user", "content": parts}], "max_tokens": 1024}
    status, text, _ = server.send(body)
    assert (status, text) == server.ask([said(Role.USER, QUESTION)])[:2]


def test_an_unknown_model_is_not_found(server: Server) -> None:
    answer = server.ask(respond_messages(QUESTION), model="gpt")
    assert error_of(answer) == (404, "NotFoundError", "The model `gpt` does not exist.")


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


def test_a_model_without_system_role_refuses_system_messages_only(server: Server) -> None:
    messages = respond_messages(QUESTION)
    refused = error_of(server.ask(messages, model="org/gemma=a"))
    assert refused == (400, "BadRequestError", "System role not supported")
    assert server.ask(folded(messages), model="org/gemma=a")[0] == 200


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_error_comes_when_asked_for_at_every_attempt(server: Server, status: int) -> None:
    for _ in range(3):
        answer = server.ask_with_mark(str(status))
        assert error_of(answer)[0] == status
        assert (answer[2]["Retry-After"] is not None) == (status == 429)


def test_a_broken_body_comes_when_asked_for(server: Server) -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(server.ask_with_mark("truncated_json")[1])
    assert json.loads(server.ask_with_mark("no_choices")[1])["choices"] == []
    status, text, headers = server.ask_with_mark("html")
    assert (status, headers.get_content_type(), text[:6]) == (200, "text/html", "<html>")
    status, text, headers = server.ask_with_mark("wrong_type")
    assert (status, headers.get_content_type()) == (200, "text/plain")
    assert isinstance(json.loads(text), list)


def test_a_broken_connection_comes_when_asked_for(server: Server) -> None:
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        server.ask_with_mark("disconnect")
    with pytest.raises(TimeoutError):
        server.ask_with_mark("timeout", timeout=0.3)
    assert server.ask(respond_messages(QUESTION))[0] == 200


def test_a_poor_answer_comes_when_asked_for(server: Server) -> None:
    kinds = ("empty", "length", "refusal")
    choices = [json.loads(server.ask_with_mark(kind)[1])["choices"][0] for kind in kinds]
    assert [choice["finish_reason"] for choice in choices] == ["stop", "length", "stop"]
    assert choices[0]["message"]["content"] == ""
    assert choices[2]["message"]["content"].startswith("I'm sorry")


def test_only_the_last_user_message_can_ask_for_a_fault(server: Server) -> None:
    earlier = [said(Role.USER, "[[simulate: 500]]"), said(Role.ASSISTANT, "No.")]
    assert server.ask([*earlier, said(Role.USER, QUESTION)])[0] == 200
    status, _, message = error_of(server.ask_with_mark("earthquake"))
    assert (status, message.partition(":")[0]) == (400, "Unknown fault earthquake")


def test_the_openai_package_can_talk_to_it(server: Server) -> None:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none")
    completion = client.chat.completions.create(
        model="phi",
        messages=[{"role": "user", "content": QUESTION}],
        max_tokens=1024,
        logprobs=True,
        top_logprobs=1,
        extra_body={"structured_outputs": {"choice": ["yes"]}},
    )
    [choice] = completion.choices
    assert choice.message.content == "yes"
    assert choice.logprobs is not None
    assert [token.token for token in choice.logprobs.content or ()] == ["yes"]
    assert completion.usage is not None
    assert completion.usage.prompt_tokens_details is not None
    assert "phi" in {model.id for model in client.models.list()}
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": "Hi"}])


def attempts_until_success(server: Server, seed: int) -> list[str]:
    """The outcomes of one request, sent again until it succeeds."""
    outcomes: list[str] = []
    while not outcomes or outcomes[-1] != "200":
        try:
            outcomes.append(str(server.ask(respond_messages(QUESTION), seed=seed)[0]))
        except (RemoteDisconnected, ConnectionResetError):
            outcomes.append("disconnect")
    return outcomes


def test_faults_by_rate_end_after_retries_and_are_the_same_on_every_server() -> None:
    options = ("--fault", "500=0.3", "disconnect=0.1", "--latency-ms", "1")
    histories = []
    for _ in range(2):
        with running(*options) as flaky:
            histories.append([attempts_until_success(flaky, seed) for seed in range(150)])
            stats = flaky.get("/stats")
    assert histories[0] == histories[1]
    first = [outcomes[0] for outcomes in histories[0]]
    assert 0.2 < first.count("500") / 150 < 0.4
    assert 0.03 < first.count("disconnect") / 150 < 0.2
    assert max(map(len, histories[0])) > 2
    assert stats["by_fault"][Fault.INTERNAL_ERROR] == stats["by_status"]["500"]
    assert stats["by_status"]["200"] == 150


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
        }


def test_it_ends_at_once_when_told_to_even_while_a_client_waits() -> None:
    with running() as waiting, closing(HTTPConnection(waiting.address, timeout=10)) as client:
        body = {"model": "phi", "messages": respond_messages("[[simulate: timeout]]")}
        client.request("POST", "/v1/chat/completions", json.dumps(body))
        while not waiting.get("/stats")["by_fault"]:
            pass
        waiting.process.send_signal(signal.SIGTERM)
        assert waiting.process.wait(5) == 0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--model", "phi"], "expected NAME=VALUE"),
        (["--model", "phi=gpt"], "no profile 'gpt'"),
        (["--model", "phi=phi-4", "--fault", "fire=0.1"], "faults are 500"),
        (["--model", "phi=phi-4", "--fault", "500=1.5"], "fault rates"),
        (["--model", "phi=phi-4", "--no-system-role", "x"], "models that are not served"),
        (["--model", "phi=phi-4", "--drops-system-role", "x"], "--drops-system-role names models"),
        (["--model", "phi=phi-4", "--capacity", "0"], "at least 1"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(options: list[str], complaint: str) -> None:
    command = [sys.executable, "-m", MODULE, *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert ended.returncode == 2
    assert complaint in ended.stderr
