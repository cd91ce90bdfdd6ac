"""The simulated model as a process, over real HTTP."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import openai
import pytest

from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster_tests.simulated.conversations import respond_messages
from sysgen_dagster_tests.simulated.running_server import MODULE, QUESTION, Server, running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as it:
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


def test_it_ends_at_once_on_sigterm_even_while_a_client_waits() -> None:
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
        (["--model", "phi=gpt"], "'gpt' is not one of 'llama-3.1-8b'"),
        (["--model", "phi=phi-4", "--fault", "fire=0.1"], "'fire' is not one of '500'"),
        (["--model", "phi=phi-4", "--fault", "500=1.5"], "fault rates"),
        (["--model", "phi=phi-4", "--no-system-role", "x"], "models that are not served"),
        (["--model", "phi=phi-4", "--drops-system-role", "x"], "--drops-system-role names models"),
        (["--model", "phi=phi-4", "--capacity", "0"], "range x>=1"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(options: list[str], complaint: str) -> None:
    command = [sys.executable, "-m", MODULE, *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert ended.returncode == 2
    assert complaint in ended.stderr
