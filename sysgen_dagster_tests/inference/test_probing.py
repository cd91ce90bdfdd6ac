"""What is found out of a server before requests are sent: of simulated servers and of odd ones."""

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, get_args

import pytest
from aiohttp import web

from sysgen_dagster.catalog.models import RequestSettings, SamplingField
from sysgen_dagster.chat.constraints import Constraint, ConstraintForm
from sysgen_dagster.inference.chat_api import (
    BusyError,
    EngineError,
    ModelIdentity,
    ServerCapabilities,
    UnreachableError,
)
from sysgen_dagster.inference.probing import probe_server
from sysgen_dagster_tests.inference.odd_servers import completion, listing, replying, serving
from sysgen_dagster_tests.simulated.running_server import Server, running

SECRET = "sk-nobody-may-see-this"
DEFAULT_PROMPT = "You are a helpful assistant with a name, a date and a long list of habits. " * 9


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Serves three models: whose template takes, refuses, and drops a system message."""
    options = [
        *("--model", "gemma=phi-4", "--no-system-role", "gemma"),
        *("--model", "silent=phi-4", "--drops-system-role", "silent"),
    ]
    with running(*options) as it:
        yield it


@pytest.fixture(scope="module")
def plain_server() -> Iterator[Server]:
    """Says as little as it may: a shorter context, no tokenizer."""
    with running("--no-tokenizer", "--max-model-len", "2048") as it:
        yield it


def probe(
    url: str, served_name: str = "phi", key: str | None = None, has_system_role: bool | None = None
) -> ServerCapabilities:
    served = ModelIdentity("phi-4", served_name, None, "endpoint")
    return probe_server(served, url, key, has_system_role, retries=0)


@contextmanager
def chatting(
    chat: Callable[[dict[str, str]], Any], models: bytes = listing("phi")
) -> Iterator[str]:
    """A server whose chat replies are made by a function of the messages' contents by role."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/v1/models":
            return web.Response(body=models, content_type="application/json")
        if request.path == "/tokenize":
            return web.Response(status=404)
        messages = (await request.json())["messages"]
        reply = chat({message["role"]: message["content"] for message in messages})
        return reply if isinstance(reply, web.Response) else web.json_response(reply)

    with serving(answer) as url:
        yield url


def counting(text: str) -> dict[str, Any]:
    """A chat completion of a prompt with that many words."""
    return completion("Yes.", usage={"prompt_tokens": len(text.split())})


# Context and tokenizer


def test_the_context_and_the_tokenizer_of_a_server_are_found_out(server: Server) -> None:
    assert probe(f"{server.url}/v1") == ServerCapabilities(
        8192, has_tokenizer=True, has_system_role=True
    )


def test_a_server_without_tokenizer_is_seen(plain_server: Server) -> None:
    assert probe(f"{plain_server.url}/v1") == ServerCapabilities(2048, has_tokenizer=False)


def test_a_server_that_names_no_context_and_counts_no_tokens_is_used_as_it_is() -> None:
    with chatting(lambda roles: completion("Yes.")) as url:
        assert probe(url) == ServerCapabilities(None, has_tokenizer=False, has_system_role=True)


@pytest.mark.parametrize("context", ["8192", None, {}, []], ids=repr)
def test_a_context_that_is_no_number_is_not_known(context: Any) -> None:
    models = json.dumps({"data": [{"id": "phi", "max_model_len": context}]}).encode()
    with chatting(lambda roles: completion("Yes."), models=models) as url:
        assert probe(url).context_tokens is None


@pytest.mark.parametrize(
    "reply",
    [
        web.Response(status=404),
        web.Response(status=500),
        web.Response(body=b"<html>", content_type="text/html"),
        web.Response(body=b"<html>", content_type="application/json"),
        web.Response(body=b"[1]", content_type="application/json"),
        web.Response(body=b'{"count": "7"}', content_type="application/json"),
    ],
    ids=["not_there", "fails", "page", "page_as_json", "list", "no_number"],
)
def test_what_does_not_count_tokens_is_no_tokenizer(reply: web.Response) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/tokenize":
            return web.Response(
                status=reply.status, body=reply.body, content_type=reply.content_type
            )
        return web.Response(body=listing("phi"), content_type="application/json")

    with serving(answer) as url:
        assert not probe(url, has_system_role=True).has_tokenizer


# The system role


@pytest.mark.parametrize("served_name", ["gemma", "silent"], ids=["refused", "dropped"])
def test_a_template_that_shows_no_system_message_is_found_out(
    server: Server, served_name: str
) -> None:
    assert not probe(f"{server.url}/v1", served_name).has_system_role


@pytest.mark.parametrize("declared", [True, False])
def test_a_system_role_that_the_catalogue_declares_is_not_asked_for(declared: bool) -> None:
    asked: list[dict[str, str]] = []

    def chat(roles: dict[str, str]) -> Any:
        asked.append(roles)
        return completion("Yes.")

    with chatting(chat) as url:
        assert probe(url, has_system_role=declared).has_system_role is declared
    assert [list(roles) for roles in asked] == [["user"]]


def test_a_template_with_a_long_system_prompt_of_its_own_takes_another_in_its_place() -> None:
    with chatting(lambda roles: counting(roles.get("system", DEFAULT_PROMPT))) as url:
        assert probe(url).has_system_role


def test_a_template_that_puts_its_own_system_prompt_in_place_of_ours_shows_none() -> None:
    with chatting(lambda roles: counting(DEFAULT_PROMPT)) as url:
        assert not probe(url).has_system_role


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_template_may_refuse_a_system_message_in_the_words_of_any_server(status: int) -> None:
    """vLLM says 400; llama.cpp and SGLang say 500."""

    def chat(roles: dict[str, str]) -> Any:
        refusal = web.Response(text="System role not supported", status=status)
        return refusal if "system" in roles else completion("Yes.")

    with chatting(chat) as url:
        assert not probe(url).has_system_role


@pytest.mark.parametrize(
    "usage", [None, 5, [1], {}, {"prompt_tokens": None}, {"prompt_tokens": "5"}], ids=repr
)
def test_a_server_that_counts_no_tokens_is_thought_to_show_system_messages(usage: Any) -> None:
    with chatting(lambda roles: completion("Yes.", usage=usage)) as url:
        assert probe(url).has_system_role


@pytest.mark.parametrize("reply", [b"[1]", b'{"choices": []}', b"null"], ids=str)
def test_an_odd_reply_to_the_trial_is_no_reason_not_to_go_on(reply: bytes) -> None:
    with chatting(lambda roles: web.Response(body=reply, content_type="application/json")) as url:
        assert probe(url).has_system_role


@pytest.mark.parametrize("reply", [b"<html>", b"{"], ids=str)
def test_a_reply_to_the_trial_that_cannot_be_read_names_the_server(reply: bytes) -> None:
    with (
        chatting(lambda roles: web.Response(body=reply, content_type="application/json")) as url,
        pytest.raises(UnreachableError, match=f"phi-4: {url}"),
    ):
        probe(url)


# Fields, thoughts and constraints


@contextmanager
def answering(answer: Callable[[dict[str, Any]], Any]) -> Iterator[str]:
    """A server whose chat replies are made by a function of the request's body."""

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/v1/models":
            return web.Response(body=listing("phi"), content_type="application/json")
        if request.path == "/tokenize":
            return web.Response(status=404)
        reply = answer(await request.json())
        return reply if isinstance(reply, web.Response) else web.json_response(reply)

    with serving(handle) as url:
        yield url


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "refused",
    [{"seed"}, {"temperature"}, {"top_k", "min_p"}, {"top_k", "min_p", "repetition_penalty"}],
    ids=lambda refused: "-".join(sorted(refused)),
)
def test_fields_that_a_server_refuses_are_found_out_once_and_left_out(
    refused: set[str], status: int
) -> None:
    asked: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> Any:
        asked.append(body)
        if refused & body.keys():
            return web.Response(text="Unrecognized request argument", status=status)
        return completion("Yes.")

    with answering(answer) as url:
        assert probe(url).refuses == refused
    assert not refused & asked[-1].keys()  # the questions about the system role come last


def test_a_server_is_asked_what_the_phases_ask() -> None:
    asked: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> Any:
        asked.append(body)
        return completion("Yes.")

    settings = RequestSettings(extra_body={"reasoning_effort": "low"}, leave_out=("seed",))
    model = ModelIdentity("phi-4", "phi", None, "endpoint", request=settings)
    with answering(answer) as url:
        assert probe_server(model, url, None, None, retries=0).refuses == frozenset()
    for body in asked:
        assert body["max_tokens"] >= 16  # some servers refuse less
        assert body["reasoning_effort"] == "low"
        assert {*get_args(SamplingField)} - {"seed"} <= body.keys()
        assert "seed" not in body


@pytest.mark.parametrize(
    ("content", "fields", "thinks"),
    [
        ("Yes.", {}, False),
        ("<think>\nThe user wants", {}, True),
        ("Yes.", {"reasoning": "The user wants a word."}, True),
        ("<think>\n\n</think>\n\nYes.", {}, False),  # its thinking is switched off
    ],
)
def test_a_model_that_thinks_is_seen_to(content: str, fields: dict[str, Any], thinks: bool) -> None:
    reply = completion(content)
    reply["choices"][0]["message"] |= fields
    with answering(lambda body: reply) as url:
        assert probe(url).thinks is thinks


def test_thoughts_that_the_template_opens_are_seen_by_their_end() -> None:
    def answer(body: dict[str, Any]) -> Any:
        if body["max_tokens"] > 100:
            return completion("The user wants a word.\n</think>\n\nYes.")
        reply = completion("The user wants")
        reply["choices"][0]["finish_reason"] = "length"
        return reply

    with answering(answer) as url:
        assert probe(url).thinks


HELD = Constraint({"regex": "yes|no"}, 'root ::= "yes" | "no"', {"enum": ["yes", "no"]})


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ("structured_outputs", "zebra"),
        ("grammar", "zebra\n"),
        ("response_format", '{"zebra": true}'),
    ],
)
def test_the_form_in_which_a_server_takes_a_constraint_is_tried(form: str, answer: str) -> None:
    with answering(lambda body: completion(answer if form in body else "Yes.")) as url:
        model = ModelIdentity("phi-4", "phi", None, "endpoint")
        found = probe_server(model, url, None, None, retries=0, constraint=HELD)
    assert found.constraint_form == form


@pytest.mark.parametrize("ignores", [True, False], ids=["ignores_them", "refuses_them"])
def test_a_server_that_holds_no_answer_to_a_form_is_an_error_that_names_the_setting(
    ignores: bool,
) -> None:
    def answer(body: dict[str, Any]) -> Any:
        is_free = not set(ConstraintForm) & body.keys()
        return completion("Yes.") if is_free or ignores else web.Response(status=400)

    model = ModelIdentity("phi-4", "phi", None, "endpoint")
    with answering(answer) as url, pytest.raises(EngineError, match="constrain_verdicts"):
        probe_server(model, url, None, None, retries=0, constraint=HELD)


@pytest.mark.parametrize("ignores", [True, False], ids=["ignores_them", "refuses_them"])
def test_a_server_that_holds_no_answer_to_a_form_is_asked_freely_where_none_is_needed(
    ignores: bool,
) -> None:
    def answer(body: dict[str, Any]) -> Any:
        is_free = not set(ConstraintForm) & body.keys()
        return completion("Yes.") if is_free or ignores else web.Response(status=400)

    model = ModelIdentity("phi-4", "phi", None, "endpoint")
    with answering(answer) as url:
        wish = replace(HELD, is_needed=False)
        found = probe_server(model, url, None, None, retries=0, constraint=wish)
    assert found.constraint_form is None


def test_the_context_that_llama_cpp_names_is_read() -> None:
    models = json.dumps({"data": [{"id": "phi", "meta": {"n_ctx": 4096}}]}).encode()
    with chatting(lambda roles: completion("Yes."), models=models) as url:
        assert probe(url).context_tokens == 4096


TOO_FEW = [
    "max_tokens too small",
    "max_tokens must be at least 64",
    "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 64",
    "max_completion_tokens: Input should be greater than or equal to 256",
    "`max_tokens` must be greater than `thinking.budget_tokens`",
    "This model needs a minimum of 128 output tokens",
]


@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize("words", TOO_FEW)
def test_a_server_that_refuses_so_short_an_answer_is_asked_for_a_longer_one(
    words: str, status: int
) -> None:
    limits: list[int] = []

    def answer(body: dict[str, Any]) -> Any:
        limits.append(body["max_tokens"])
        if body["max_tokens"] < 256:
            return web.json_response({"error": {"message": words}}, status=status)
        return completion("Yes.", usage={"prompt_tokens": 5})

    with answering(answer) as url:
        found = probe(url)
    assert found.refuses == frozenset()
    assert limits[0] >= 16
    assert limits[1:] == [512] * 3  # and no more is asked in vain


@pytest.mark.parametrize(
    "words", [*TOO_FEW, "This model's maximum context length is 10 tokens, which 26 exceed"]
)
def test_a_refusal_that_speaks_of_the_size_of_a_question_is_an_answer(words: str) -> None:
    with answering(lambda body: web.Response(text=words, status=400)) as url:
        assert probe(url) == ServerCapabilities()


@pytest.mark.parametrize(
    "words",
    [
        "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
        "max_tokens: Extra inputs are not permitted",
        "unknown field max_tokens; tokens must be greater than 0",
    ],
)
def test_a_field_of_another_name_is_no_matter_of_size(words: str) -> None:
    with (
        answering(lambda body: web.Response(text=words, status=400)) as url,
        pytest.raises(EngineError, match=r"does not answer a simple chat \(400: "),
    ):
        probe(url)


# Servers that do not serve the model


def test_a_server_without_chat_template_is_one_clear_error() -> None:
    def chat(_: dict[str, str]) -> web.Response:
        fault = {"message": "there is no chat template", "type": "BadRequestError", "code": 400}
        return web.json_response({"error": fault}, status=400)

    with chatting(chat) as url, pytest.raises(EngineError) as error:
        probe(url)
    assert not isinstance(error.value, UnreachableError)
    assert str(error.value).startswith(f"phi-4: {url} does not answer a simple chat (400: ")
    assert "there is no chat template" in str(error.value)


@pytest.mark.parametrize("status", [401, 402, 407])
@pytest.mark.parametrize("lists", [True, False])
def test_an_account_that_is_refused_is_told_so_and_not_to_start_a_server(
    status: int, lists: bool
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        if lists and request.path == "/v1/models":
            return web.Response(body=listing("phi"), content_type="application/json")
        return web.Response(text="not you", status=status)

    with serving(refuse) as url, pytest.raises(EngineError) as error:
        probe(url)
    assert not isinstance(error.value, UnreachableError)
    assert f"phi-4: {url} does not serve phi to us ({status}: not you): " in str(error.value)


@pytest.mark.parametrize("status", [429, 503, 529])
@pytest.mark.parametrize("lists", [True, False])
def test_a_server_without_room_says_how_long_to_wait(status: int, lists: bool) -> None:
    async def refuse(request: web.Request) -> web.Response:
        if lists and request.path == "/v1/models":
            return web.Response(body=listing("phi"), content_type="application/json")
        return web.Response(text="wait", status=status, headers={"Retry-After": "7"})

    with serving(refuse) as url, pytest.raises(BusyError, match="asks to wait 0:00:07") as error:
        probe(url)
    assert error.value.wait_s == 7


def test_what_is_no_chat_completion_is_quoted() -> None:
    def chat(_: dict[str, str]) -> web.Response:
        return web.Response(text="<html>Please log in")

    with chatting(chat) as url, pytest.raises(UnreachableError, match="<html>Please log in"):
        probe(url)


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_a_server_that_fails_every_chat_may_be_well_later(status: int) -> None:
    with (
        chatting(lambda roles: web.Response(text="no", status=status)) as url,
        pytest.raises(UnreachableError, match=f"phi-4: {url}"),
    ):
        probe(url)


@pytest.mark.parametrize(
    "body",
    [
        *(b"[1]", b"null", b"<html>", b"{", b"", b'{"data": 5}', b'{"data": [5]}'),
        *(b'{"data": [{}]}', b'{"data": [{"id": null}]}', b'{"data": [{"id": {"a": 1}}]}'),
    ],
    ids=repr,
)
def test_what_lists_no_models_is_no_openai_compatible_server(body: bytes) -> None:
    with replying(body) as url, pytest.raises(EngineError) as error:
        probe(url)
    assert url in str(error.value)


# Secrets


def test_the_key_is_sent_and_not_repeated_where_a_server_does() -> None:
    async def repeat(request: web.Request) -> web.Response:
        return web.Response(text=f"wrong: {request.headers['Authorization']}", status=401)

    with serving(repeat) as url, pytest.raises(EngineError) as error:
        probe(url, key=SECRET)
    shown = "".join(traceback.format_exception(error.value))
    assert "wrong: Bearer ***" in shown
    assert SECRET not in shown


def test_the_key_is_not_repeated_where_a_chat_is_refused_with_it() -> None:
    async def repeat(request: web.Request) -> web.Response:
        if request.path == "/v1/models":
            return web.Response(body=listing("phi"), content_type="application/json")
        return web.Response(text=f"wrong: {request.headers['Authorization']}", status=400)

    with serving(repeat) as url, pytest.raises(EngineError) as error:
        probe(url, key=SECRET)
    shown = "".join(traceback.format_exception(error.value))
    assert "wrong: Bearer ***" in shown
    assert SECRET not in shown


@pytest.mark.parametrize("key", [SECRET, 'sk-"quoted"/and-long-enough'])
@pytest.mark.parametrize("as_json", [True, False])
def test_the_key_is_not_repeated_where_a_list_of_models_holds_it(key: str, as_json: bool) -> None:
    async def repeat(request: web.Request) -> web.Response:
        sent = request.headers["Authorization"].removeprefix("Bearer ")
        if as_json:
            return web.json_response({"data": [{"id": sent}]})
        return web.Response(text=f"hello {'x' * 280} {sent}")

    with serving(repeat) as url, pytest.raises(EngineError) as error:
        probe(url, key=key)
    assert key[:8] not in str(error.value)


def test_no_proxy_of_the_machine_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert probe(f"{server.url}/v1").context_tokens == 8192
