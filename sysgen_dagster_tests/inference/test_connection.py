"""The way to the servers of a model: found, probed, lost, started again and left."""

import logging
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference.chat_api import EngineError, UnreachableError
from sysgen_dagster.inference.connection import WAYS_TO_GET_AN_ENGINE
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.local.servers import LocalServer
from sysgen_dagster.processes.state import running
from sysgen_dagster_tests.inference.batches import NOBODY, QUICK, question
from sysgen_dagster_tests.inference.connections import connecting
from sysgen_dagster_tests.inference.deployments import (
    SIMULATED,
    ask,
    connect,
    endpoint,
    engines_for,
    model,
    refusal_to,
)
from sysgen_dagster_tests.inference.local_servers import HEALTHY, healthy, in_use, is_in_use, on_gpu
from sysgen_dagster_tests.inference.odd_servers import (
    completion,
    listing,
    replying,
    serving,
    speaking,
)
from sysgen_dagster_tests.inference.processes import (
    CEILING_S,
    Descendants,
    Run,
    kill,
    wait_until,
)
from sysgen_dagster_tests.simulated import running_server

SECRET = "sk-nobody-may-see-this"


# Endpoints


def test_an_url_may_end_in_a_slash(
    folder: Path, ledger: Ledger, server: running_server.Server
) -> None:
    ask(engines_for(folder, endpoint(f"{server.url}/v1/")), ledger)


def test_an_endpoint_is_asked_directly_whatever_proxy_the_machine_has(
    folder: Path,
    ledger: Ledger,
    server: running_server.Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    ask(engines_for(folder, endpoint(f"{server.url}/v1")), ledger)


def test_a_replica_that_is_away_is_reported_and_the_others_answer(
    folder: Path, ledger: Ledger, server: running_server.Server
) -> None:
    engines = engines_for(folder, endpoint(NOBODY, f"{server.url}/v1"))
    report: list[str] = []
    assert connect(engines, report=report).base_urls == (NOBODY, f"{server.url}/v1")
    assert report[0].startswith(f"phi-4: no OpenAI-compatible server answers at {NOBODY}")
    assert report[1:] == ["phi: context of 8,192 tokens"]
    ask(engines, ledger)


def test_all_replicas_being_away_is_one_error_that_names_each(folder: Path) -> None:
    urls = (NOBODY, "http://127.0.0.1:10/v1")
    refusal = refusal_to(engines_for(folder, endpoint(*urls)))
    for url in urls:
        assert f"phi-4: no OpenAI-compatible server answers at {url}" in refusal
    assert refusal.count(WAYS_TO_GET_AN_ENGINE) == 1


@contextmanager
def too_busy(status: int, *, lists_models: bool) -> Iterator[str]:
    """A server that has no room for a chat, or for any question at all."""

    async def answer(request: web.Request) -> web.Response:
        if lists_models and request.path == "/v1/models":
            return web.Response(body=listing("phi"), content_type="application/json")
        return web.Response(status=status, text="too many of you")

    with serving(answer) as url:
        yield url


@pytest.mark.parametrize("lists_models", [True, False], ids=["for_chats", "for_anything"])
@pytest.mark.parametrize("status", [429, 503])
def test_servers_that_stay_busy_are_quoted_and_asked_again_later_and_no_other_engine_is_advised(
    folder: Path, status: int, lists_models: bool
) -> None:
    with (
        too_busy(status, lists_models=True) as one,
        too_busy(status, lists_models=lists_models) as other,
    ):
        refusal = refusal_to(engines_for(folder, endpoint(one, other)))
    for url in (one, other):
        assert f"phi-4: {url} has no room now ({status}: " in refusal
    assert refusal.count("too many of you") == 2
    assert refusal.endswith("\nMaterialize this partition again when there is room")
    assert WAYS_TO_GET_AN_ENGINE not in refusal


def test_where_one_server_is_busy_and_the_other_away_the_ways_to_get_an_engine_are_named(
    folder: Path,
) -> None:
    with too_busy(429, lists_models=True) as busy:
        refusal = refusal_to(engines_for(folder, endpoint(busy, NOBODY)))
    assert f"phi-4: {busy} has no room now (429: " in refusal
    assert f"phi-4: no OpenAI-compatible server answers at {NOBODY}" in refusal
    assert refusal.endswith(WAYS_TO_GET_AN_ENGINE)


def test_every_replica_has_to_serve_the_model(folder: Path, server: running_server.Server) -> None:
    with replying(listing("gpt")) as other:
        refusal = refusal_to(engines_for(folder, endpoint(f"{server.url}/v1", other)))
    assert refusal.startswith(f"phi-4: {other} serves gpt, not phi")


def test_a_replica_that_is_back_is_found_and_one_that_is_still_away_is_not(folder: Path) -> None:
    phi = endpoint(NOBODY, has_system_role=True)
    with engines_for(folder, phi).connection(phi, lambda _: None) as connection:
        with pytest.raises(UnreachableError):
            connection.reconnect(NOBODY)
        with replying(listing("phi")) as url:
            assert connection.reconnect(url) == url
        with replying(listing("gpt")) as url, pytest.raises(EngineError, match="serves gpt"):
            connection.reconnect(url)


PAGE = b"<html>Welcome to nginx!</html>"


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(lambda: replying(PAGE, content_type="text/html"), id="web_page"),
        pytest.param(lambda: replying(PAGE), id="web_page_as_json"),
        pytest.param(lambda: replying(b"[1]"), id="other_json"),
        pytest.param(lambda: replying(b"not found", status=404), id="not_found"),
        pytest.param(lambda: speaking(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), id="not_http"),
    ],
)
def test_what_is_no_openai_compatible_server_is_named_with_what_to_correct(
    folder: Path, place: Any
) -> None:
    with place() as url:
        refusal = refusal_to(engines_for(folder, endpoint(url)))
    assert f"phi-4: no OpenAI-compatible server answers at {url}" in refusal
    assert "Start it, or correct the URL (`base_urls` of a catalogue)" in refusal


@pytest.mark.parametrize(
    ("body", "served"),
    [
        pytest.param(b'{"data": [{"id": "gpt"}, {"id": "o1"}]}', "gpt, o1", id="others"),
        pytest.param(b'{"data": []}', "nothing", id="none"),
    ],
)
def test_an_endpoint_that_serves_other_models_names_them(
    folder: Path, body: bytes, served: str
) -> None:
    with replying(body) as url:
        refusal = refusal_to(engines_for(folder, endpoint(url)))
    assert refusal == (
        f"phi-4: {url} serves {served}, not phi; correct served_name in the catalogue, or start "
        "that model there"
    )


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_a_missing_api_key_names_its_variable(
    folder: Path,
    server: running_server.Server,
    monkeypatch: pytest.MonkeyPatch,
    value: str | None,
) -> None:
    monkeypatch.delenv("PHI_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("PHI_KEY", value)
    refusal = refusal_to(engines_for(folder, endpoint(f"{server.url}/v1", api_key_env="PHI_KEY")))
    assert refusal == "phi-4 takes its API key from PHI_KEY, which is not set"


@pytest.mark.parametrize("end", ["", "\n"], ids=["as_it_is", "with_the_line_end_of_a_file"])
def test_the_api_key_is_taken_from_its_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    sent = set()

    async def answer(request: web.Request) -> web.Response:
        sent.add((request.path, request.headers.get("Authorization")))
        if request.path == "/v1/models":
            return web.Response(body=listing("phi"), content_type="application/json")
        return web.json_response(completion("Yes.") | {"count": 1})

    monkeypatch.setenv("PHI_KEY", f"{SECRET}{end}")
    with serving(answer) as url:
        connected = connect(engines_for(folder, endpoint(url, api_key_env="PHI_KEY")))
    assert connected.api_key == SECRET
    paths = ("/v1/models", "/v1/chat/completions", "/tokenize")
    assert sent == {(path, f"Bearer {SECRET}") for path in paths}


@pytest.mark.parametrize("end", ["\nX: y", "\u00e4"], ids=["line_break", "not_ascii"])
def test_an_api_key_that_fits_into_no_header_is_refused_and_not_repeated(
    folder: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setenv("PHI_KEY", f"{SECRET}{end}")
    assert refusal_to(engines_for(folder, endpoint(NOBODY, api_key_env="PHI_KEY"))) == (
        "phi-4 takes its API key from PHI_KEY, which holds a line break or characters that are "
        "not ASCII"
    )


@contextmanager
def repeating_the_key(*paths: str) -> Iterator[str]:
    """Some servers repeat the key that they refuse."""

    async def answer(request: web.Request) -> web.Response:
        if request.path not in paths:
            return web.Response(body=listing("phi"), content_type="application/json")
        refusal = {"error": {"message": f"wrong key: {request.headers['Authorization']}"}}
        return web.json_response(refusal, status=400 if "chat" in request.path else 401)

    with serving(answer) as url:
        yield url


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(lambda: repeating_the_key("/v1/models"), id="repeated"),
        pytest.param(lambda: repeating_the_key("/v1/chat/completions"), id="repeated_in_chat"),
        pytest.param(lambda: repeating_the_key("/tokenize"), id="repeated_by_tokenizer"),
        pytest.param(lambda: replying(listing("gpt")), id="other_model"),
        pytest.param(lambda: replying(b"<html>"), id="web_page"),
        pytest.param(lambda: speaking(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), id="not_http"),
    ],
)
def test_the_api_key_is_in_no_log_line_or_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("PHI_KEY", SECRET)
    shown: list[str] = []
    with place() as url:
        engines = engines_for(folder, endpoint(url, NOBODY, api_key_env="PHI_KEY"))
        try:
            shown.append(repr(connect(engines, report=shown)))
        except EngineError as error:
            shown += traceback.format_exception(error)
    assert SECRET not in "\n".join([*shown, caplog.text])


# Servers in use, and their deaths


def test_a_server_that_dies_in_the_middle_is_started_again_and_every_row_is_answered(
    folder: Path, ledger: Ledger, descendants: Descendants
) -> None:
    def killing() -> Iterator[ChatRequest]:
        for number in range(3000):
            if number == 2000:  # no more than 1,024 are on their way: others have been answered
                kill(*descendants(SIMULATED))
            yield question(number)

    report: list[str] = []
    engines = engines_for(folder, model(Engine.SIMULATED))
    ask(engines, ledger, report=report, requests=killing(), total=3000)
    assert sum(line.startswith("starting simulated") for line in report) == 2


def test_a_dead_server_is_started_again_and_is_in_use_as_before(
    folder: Path, descendants: Descendants
) -> None:
    with connecting(folder, on_gpu("a")) as connection:
        (url,) = connection.connect().base_urls
        kill(*descendants(rf"^\S+ {HEALTHY}"))
        wait_until(lambda: not running(folder))
        again = connection.reconnect(url)
        assert running(folder) == ["a"]
        assert is_in_use(folder, "a")
        kill(*descendants(rf"^\S+ {HEALTHY}"))
        connection.reconnect(again)
        assert len(descendants(rf"^\S+ {HEALTHY}")) == 1
    assert not is_in_use(folder, "a")


def test_a_server_that_only_seemed_dead_is_found_again(folder: Path) -> None:
    with connecting(folder, on_gpu("a")) as connection:
        (url,) = connection.connect().base_urls
        assert connection.reconnect(url) == url
        assert is_in_use(folder, "a")


def test_two_runs_whose_server_died_share_the_one_that_is_started_again(
    folder: Path, descendants: Descendants, gate: Path
) -> None:
    server = on_gpu("a", "--loads-while", str(gate))
    gate.unlink()
    with connecting(folder, server) as one, connecting(folder, server) as other:
        urls = {one.connect().base_urls, other.connect().base_urls}
        [[url]] = urls
        gate.touch()
        kill(*descendants(rf"^\S+ {HEALTHY}"))
        with ThreadPoolExecutor() as runs:
            again = [runs.submit(run.reconnect, url) for run in (one, other)]
            wait_until(lambda: descendants(rf"^\S+ {HEALTHY}"))
            gate.unlink()
            assert len({each.result(CEILING_S) for each in again}) == 1
        assert len(descendants(rf"^\S+ {HEALTHY}")) == 1


def test_a_server_that_is_killed_as_it_is_probed_is_started_again(
    folder: Path, tmp_path: Path, descendants: Descendants
) -> None:
    deaths = tmp_path / "deaths"
    deaths.write_text("2")
    report: list[str] = []
    dying = on_gpu("a", "--killed-when-probed", str(deaths))
    with connecting(folder, dying, report=report.append) as connection:
        [url] = connection.connect().base_urls
        assert sum(f"it was started again at {url}" in line for line in report) == 1
        assert deaths.read_text() == "0"
        assert len(descendants(rf"^\S+ {HEALTHY}")) == 1
        assert is_in_use(folder, "a")


def test_a_server_of_this_machine_that_has_no_room_yet_is_waited_for(
    folder: Path, tmp_path: Path
) -> None:
    chats = tmp_path / "chats"
    chats.write_text("2")
    report: list[str] = []
    busy = on_gpu("a", "--busy", str(chats))
    with connecting(folder, busy, report=report.append, patience_s=30.0) as connection:
        connection.connect()
    assert sum("asked again" in line for line in report) == 2
    assert not any("started again" in line for line in report)


def test_a_server_that_is_killed_at_every_probe_is_not_started_for_ever(
    folder: Path, tmp_path: Path
) -> None:
    deaths = tmp_path / "deaths"
    deaths.write_text("99")
    dying = on_gpu("a", "--killed-when-probed", str(deaths))
    with connecting(folder, dying) as connection, pytest.raises(EngineError):
        connection.connect()
    assert 99 - int(deaths.read_text()) == QUICK.restarts + 1


def test_a_server_that_cannot_be_started_again_names_the_ways_to_get_an_engine(
    folder: Path, descendants: Descendants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_TEST_NEED", "1")
    with connecting(folder, on_gpu("a", "--needs", "SYSGEN_TEST_NEED")) as connection:
        (url,) = connection.connect().base_urls
        monkeypatch.delenv("SYSGEN_TEST_NEED")
        kill(*descendants(rf"^\S+ {HEALTHY}"))
        with pytest.raises(EngineError) as error:
            connection.reconnect(url)
    assert "out of memory" in str(error.value)
    assert str(error.value).endswith(WAYS_TO_GET_AN_ENGINE)
    assert not is_in_use(folder, "a")


def test_a_model_whose_server_dies_gives_way_to_one_that_waits_and_comes_back_after_it(
    folder: Path, descendants: Descendants, begin: Callable[[LocalServer], Run]
) -> None:
    report: list[str] = []
    with connecting(folder, on_gpu("a"), report=report.append) as connection:
        (url,) = connection.connect().base_urls
        b = begin(on_gpu("b"))
        b.wait_for("waiting: a is in use")
        kill(*descendants(rf"^\S+ {HEALTHY}"))
        with ThreadPoolExecutor() as reviving:
            back = reviving.submit(connection.reconnect, url)
            assert b.url
            wait_until(lambda: any("b is in use and must end before a" in r for r in report))
            assert running(folder) == ["b"]
            b.end()
            assert back.result(CEILING_S)
        assert running(folder) == ["a"]
        assert is_in_use(folder, "a")


@pytest.mark.parametrize(
    ("busy", "words"),
    [("a", "a is in use and must end before b"), ("c", "starting b")],
    ids=["while_it_waits", "while_its_server_loads"],
)
def test_a_connection_that_is_cancelled_waits_no_more_and_leaves_the_device_to_others(
    folder: Path, busy: str, words: str
) -> None:
    report: list[str] = []
    on = {"a": "gpu0", "c": "gpu1"}[busy]
    slow = on_gpu("b", "--load-s", "600")
    with (
        in_use(healthy(busy, devices=(on,)), folder),
        connecting(folder, slow, report=report.append) as connection,
        ThreadPoolExecutor() as runs,
    ):
        waiting = runs.submit(connection.connect)
        wait_until(lambda: any(words in line for line in report))
        connection.cancel()
        with pytest.raises(EngineError, match="the run that waited for b was ended"):
            waiting.result(CEILING_S)
    with in_use(on_gpu("d"), folder):
        assert running(folder) == sorted({"a": ["d"], "c": ["c", "d"]}[busy])
