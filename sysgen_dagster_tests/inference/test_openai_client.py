"""The `openai` package over our transport: what it asks is bounded, and what failed is said."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import httpx2
import openai
import pytest
from aiohttp import web

from sysgen_dagster.inference import openai_client
from sysgen_dagster.inference.chat_api import ModelIdentity, UnreachableError
from sysgen_dagster.inference.openai_client import open_client
from sysgen_dagster.inference.probing import probe_server
from sysgen_dagster_tests.inference.odd_servers import (
    Handler,
    completion,
    drip,
    for_ever,
    listing,
    serving,
    writing,
)

PHI = ModelIdentity("phi-4", "phi", None, "endpoint")
SLOW = 5.0  # far less than a reply that drips would take


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "QUESTION_S", 0.5)


def only(path: str, odd: Handler) -> Handler:
    """A healthy server, but for one path."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == path:
            return await odd(request)
        if request.path == "/v1/models":
            return web.Response(body=listing("phi"))
        return web.json_response(completion("Yes.") | {"count": 3})

    return handle


LIST, CHAT, COUNT = "/v1/models", "/v1/chat/completions", "/tokenize"


ODD: dict[str, Handler] = {
    "drips": writing(b'{"data"', then=drip),
    "endless": writing(b'{"data": [', then=for_ever),
    "drips_an_error": writing(b"no", then=drip, status=400),
    "never": writing(then=drip, Content_Length="100000"),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("path", [LIST, CHAT])
def test_a_reply_without_an_end_is_one_clear_error_in_bounded_time(path: str, odd: str) -> None:
    # A list that is too long is none: then the chat is asked, which this server answers.
    fails = path == CHAT or odd != "endless"
    words = "longer than 8,388,608 bytes" if odd == "endless" else "no answer in 0 s"
    began = time.monotonic()
    with (
        serving(only(path, ODD[odd])) as url,
        pytest.raises(UnreachableError, match=words) if fails else nullcontext(),
    ):
        probe_server(PHI, url, None, True, 0)
    assert time.monotonic() - began < SLOW


@pytest.mark.parametrize("odd", ODD)
def test_a_count_of_tokens_without_an_end_is_no_count(odd: str) -> None:
    with serving(only(COUNT, ODD[odd])) as url:
        assert not probe_server(PHI, url, None, True, 0).has_tokenizer


@pytest.mark.parametrize("path", [LIST, CHAT])
def test_json_that_is_nested_too_deep_is_one_clear_error(path: str) -> None:
    deep = b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    async def nest(_: web.Request) -> web.Response:
        return web.Response(body=deep)

    with serving(only(path, nest)) as url:
        if path == LIST:
            assert probe_server(PHI, url, None, True, 0).context_tokens is None
        else:
            with pytest.raises(UnreachableError, match="nested too deep"):
                probe_server(PHI, url, None, True, 0)


def test_all_questions_together_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "PROBE_S", 0.0)
    began = time.monotonic()
    with (
        serving(only("", writing())) as url,
        pytest.raises(UnreachableError, match="no end in 0 s"),
    ):
        probe_server(PHI, url, None, None, 100)  # which it would take minutes to use up
    assert time.monotonic() - began < SLOW


def test_a_pause_that_a_server_asks_for_does_not_outlast_the_probe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openai_client, "PROBE_S", 30.0)
    asked: list[str] = []

    async def busy_once(request: web.Request) -> web.Response:
        asked.append(request.path)
        if len(asked) == 1:
            return web.Response(status=429, headers={"Retry-After": "100"})
        return web.Response(body=listing("phi"))

    began = time.monotonic()
    with serving(busy_once) as url, open_client(url, None, 1) as client:
        sent: Any = client.get("/models", cast_to=httpx2.Response)
    assert json.loads(sent.content) == json.loads(listing("phi"))
    assert time.monotonic() - began < SLOW


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_a_failure_of_a_server_is_one_of_the_package_s_errors(status: int) -> None:
    with (
        serving(writing(b"no", status=status)) as url,
        open_client(url, "sk-key", 0) as client,
        pytest.raises(openai.APIStatusError) as error,
    ):
        client.get("/models", cast_to=httpx2.Response)
    assert error.value.status_code == status
    assert error.value.response.text == "no"


def test_servers_are_asked_from_several_threads_at_once() -> None:
    with serving(only("", writing())) as url, ThreadPoolExecutor(8) as pool:
        found = [pool.submit(probe_server, PHI, url, None, True, 0) for _ in range(8)]
        assert all(each.result().has_tokenizer for each in found)
