"""The client against servers that fail in every way, over real HTTP."""

import asyncio
import json
import logging
import re
import socket
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from aiohttp import web

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference import client
from sysgen_dagster.inference.asking import MOST_FAILURES
from sysgen_dagster.inference.chat_api import (
    Endpoint,
    EngineError,
    ModelIdentity,
    ServerCapabilities,
    UnreachableError,
)
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.quoting import quoted
from sysgen_dagster.inference.replicas import MOST_IN_FLIGHT
from sysgen_dagster.inference.stopping import Stop, StoppedError
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster_tests.inference.batches import (
    NOBODY,
    Connected,
    ask,
    ask_lazily,
    ask_one,
    endpoint_at,
    question,
    questions,
)
from sysgen_dagster_tests.inference.odd_servers import completion, replying, serving, speaking
from sysgen_dagster_tests.inference.processes import wait_until
from sysgen_dagster_tests.simulated.running_server import Server, running

SECRET = "sk-nobody-may-see-this"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("--model", "gemma=phi-4", "--no-system-role", "gemma") as it:
        yield it


def lines_in(ledger: Ledger) -> int:
    return sum(1 for line in ledger.path.read_bytes().split(b"\n") if line)


def requests_at(server: Server) -> int:
    count: int = server.get("/stats")["requests"]
    return count


def endpoint_of(server: Server, **settings: Any) -> Endpoint:
    return endpoint_at(f"{server.url}/v1", **settings)


# What comes back


def test_every_request_gets_one_row_of_the_declared_columns(server: Server, ledger: Ledger) -> None:
    rows = ask(endpoint_of(server), questions(300), ledger)
    assert dict(rows.schema) == COMPLETIONS
    assert set(rows["request_id"]) == {f"capybara-{number}" for number in range(300)}
    assert rows.height == 300
    assert rows["text"].null_count() == 0
    assert rows["text"].str.starts_with(NOTICE).mean() > 0.9  # type: ignore[operator]
    assert rows["failed_because"].null_count() == rows["failure"].null_count() == 300
    assert set(rows["attempts"]) == {1}
    assert rows["completion_tokens"].min() > 1  # type: ignore[operator]


def test_a_row_says_how_and_by_whom_it_was_answered(server: Server, ledger: Ledger) -> None:
    row = ask_one(endpoint_of(server), question(7), ledger)
    asked = {"seed": 7, "temperature": 0.7, "max_tokens": 512, "finish_reason": "stop"}
    by = {
        "model": "phi-4",
        "served_name": "phi",
        "model_revision": "187ef03",
        "engine": "endpoint",
    }
    assert row.items() >= (asked | by).items()


def test_a_request_carries_messages_and_every_sampling_parameter(ledger: Ledger) -> None:
    bodies = []

    async def keep(request: web.Request) -> web.Response:
        bodies.append((request.path, await request.json()))
        return web.json_response(completion("Because."))

    with serving(keep) as url:
        ask(endpoint_at(url), [question(7)], ledger)
    body = {
        "model": "phi",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Why is the sea salty?"},
        ],
        "max_tokens": 512,
        "temperature": 0.7,
        "top_p": 1.0,
        "top_k": -1,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "seed": 7,
    }
    assert bodies == [("/v1/chat/completions", body)]


def test_no_requests_give_an_empty_frame_of_the_declared_columns(ledger: Ledger) -> None:
    rows = ask(endpoint_at(NOBODY), [], ledger)
    assert dict(rows.schema) == COMPLETIONS
    assert rows.height == 0


@pytest.mark.parametrize(
    ("kind", "text", "finish_reason"),
    [
        pytest.param("empty", "", "stop", id="empty"),
        pytest.param("length", NOTICE, "length", id="length"),
        pytest.param("refusal", "I'm sorry", "stop", id="refusal"),
    ],
)
def test_a_poor_answer_is_an_answer(
    server: Server, ledger: Ledger, kind: str, text: str, finish_reason: str
) -> None:
    row = ask_one(endpoint_of(server), question(1, mark=kind), ledger)
    assert row["text"].startswith(text)
    assert bool(row["text"]) == bool(text)
    assert (row["finish_reason"], row["failed_because"], row["attempts"]) == (
        finish_reason,
        None,
        1,
    )


@pytest.mark.parametrize(
    ("body", "text", "tokens"),
    [
        pytest.param(completion(None), "", None, id="null_content"),
        pytest.param(completion("Yes."), "Yes.", None, id="no_usage"),
        pytest.param(completion("Yes.", usage=None), "Yes.", None, id="null_usage"),
        pytest.param(completion("Yes.", usage={"prompt_tokens": 3}), "Yes.", None, id="half_usage"),
        pytest.param(
            completion("Yes.", usage={"completion_tokens": -1}), "Yes.", None, id="negative_usage"
        ),
        pytest.param(
            completion("Yes.", usage={"completion_tokens": 2}), "Yes.", 2, id="whole_usage"
        ),
        pytest.param(completion("Yes.", usage=[1]), "Yes.", None, id="usage_is_a_list"),
        pytest.param(
            {"choices": [{"message": {"content": "Yes."}}]}, "Yes.", None, id="no_finish_reason"
        ),
        pytest.param(completion("a \ud800 b"), "a ? b", None, id="lone_surrogate"),
        pytest.param(completion("\U0001f9c2"), "\U0001f9c2", None, id="pair_of_surrogates"),
        pytest.param(completion("a\x00b\u2028c"), "a\x00b\u2028c", None, id="control_characters"),
    ],
)
def test_an_odd_reply_gives_a_text_that_can_be_stored(
    tmp_path: Path, ledger: Ledger, body: dict[str, Any], text: str, tokens: int | None
) -> None:
    with replying(json.dumps(body).encode()) as url:
        rows = ask(endpoint_at(url), [question(1)], ledger)
        again = ask(endpoint_at(url), [question(1)], ledger)
    assert rows.select("text", "completion_tokens", "failed_because").row(0) == (text, tokens, None)
    assert again.equals(rows)
    rows.write_parquet(tmp_path / "rows.parquet")
    assert pl.read_parquet(tmp_path / "rows.parquet").equals(rows)


# Failures of one request


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        pytest.param("500", NoAnswer.SERVER_ERROR, "500: .*EngineCore", id="500"),
        pytest.param("disconnect", NoAnswer.SERVER_ERROR, "connection cut", id="disconnect"),
        pytest.param(
            "truncated_json",
            NoAnswer.MALFORMED_REPLY,
            'not a chat completion: {"id": "chatcmpl',
            id="truncated_json",
        ),
        pytest.param(
            "no_choices", NoAnswer.MALFORMED_REPLY, 'not .*"choices": \\[\\]', id="no_choices"
        ),
        pytest.param("html", NoAnswer.MALFORMED_REPLY, "not .*502 Bad Gateway", id="html"),
    ],
)
def test_a_fault_that_stays_is_retried_and_then_a_typed_failure(
    server: Server, ledger: Ledger, kind: str, reason: NoAnswer, words: str
) -> None:
    before = server.get("/stats")["by_fault"].get(kind, 0)
    rows = ask(endpoint_of(server), [question(1, mark=kind), question(2)], ledger)
    failed, answered = rows.sort("seed").to_dicts()
    assert (failed["text"], failed["failed_because"]) == (None, reason)
    assert re.search(words, failed["failure"])
    assert failed["attempts"] == server.get("/stats")["by_fault"][kind] - before == MOST_FAILURES
    assert answered["text"].startswith(NOTICE)


@pytest.mark.parametrize("status", [503, 429])
def test_a_row_that_always_meets_a_busy_server_is_given_up_when_others_were_answered(
    ledger: Ledger, status: int
) -> None:
    other_is_answered = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if (await request.json())["seed"] == 2:
            other_is_answered.set()
            return web.json_response(completion("Because."))
        await other_is_answered.wait()
        return web.Response(status=status)

    with serving(answer) as url:
        failed, answered = ask(endpoint_at(url), [question(1), question(2)], ledger).to_dicts()
    assert failed["failed_because"] == NoAnswer.SERVER_ERROR
    assert failed["failure"].startswith(str(status))
    assert answered["text"] == "Because."


def test_a_server_that_is_busy_for_everybody_ends_the_partition(ledger: Ledger) -> None:
    with replying(b"come back later", status=503) as url, pytest.raises(EngineError) as error:
        ask(endpoint_at(url), questions(20), ledger)
    assert "has answered no request for" in str(error.value)
    assert "503: come back later" in str(error.value)


def test_a_server_that_stays_silent_is_a_timeout(server: Server, ledger: Ledger) -> None:
    row = ask_one(endpoint_of(server, attempt_s=0.3), question(1, mark="timeout"), ledger)
    assert (row["failed_because"], row["attempts"]) == (NoAnswer.TIMEOUT, MOST_FAILURES)
    assert row["failure"] == "no answer in time"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe\x00", id="bytes"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[1]", id="list"),
        pytest.param(b'{"error": {"message": "out of memory"}}', id="error_with_status_200"),
        pytest.param(b'{"choices": [{"text": "of the completions API"}]}', id="no_message"),
        pytest.param(b'{"choices": ["text"]}', id="choice_is_text"),
        pytest.param(json.dumps(completion({"text": "a"})).encode(), id="content_is_an_object"),
        pytest.param(json.dumps(completion(5)).encode(), id="content_is_a_number"),
        pytest.param(b"[" * 100_000, id="nested_too_deep"),
    ],
)
def test_a_reply_that_is_no_chat_completion_fails_its_row_alone(
    ledger: Ledger, body: bytes
) -> None:
    with replying(body) as url:
        row = ask_one(endpoint_at(url), question(1), ledger)
    assert (row["text"], row["failed_because"]) == (None, NoAnswer.MALFORMED_REPLY)
    assert row["failure"] == f"not a chat completion: {quoted(body)}"
    assert row["attempts"] == MOST_FAILURES


def test_a_request_that_the_server_refuses_is_not_sent_again(
    server: Server, ledger: Ledger
) -> None:
    requests = [question(1, mark="earthquake"), question(2)]
    row, _ = ask(endpoint_of(server), requests, ledger).to_dicts()
    assert (row["failed_because"], row["attempts"]) == (NoAnswer.REFUSED_BY_SERVER, 1)
    assert re.match("400: .*Unknown fault earthquake", row["failure"])


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 8192 tokens. However, you requested 9000",
        "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
        "'max_tokens' is too large: 9000. max_model_len is 8192",
    ],
)
def test_a_request_that_does_not_fit_the_context_is_not_sent_again(
    ledger: Ledger, words: str
) -> None:
    with replying(json.dumps({"error": {"message": words}}).encode(), status=400) as url:
        row = ask_one(endpoint_at(url), question(1), ledger)
    assert (row["failed_because"], row["attempts"]) == (NoAnswer.TOO_LONG, 1)
    assert words in row["failure"]


def test_the_simulated_model_refuses_what_is_too_long(server: Server, ledger: Ledger) -> None:
    row = ask_one(endpoint_of(server), question(1, "salt " * 8000), ledger)
    assert (row["failed_because"], row["attempts"]) == (NoAnswer.TOO_LONG, 1)
    assert "maximum context length is 8192 tokens" in row["failure"]


def test_a_server_that_asks_us_to_wait_is_given_the_time(ledger: Ledger) -> None:
    arrivals: list[float] = []

    async def busy_once(_: web.Request) -> web.Response:
        arrivals.append(time.monotonic())
        if len(arrivals) == 1:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return web.json_response(completion("Because."))

    with serving(busy_once) as url:
        row = ask_one(endpoint_at(url), question(1), ledger)
    assert (row["text"], row["attempts"]) == ("Because.", 2)
    assert arrivals[1] - arrivals[0] >= 1


def test_faults_by_rate_are_recovered_from(ledger: Ledger) -> None:
    kinds = ("500", "503", "429", "disconnect", "truncated_json", "no_choices", "html")
    with running(*(f"--fault={kind}=0.04" for kind in kinds)) as flaky:
        rows = ask(endpoint_of(flaky, patience_s=60), questions(300), ledger)
        stats = flaky.get("/stats")
    assert set(stats["by_fault"]) == set(kinds)
    assert rows["text"].null_count() == 0
    assert rows["attempts"].sum() == stats["requests"] > 330
    assert rows["attempts"].max() > 2  # type: ignore[operator]


# Failures of the engine


@pytest.mark.parametrize("status", [307, 401, 402, 405])
def test_a_server_that_does_not_serve_us_ends_everything_at_once(
    ledger: Ledger, status: int
) -> None:
    count: Counter[str] = Counter()

    async def refuse(request: web.Request) -> web.Response:
        count[request.path] += 1
        return web.Response(status=status, text="not for you")

    with serving(refuse) as url, pytest.raises(EngineError) as error:
        ask(endpoint_at(url), questions(2000), ledger)
    assert f"{url}/chat/completions does not serve phi to us" in str(error.value)
    assert f"{status}: not for you" in str(error.value)
    # Those in flight, and those which got their places before all were stopped.
    assert count.total() <= 2 * endpoint_at(url).starts_with


def test_a_model_that_is_not_there_ends_everything_at_once(server: Server, ledger: Ledger) -> None:
    with pytest.raises(EngineError, match=r"does not serve gpt to us .*`gpt` does not exist"):
        ask(endpoint_of(server, model="gpt"), questions(200), ledger)


def test_an_engine_that_cannot_be_had_is_looked_for_once(ledger: Ledger) -> None:
    class Broken(Connected):
        looks = 0

        def connect(self, constraint: Constraint | None = None) -> Endpoint:
            Broken.looks += 1
            time.sleep(0.05)
            raise EngineError("out of memory")

    with pytest.raises(EngineError, match="out of memory"):
        ask(Broken(endpoint_at()), questions(200), ledger)
    assert Broken.looks == 1


def test_what_ends_a_partition_is_shown_as_it_is(
    server: Server, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Ledger, "append", full)
    with pytest.raises(OSError, match="No space left on device"):
        ask(endpoint_of(server), questions(50), ledger)


def test_a_server_that_is_not_there_is_named_with_what_to_do(ledger: Ledger) -> None:
    with pytest.raises(EngineError) as error:
        ask(endpoint_at(NOBODY), questions(10), ledger)
    assert "nothing listens at http://127.0.0.1:9/v1" in str(error.value)


def test_a_host_that_does_not_take_connections_is_not_there(ledger: Ledger) -> None:
    class Closed(Connected):
        def reconnect(self, url: str) -> str:
            raise UnreachableError(f"nothing listens at {url}")

    with full_backlog() as url, pytest.raises(UnreachableError, match="nothing listens at"):
        ask(Closed(endpoint_at(url, connect_s=0.2, patience_s=0)), questions(2), ledger)


@contextmanager
def full_backlog() -> Iterator[str]:
    """The URL of a port on which every further connection hangs, as behind a firewall."""
    with ExitStack() as open_sockets:
        listener = open_sockets.enter_context(closing(socket.socket()))
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = open_sockets.enter_context(closing(socket.socket()))
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def test_a_server_that_is_killed_in_the_middle_loses_only_what_was_in_flight(
    ledger: Ledger,
) -> None:
    def killing(server: Server) -> Iterator[ChatRequest]:
        for request in questions(200):
            if request.seed == 60:
                server.process.kill()
                server.process.wait()
            yield request

    with running() as server:
        connected = Connected(endpoint_of(server))
        with pytest.raises(EngineError, match="nothing listens"):
            ask_lazily(connected, killing(server), 200, ledger, [], most_in_flight=4)
    known = lines_in(ledger)
    assert 60 - 3 <= known <= 60
    with running() as restarted:
        report: list[str] = []
        rows = ask(endpoint_of(restarted), questions(200), ledger, report)
        assert requests_at(restarted) == 200 - known
    assert (rows.height, rows["text"].null_count()) == (200, 0)
    assert f"({known} known from before" in report[-1]


CLIENT = """
import sys
from pathlib import Path
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster_tests.inference.batches import ask, endpoint_at, questions
ask(endpoint_at(sys.argv[1]), questions(600), Ledger(Path(sys.argv[2])))
"""


def test_a_client_that_is_killed_loses_only_what_was_in_flight(ledger: Ledger) -> None:
    with running("--latency-ms", "200") as server:
        url = f"{server.url}/v1"
        killed = subprocess.Popen([sys.executable, "-c", CLIENT, url, str(ledger.path)])
        try:
            wait_until(lambda: requests_at(server) > 200)
        finally:
            killed.kill()
            killed.wait()
        known = lines_in(ledger)
        assert known >= requests_at(server) - MOST_IN_FLIGHT
        assert known > 0
    with running() as fresh:
        rows = ask(endpoint_of(fresh), questions(600), ledger)
        # The last line may have been cut off.
        assert 600 - known <= requests_at(fresh) <= 600 - known + 1
    assert (rows.height, rows["text"].null_count()) == (600, 0)


def test_a_user_who_ends_the_command_loses_only_what_was_in_flight(
    server: Server, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, answered, never = Stop(), 0, asyncio.Event()
    monkeypatch.setattr(client, "STOP", stop)

    async def answer(_: web.Request) -> web.Response:
        nonlocal answered
        answered += 1
        if answered == 20:
            stop.ask()  # from the thread of the server
            await never.wait()
        return web.json_response(completion("Because."))

    with serving(answer) as url, pytest.raises(StoppedError):
        ask(endpoint_at(url, starts_with=1), questions(200), ledger)
    known = lines_in(ledger)
    assert known >= 19
    with pytest.raises(StoppedError):  # nor does anything more begin
        ask(endpoint_of(server), questions(200), ledger)
    assert lines_in(ledger) == known
    monkeypatch.undo()
    before = requests_at(server)
    assert ask(endpoint_of(server), questions(200), ledger).height == 200
    assert requests_at(server) - before == 200 - known


# What is known already


def test_nothing_is_sent_when_everything_is_known(server: Server, ledger: Ledger) -> None:
    first = ask(endpoint_of(server), questions(50), ledger)
    before = requests_at(server)
    second = ask(endpoint_of(server), questions(50), ledger)
    assert requests_at(server) == before
    assert second.sort("seed").equals(first.sort("seed"))


def test_everything_known_is_given_without_any_server(server: Server, ledger: Ledger) -> None:
    ask(endpoint_of(server), questions(5), ledger)
    assert ask(endpoint_at(NOBODY), questions(5), ledger).height == 5


def test_what_was_answered_in_another_partition_is_not_sent(server: Server, tmp_path: Path) -> None:
    one, other = (Ledger(tmp_path / f"phi-4|chats-00{number}.jsonl") for number in range(2))
    answered = ask(endpoint_of(server), questions(2_500), one)
    one.seal()
    report: list[str] = []
    again = ask(endpoint_of(server), [*questions(2_520)][::-1], other, report)
    assert "2,520 of 2,520 answered (2,500 known from before, 0 failed)" in report[-1]
    texts = dict(again.select("request_id", "text").iter_rows())
    assert texts.items() >= dict(answered.select("request_id", "text").iter_rows()).items()
    assert ask(endpoint_at(NOBODY), questions(2_520), other).height == 2_520


def test_only_final_outcomes_are_known_the_next_time(server: Server, ledger: Ledger) -> None:
    requests = [
        question(1),
        question(2, mark="empty"),
        question(3, mark="earthquake"),  # refused
        question(4, "salt " * 8000),  # too long
        question(5, mark="500"),
        question(6, mark="no_choices"),
    ]
    first = ask(endpoint_of(server), requests, ledger)
    before = requests_at(server)
    second = ask(endpoint_of(server), requests, ledger)
    refused = 2  # the third and the fourth: another setting may answer them
    assert requests_at(server) - before == 2 * MOST_FAILURES + refused
    assert second.sort("seed").equals(first.sort("seed"))


def test_another_model_or_revision_is_asked_anew(server: Server, ledger: Ledger) -> None:
    ask(endpoint_of(server), questions(5), ledger)
    before = requests_at(server)
    other = ModelIdentity("phi-4", "phi", "another", "endpoint")
    ask(Endpoint(other, (f"{server.url}/v1",)), questions(5), ledger)
    assert requests_at(server) - before == 5


def test_an_answer_of_another_engine_is_asked_for_anew(server: Server, ledger: Ledger) -> None:
    simulated = ModelIdentity("phi-4", "phi", "187ef03", engine="simulated")
    ask(Endpoint(simulated, (f"{server.url}/v1",)), questions(5), ledger)
    with replying(json.dumps(completion("Of a real model.")).encode()) as real:
        rows = ask(Endpoint(replace(simulated, engine="vllm"), (real,)), questions(5), ledger)
    assert set(rows.select("engine", "text").iter_rows()) == {("vllm", "Of a real model.")}


# Secrets


def test_the_api_key_is_sent_as_a_bearer_token_and_none_where_there_is_none(
    tmp_path: Path,
) -> None:
    sent = []

    async def keep(request: web.Request) -> web.Response:
        sent.append(request.headers.get("Authorization"))
        return web.json_response(completion("Because."))

    with serving(keep) as url:
        ask(endpoint_at(url, api_key=SECRET), [question(1)], Ledger(tmp_path / "one"))
        ask(endpoint_at(url), [question(1)], Ledger(tmp_path / "other"))
    assert sent == [f"Bearer {SECRET}", None]


@contextmanager
def redirecting_in_circles() -> Iterator[str]:
    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": request.path})

    with serving(redirect) as url:
        yield url


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(lambda: replying(json.dumps(completion("Yes.")).encode()), id="answers"),
        pytest.param(lambda: replying(b"wrong key", status=401), id="unauthorized"),
        *(
            pytest.param(
                lambda status=status: replying(f"you sent {SECRET}".encode(), status=status),
                id=f"repeats_it_with_{status}",
            )
            for status in (200, 400, 401)
        ),
        pytest.param(lambda: replying(b"wrong parameter", status=400), id="refuses"),
        pytest.param(lambda: replying(b"<html>", content_type="text/html"), id="web_page"),
        pytest.param(lambda: speaking(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), id="not_http"),
        pytest.param(lambda: speaking(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), id="cut"),
        pytest.param(redirecting_in_circles, id="redirects"),
        pytest.param(lambda: nullcontext(NOBODY), id="nobody"),
    ],
)
def test_the_api_key_is_in_no_row_log_line_or_error(
    ledger: Ledger, caplog: pytest.LogCaptureFixture, place: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    with place() as url:
        endpoint = endpoint_at(url, api_key=SECRET)
        try:
            shown.append(str(ask(endpoint, [question(1)], ledger, shown).to_dicts()))
        except EngineError as error:
            shown += traceback.format_exception(error)
    shown += [repr(endpoint), str(endpoint), caplog.text, ledger.path.read_text()]
    assert SECRET not in "\n".join(shown)


def test_a_key_that_json_writes_otherwise_is_left_out_too(ledger: Ledger) -> None:
    key = 'sk-"quoted"/\\slashed'
    reply = json.dumps({"error": key}).replace("/", r"\/").encode()
    with replying(reply, status=400) as url, pytest.raises(EngineError) as error:
        ask_one(endpoint_at(url, api_key=key), question(1), ledger)
    assert '400: {"error": "***"}' in str(error.value)


def test_what_stands_for_a_key_and_is_a_word_stays_in_an_answer(ledger: Ledger) -> None:
    with replying(json.dumps(completion("EMPTY is no key.")).encode()) as url:
        row = ask_one(endpoint_at(url, api_key="EMPTY"), question(1), ledger)
    assert row["text"] == "EMPTY is no key."


# Models without a system role


def test_a_model_without_system_role_is_asked_without_one(server: Server, ledger: Ledger) -> None:
    folds = ServerCapabilities(has_system_role=False)
    row = ask_one(endpoint_of(server, model="gemma", capabilities=folds), question(1), ledger)
    assert row["text"].startswith(NOTICE)
    assert row["system_message_folded"]


def test_a_model_that_lacks_the_system_role_unbeknown_to_us_refuses(
    server: Server, ledger: Ledger
) -> None:
    with pytest.raises(EngineError, match=r"answered none .*System role not supported"):
        ask_one(endpoint_of(server, model="gemma"), question(1), ledger)


# Load


def test_a_replica_that_died_leaves_its_share_to_the_others(server: Server, ledger: Ledger) -> None:
    urls = (NOBODY, f"{server.url}/v1")
    rows = ask(endpoint_at(*urls), questions(300), ledger)
    assert rows["text"].null_count() == 0


def test_a_row_that_one_replica_fails_on_does_not_end_all_because_another_died(
    server: Server, ledger: Ledger
) -> None:
    urls = (NOBODY, f"{server.url}/v1")
    rows = ask(endpoint_at(*urls), [question(1, mark="500"), question(2)], ledger)
    failed, answered = rows.sort("seed").to_dicts()
    assert failed["failed_because"] == NoAnswer.SERVER_ERROR
    assert answered["text"].startswith(NOTICE)


def test_requests_are_taken_as_there_is_room(ledger: Ledger) -> None:
    taken, answered, at_once, most_at_once, most_ahead = 0, 0, 0, 0, 0

    def take() -> Iterator[ChatRequest]:
        nonlocal taken, most_ahead
        for request in questions(100):
            taken += 1
            most_ahead = max(most_ahead, taken - answered)
            yield request

    async def answer(_: web.Request) -> web.Response:
        nonlocal at_once, most_at_once, answered
        at_once += 1
        most_at_once = max(most_at_once, at_once)
        while most_at_once < 7:
            await asyncio.sleep(0.005)
        at_once -= 1
        answered += 1
        return web.json_response(completion("Because."))

    with serving(answer) as url:
        connected = Connected(endpoint_at(url))
        rows = ask_lazily(connected, take(), 100, ledger, [], most_in_flight=7)
    assert rows.height == 100
    assert most_at_once == most_ahead == 7


# Progress


def test_progress_says_how_many_are_done_and_failed_and_how_fast(ledger: Ledger) -> None:
    report: list[str] = []
    requests = [*questions(150), question(150, mark="earthquake")]
    options = {"show_every_s": 0.05, "most_in_flight": 10}
    with running("--latency-ms", "20") as server:
        ask(endpoint_of(server), requests, ledger, report, **options)
    form = re.compile(
        r"([\d,]+) of 151 answered \(0 known from before, ([\d,]+) failed\), "
        r"([\d,.]+) requests/s, ([\d,]+) tokens/s, up to \d+ at once, "
        r"(?:([\d,]+) s left|time left unknown until the first answer)"
    )
    lines = [form.fullmatch(line) for line in report]
    assert all(lines)
    done = [int(line[1]) for line in lines if line]
    assert len(done) > 2
    assert done == sorted(done)
    last = lines[-1]
    assert last is not None
    assert (last[1], last[2], last[5]) == ("151", "1", "0")
    assert float(last[3]) > 1
    assert int(last[4].replace(",", "")) > 100


def test_progress_counts_what_was_known_before_apart(server: Server, ledger: Ledger) -> None:
    ask(endpoint_of(server), questions(1200), ledger)
    report: list[str] = []
    ask(endpoint_of(server), questions(1200), ledger, report)
    assert report == [
        "1,200 of 1,200 answered (1,200 known from before, 0 failed), "
        "0.0 requests/s, 0 tokens/s, up to 0 at once, 0 s left"
    ]
