"""Servers that say how likely the tokens of a prompt are, and the many that do not."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from sysgen_dagster.inference.chat_api import (
    Endpoint,
    EngineError,
    ModelIdentity,
    Retries,
    UnreachableError,
)
from sysgen_dagster.inference.prompt_logprobs import require_prompt_logprobs
from sysgen_dagster_tests.inference.odd_servers import replying, serving
from sysgen_dagster_tests.simulated.running_server import running

MODEL = ModelIdentity("phi-4", "phi", None, "endpoint")


def require(*urls: str) -> None:
    require_prompt_logprobs(Endpoint(MODEL, urls, retries=Retries(probes=0)))


@pytest.fixture(scope="module")
def good() -> Iterator[str]:
    with running() as server:
        yield f"{server.url}/v1"


def test_one_that_says_it_is_taken(good: str) -> None:
    require(good)


def test_one_like_that_of_llama_cpp_is_refused_by_name_with_what_to_do(good: str) -> None:
    with (
        running("--no-prompt-logprobs") as server,
        pytest.raises(EngineError, match="of 1 tokens of 6") as caught,
    ):
        require(good, f"{server.url}/v1")  # of several servers each is asked
    assert server.url in str(caught.value)
    assert "Serve the model with vLLM, started with --no-enable-prefix-caching" in str(caught.value)


def logprobs(*values: Any) -> dict[str, Any]:
    return {"choices": [{"logprobs": {"token_logprobs": [*values]}}]}


REPLIES: dict[str, Any] = {
    "no-logprobs": {"choices": [{"text": "a", "logprobs": None}]},
    "chat-form": {"choices": [{"logprobs": {"content": []}}]},
    "no-choices": {"choices": []},
    "a-list": [],
    "words": "yes",
    "prompt-alone": logprobs(None, -1.0, -1.0, -1.0, -1.0),
    "first-has-one": logprobs(-1.0, -1.0, -1.0, -1.0, -1.0, -1.0),
    "a-null": logprobs(None, -1.0, None, -1.0, -1.0, -1.0),
    "probabilities": logprobs(None, 0.5, 0.5, 0.5, 0.5, 0.5),
    "texts": logprobs(None, "-1", "-1", "-1", "-1", "-1"),
    "one-more": logprobs(None, *[-1.0] * 6),
    "no-list": {"choices": [{"logprobs": {"token_logprobs": 7}}]},
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_whatever_else_a_server_replies_is_refused(reply: Any) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(reply)

    with serving(answer) as url, pytest.raises(EngineError, match="score as guessing does") as it:
        require(url)
    assert not isinstance(it.value, UnreachableError)


@pytest.mark.parametrize("status", [400, 404, 405, 422, 501])
def test_one_that_refuses_such_a_request_is_refused(status: int) -> None:
    with replying(b"{}", status) as url, pytest.raises(EngineError, match=f"{status}"):
        require(url)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_one_that_is_busy_or_broken_is_not_said_to_lack_anything(status: int) -> None:
    with replying(b"{}", status) as url, pytest.raises(UnreachableError, match="fails"):
        require(url)


def test_one_that_is_away_is_not_said_to_lack_anything() -> None:
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9"):
        require("http://127.0.0.1:9/v1")
