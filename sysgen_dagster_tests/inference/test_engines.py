"""Every way to an engine, up to the completions that come out of it."""

import fcntl
import json
import logging
import re
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference.chat_api import (
    Endpoint,
    EngineError,
    ServerCapabilities,
    UnreachableError,
)
from sysgen_dagster.inference.engines import WAYS_TO_GET_AN_ENGINE, Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.local import llama_cpp, revisions, vllm
from sysgen_dagster.inference.local.servers import LocalServer, stop
from sysgen_dagster.inference.local.state import running
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster_tests.inference.batches import NOBODY, QUICK, ask_lazily, question, questions
from sysgen_dagster_tests.inference.connections import connecting
from sysgen_dagster_tests.inference.local.gguf_files import write_gguf
from sysgen_dagster_tests.inference.local_servers import HEALTHY, healthy, in_use, on_gpu
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
from sysgen_dagster_tests.simulated.running_server import MODULE

REVISION = "187ef0342fff0eb3333be9f00389385e95ef0b61"
SIMULATED = rf"^\S+ -m {MODULE}"  # the server's command line, not its supervisor's
SECRET = "sk-nobody-may-see-this"

# Arguments: folder, servers as JSON, seconds between two looks. Prints the URLs of a connection,
# which lasts until its standard input ends.
CONNECT = """
import json, sys
from pathlib import Path
from sysgen_dagster.inference.local.servers import LocalServer
from sysgen_dagster_tests.inference.connections import connecting
folder, started, look_every = sys.argv[1:]
started = [LocalServer(**each) for each in json.loads(started)]
report = lambda line: print(line, flush=True)
with connecting(Path(folder), *started, report=report, look_every_s=float(look_every)) as way:
    print("url:", *way.connect().base_urls, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[running_server.Server]:
    """A server that runs already and serves the model `phi`."""
    with running_server.running() as it:
        yield it


def model(engine: Engine, **fields: Any) -> Model:
    required = {
        "name": "phi-4",
        "served_name": "phi",
        "revision": REVISION,
        "license": "mit",
    }
    return Model.model_validate(required | {"engine": engine} | fields)


def endpoint(*urls: str, **fields: Any) -> Model:
    return model(Engine.ENDPOINT, base_urls=urls, **fields)


def engines_for(folder: Path, phi: Model, engine: Engine | None = None) -> Engines:
    """A deployment with two models, `phi-4` being the one that is asked."""
    named = {"name": "other", "served_name": "org/other"}
    other = model(Engine.VLLM, simulated_profile="llama-3.1-8b", **named)
    return Engines(folder, (phi, other), engine, QUICK)


def entry_of(engines: Engines, name: str) -> Model:
    return next(each for each in engines.together if each.name == name)


def ask(
    engines: Engines,
    ledger: Ledger,
    name: str = "phi-4",
    report: list[str] | None = None,
    requests: Iterable[ChatRequest] | None = None,
    total: int = 20,
) -> set[tuple[str, ...]]:
    """What the rows of a few completions say of their origin; all of them hold a text."""
    lines = [] if report is None else report
    with engines.connection(entry_of(engines, name), lines.append) as connection:
        rows = ask_lazily(connection, requests or questions(total), total, ledger, [])
    assert (rows.height, rows["text"].null_count()) == (total, 0)
    assert rows["text"].str.starts_with(NOTICE).any()
    origin = rows.select("model", "served_name", "model_revision", "engine")
    return set(origin.iter_rows())


def connect(engines: Engines, name: str = "phi-4", report: list[str] | None = None) -> Endpoint:
    """Where a model is served; its servers are not in use any more."""
    lines = [] if report is None else report
    with engines.connection(entry_of(engines, name), lines.append) as connection:
        return connection.connect()


def refusal_to(engines: Engines, name: str = "phi-4") -> str:
    """The words with which there is no engine."""
    with pytest.raises(EngineError) as error:
        connect(engines, name)
    return str(error.value)


def is_in_use(folder: Path, name: str) -> bool:
    with (folder / f"{name}.users").open("a+") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


# Simulated


def test_a_simulated_engine_is_started_and_answers(folder: Path, ledger: Ledger) -> None:
    report: list[str] = []
    engines = engines_for(folder, model(Engine.SIMULATED))
    origin = {("phi-4", "phi", REVISION, "simulated")}
    assert ask(engines, ledger, report=report) == origin
    assert running(folder) == ["simulated"]
    assert report[0].startswith("starting simulated: ")
    assert report[-2].startswith("simulated answers after")
    assert report[-1] == "phi: context of 8,192 tokens"


def test_one_simulated_server_stands_in_for_every_model(
    folder: Path, tmp_path: Path, descendants: Descendants
) -> None:
    engines = engines_for(folder, endpoint(NOBODY), Engine.SIMULATED)
    assert {
        *ask(engines, Ledger(tmp_path / "one")),
        *ask(engines, Ledger(tmp_path / "other"), "other"),
    } == {
        ("phi-4", "phi", REVISION, "simulated"),
        ("other", "org/other", REVISION, "simulated"),
    }
    assert len(descendants(SIMULATED)) == 1


def test_a_simulated_server_that_died_is_started_for_the_next_partition(
    folder: Path, ledger: Ledger, tmp_path: Path, descendants: Descendants
) -> None:
    engines = engines_for(folder, model(Engine.SIMULATED))
    ask(engines, ledger)
    kill(*descendants(SIMULATED))
    ask(engines, Ledger(tmp_path / "next.jsonl"))


def test_a_server_is_in_use_while_a_partition_is_made_and_not_after(
    folder: Path, ledger: Ledger
) -> None:
    used = []

    def watched() -> Iterator[ChatRequest]:
        for number in range(20):
            yield question(number)
            used.append(folder.exists() and is_in_use(folder, "simulated"))

    ask(engines_for(folder, model(Engine.SIMULATED)), ledger, requests=watched())
    assert used[-1]
    assert not is_in_use(folder, "simulated")


def test_no_server_is_started_for_what_is_known_already(folder: Path, ledger: Ledger) -> None:
    engines = engines_for(folder, model(Engine.SIMULATED))
    ask(engines, ledger)
    stop(folder, "simulated")
    ask(engines, ledger)
    assert running(folder) == []


def test_progress_is_shown_with_the_capacity_in_use(folder: Path, ledger: Ledger) -> None:
    shown: list[str] = []
    phi = model(Engine.SIMULATED)
    with engines_for(folder, phi).connection(phi, print) as connection:
        ask_lazily(connection, questions(20), 20, ledger, shown)
    assert shown[-1].startswith("20 of 20 answered")
    assert re.search(r"up to [1-9]\d* at once", shown[-1])


def test_a_server_that_does_not_start_shows_its_log_and_the_ways_to_get_an_engine(
    folder: Path,
) -> None:
    engines = engines_for(folder, model(Engine.SIMULATED, served_name=""))
    refusal = refusal_to(engines)
    assert refusal.startswith("phi-4 (simulated): simulated did not start")
    assert "expected NAME=VALUE" in refusal
    assert refusal.endswith(WAYS_TO_GET_AN_ENGINE)


def test_the_simulated_engine_needs_no_api_key(
    folder: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PHI_KEY", raising=False)
    phi = endpoint(NOBODY, api_key_env="PHI_KEY")
    ask(engines_for(folder, phi, Engine.SIMULATED), ledger)


# vLLM


@pytest.fixture(autouse=True)
def has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm, "has_gpu", lambda: False)
    monkeypatch.setattr(revisions, "look_up", lambda repo: None)  # no test asks the real Hub
    monkeypatch.delenv("SYSGEN_VLLM", raising=False)


@pytest.fixture
def has_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm, "has_gpu", lambda: True)


@pytest.fixture
def python_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this Python, with nothing else in it, and a PATH that leads nowhere."""
    folder = tmp_path / "venv" / "bin"
    write_program(folder / "python", f'exec {shlex.quote(sys.executable)} "$@"')
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    return folder


def write_program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def write_fake_vllm(path: Path) -> Path:
    """A `vllm serve NAME ... PORT` that is simulated; the file names its arguments, one a line."""
    called = path.with_name("called")
    python = shlex.quote(sys.executable)
    write_program(
        path,
        f'printf "%s\\n" "$@" > {shlex.quote(str(called))}\n'
        "for port; do :; done\n"
        f'exec {python} -m {MODULE} --model "$2=phi-4" --port "$port"',
    )
    return called


@pytest.mark.parametrize("place", ["venv/bin", "bin"], ids=["beside_python", "on_the_path"])
def test_vllm_is_started_for_a_model_and_answers(
    folder: Path,
    ledger: Ledger,
    tmp_path: Path,
    python_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    called = write_fake_vllm(tmp_path / place / "vllm")
    engines = engines_for(folder, model(Engine.VLLM))
    assert ask(engines, ledger) == {("phi-4", "phi", REVISION, "vllm")}
    arguments = called.read_text().split("\n")[:-1]
    assert arguments[:2] == ["serve", "phi"]
    assert arguments[-2] == "--port"
    assert arguments[-1].isdigit()
    assert running(folder) == ["vllm-phi-4"]


def test_vllm_beside_python_goes_before_the_one_on_the_path(
    folder: Path, tmp_path: Path, python_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    write_program(tmp_path / "bin" / "vllm", "exit 1")
    write_fake_vllm(python_folder / "vllm")
    connect(engines_for(folder, model(Engine.VLLM)))


def test_another_model_takes_the_gpu_over(
    folder: Path, tmp_path: Path, python_folder: Path, descendants: Descendants, has_gpus: None
) -> None:
    write_fake_vllm(python_folder / "vllm")
    engines = engines_for(folder, model(Engine.VLLM))
    report: list[str] = []
    for name in ("phi-4", "other"):
        ask(engines, Ledger(tmp_path / name), name, report)
    assert running(folder) == ["vllm-other-gpu0"]
    ended = "ending vllm-phi-4-gpu0, which is not in use, to start vllm-other-gpu0"
    assert ended in report
    assert len(descendants(SIMULATED)) == 1


def test_a_model_on_two_gpus_has_a_server_on_each(
    folder: Path, ledger: Ledger, python_folder: Path, descendants: Descendants, has_gpus: None
) -> None:
    write_fake_vllm(python_folder / "vllm")
    engines = engines_for(folder, model(Engine.VLLM, gpus=[0, 1]))
    assert ask(engines, ledger) == {("phi-4", "phi", REVISION, "vllm")}
    assert running(folder) == ["vllm-phi-4-gpu0", "vllm-phi-4-gpu1"]
    assert len(set(connect(engines).base_urls)) == len(descendants(SIMULATED)) == 2


def test_a_machine_without_gpus_has_one_server_however_many_gpus_the_catalogue_names(
    folder: Path, python_folder: Path
) -> None:
    write_fake_vllm(python_folder / "vllm")
    engines = engines_for(folder, model(Engine.VLLM, gpus=[0, 1]))
    assert len(connect(engines).base_urls) == 1
    assert running(folder) == ["vllm-phi-4"]


def test_no_vllm_names_the_ways_to_get_an_engine(folder: Path, python_folder: Path) -> None:
    refusal = refusal_to(engines_for(folder, model(Engine.VLLM)))
    assert refusal.startswith("phi-4 is to be served by vLLM on this machine, but there is no")
    for way in (
        "pip install 'sysgen-dagster[vllm]'",
        "engine: llama_cpp",
        "base_urls:",
        "SYSGEN_ENGINE=simulated",
    ):
        assert way in refusal


def test_a_vllm_that_is_named_and_not_there_is_named_in_the_refusal(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_VLLM", "/no/such/vllm")
    refusal = refusal_to(engines_for(folder, model(Engine.VLLM)))
    assert "but SYSGEN_VLLM=/no/such/vllm is no command" in refusal


def test_a_vllm_that_fails_shows_the_end_of_its_log(folder: Path, python_folder: Path) -> None:
    write_program(python_folder / "vllm", "echo no GPU found >&2; exit 1")
    refusal = refusal_to(engines_for(folder, model(Engine.VLLM)))
    assert refusal.startswith("phi-4 (vllm): vllm-phi-4 did not start")
    assert "no GPU found" in refusal
    assert running(folder) == []


# llama.cpp


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "models" / "phi.Q4_K_M.gguf", size=4_000)


def write_fake_llama_server(path: Path) -> None:
    """A `llama-server ... --alias NAME ... PORT` that is simulated."""
    python = shlex.quote(sys.executable)
    write_program(
        path,
        'for port; do [ "$before" = --alias ] && name=$port; before=$port; done\n'
        f'exec {python} -m {MODULE} --model "$name=phi-4" --port "$port"',
    )


def llama(gguf: Path, **fields: Any) -> Model:
    return model(Engine.LLAMA_CPP, weights=str(gguf), **fields)


@pytest.fixture
def llama_server(python_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SYSGEN_LLAMA_SERVER", raising=False)
    monkeypatch.setattr(llama_cpp, "has_gpu", lambda: False)
    path = python_folder / "llama-server"
    write_fake_llama_server(path)
    return path


def test_a_gguf_file_is_served_under_the_model_s_name_and_answers(
    folder: Path, ledger: Ledger, gguf: Path, llama_server: Path
) -> None:
    engines = engines_for(folder, llama(gguf))
    assert ask(engines, ledger) == {("phi-4", "phi", REVISION, "llama_cpp")}
    assert running(folder) == ["llama-phi-4"]


def test_as_many_requests_are_sent_at_first_as_it_has_slots(
    folder: Path, gguf: Path, llama_server: Path
) -> None:
    engines = engines_for(folder, llama(gguf, llama_cpp={"parallel": 3}))
    assert connect(engines).starts_with == 3


def test_vllm_and_llama_cpp_take_turns_on_a_cpu(
    folder: Path, tmp_path: Path, gguf: Path, llama_server: Path, descendants: Descendants
) -> None:
    write_fake_vllm(llama_server.with_name("vllm"))
    engines = engines_for(folder, llama(gguf))
    for name, server in (
        ("phi-4", "llama-phi-4"),
        ("other", "vllm-other"),
        ("phi-4", "llama-phi-4"),
    ):
        connect(engines, name)
        assert running(folder) == [server]
    assert len(descendants(SIMULATED)) == 1


def test_answers_of_another_quantisation_are_not_taken_for_those_of_this_one(
    folder: Path, ledger: Ledger, gguf: Path, llama_server: Path
) -> None:
    def sent(weights: Path) -> int:
        progress: list[str] = []
        with engines_for(folder, llama(weights)).connection(llama(weights), print) as connection:
            ask_lazily(connection, questions(20), 20, ledger, progress)
        known = re.search(r"\(([\d,]+) known from before", progress[-1])
        return 20 - int(known[1] if known else 0)

    finer = write_gguf(gguf.with_name("phi.Q8_0.gguf"), size=8_000)
    assert [sent(gguf), sent(gguf), sent(finer), sent(finer)] == [20, 0, 20, 0]


def test_a_llama_server_that_is_killed_is_started_again(
    folder: Path, gguf: Path, llama_server: Path, descendants: Descendants
) -> None:
    engines = engines_for(folder, llama(gguf))
    with engines.connection(llama(gguf), print) as connection:
        (url,) = connection.connect().base_urls
        kill(*descendants(SIMULATED))
        wait_until(lambda: not running(folder))
        connection.reconnect(url)
        assert running(folder) == ["llama-phi-4"]
        assert len(descendants(SIMULATED)) == 1


def test_no_llama_server_names_the_ways_to_get_an_engine(
    folder: Path, gguf: Path, python_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYSGEN_LLAMA_SERVER", raising=False)
    refusal = refusal_to(engines_for(folder, llama(gguf)))
    assert refusal.startswith(
        "phi-4 is to be served by llama.cpp on this machine, but there is no `llama-server` here"
    )
    assert refusal.endswith(WAYS_TO_GET_AN_ENGINE)


def test_a_gguf_file_that_is_not_there_is_named_before_anything_is_started(
    folder: Path, tmp_path: Path, llama_server: Path
) -> None:
    refusal = refusal_to(engines_for(folder, llama(tmp_path / "gone.gguf")))
    assert "gone.gguf: `weights` must be a GGUF file" in refusal
    assert running(folder) == []


# Endpoints


def test_an_endpoint_that_serves_the_model_answers(
    folder: Path, ledger: Ledger, server: running_server.Server
) -> None:
    engines = engines_for(folder, endpoint(f"{server.url}/v1"))
    assert ask(engines, ledger) == {("phi-4", "phi", REVISION, "endpoint")}
    assert not folder.exists()


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


def test_an_endpoint_without_urls_names_the_ways_to_get_an_engine(folder: Path) -> None:
    refusal = refusal_to(engines_for(folder, model(Engine.VLLM), Engine.ENDPOINT))
    assert refusal.startswith("phi-4 has no base_urls in the catalogue.")
    assert refusal.endswith(WAYS_TO_GET_AN_ENGINE)


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


def test_every_replica_has_to_serve_the_model(folder: Path, server: running_server.Server) -> None:
    with replying(listing("gpt")) as other:
        refusal = refusal_to(engines_for(folder, endpoint(f"{server.url}/v1", other)))
    assert refusal.startswith(f"phi-4: {other} serves gpt, not phi")


def test_of_several_replicas_that_is_relied_on_which_all_can(
    folder: Path, server: running_server.Server
) -> None:
    small = running_server.running(
        "--max-model-len", "2048", "--no-tokenizer", "--drops-system-role", "phi"
    )
    with small as other:
        for servers in ((server, other), (other, server)):
            urls = [f"{each.url}/v1" for each in servers]
            found = connect(engines_for(folder, endpoint(*urls)))
            assert found.capabilities == ServerCapabilities(
                2048, has_tokenizer=False, has_system_role=False
            )


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
    assert "Start it, or correct base_urls in the catalogue" in refusal


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


# What is asked before a run


def test_an_engine_that_can_be_had_is_not_started_to_find_out(
    folder: Path, python_folder: Path
) -> None:
    write_fake_vllm(python_folder / "vllm")
    for phi in (model(Engine.VLLM), model(Engine.SIMULATED), endpoint(NOBODY)):
        engines_for(folder, phi).require(phi)
    assert running(folder) == []


@pytest.mark.parametrize(
    ("phi", "engine", "words"),
    [
        pytest.param(model(Engine.VLLM), None, "there is no `vllm` here", id="no_vllm"),
        pytest.param(model(Engine.VLLM), Engine.ENDPOINT, "no base_urls", id="no_urls"),
        pytest.param(
            endpoint(NOBODY, api_key_env="PHI_KEY"),
            None,
            "PHI_KEY, which is not set",
            id="no_key",
        ),
    ],
)
def test_an_engine_that_cannot_be_had_is_reported_without_starting_anything(
    folder: Path,
    python_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    phi: Model,
    engine: Engine | None,
    words: str,
) -> None:
    monkeypatch.delenv("PHI_KEY", raising=False)
    with pytest.raises(EngineError, match=words):
        engines_for(folder, phi, engine).require(phi)
    assert running(folder) == []


# The override


def test_the_deployment_can_serve_every_model_by_one_engine(
    folder: Path, ledger: Ledger, server: running_server.Server
) -> None:
    phi = model(Engine.VLLM, base_urls=[f"{server.url}/v1"])
    engines = engines_for(folder, phi, Engine.ENDPOINT)
    assert ask(engines, ledger) == {("phi-4", "phi", REVISION, "endpoint")}


def test_an_answer_of_a_simulated_model_is_none_of_the_model_it_stands_for(
    folder: Path, ledger: Ledger
) -> None:
    phi = model(Engine.VLLM, base_urls=[NOBODY])
    ask(engines_for(folder, phi, Engine.SIMULATED), ledger)
    with running_server.running() as server:
        phi = model(Engine.VLLM, base_urls=[f"{server.url}/v1"])
        ask(engines_for(folder, phi, Engine.ENDPOINT), ledger)
        assert server.get("/stats")["requests"] >= 20


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


def test_a_server_that_is_killed_at_every_probe_is_not_started_for_ever(
    folder: Path, tmp_path: Path
) -> None:
    deaths = tmp_path / "deaths"
    deaths.write_text("99")
    dying = on_gpu("a", "--killed-when-probed", str(deaths))
    with connecting(folder, dying) as connection, pytest.raises(EngineError):
        connection.connect()
    assert 99 - int(deaths.read_text()) == QUICK.restarts + 1


@pytest.mark.parametrize("engine", [Engine.VLLM, Engine.LLAMA_CPP])
def test_a_model_server_that_is_killed_while_it_loads_is_started_again(
    folder: Path, ledger: Ledger, gguf: Path, llama_server: Path, engine: Engine
) -> None:
    write_fake_vllm(llama_server.with_name("vllm"))
    once = folder.with_name("once")
    for program in (llama_server, llama_server.with_name("vllm")):
        script = program.read_text().removeprefix("#!/bin/sh\n")
        write_program(program, f"[ -e {once} ] || {{ : > {once}; kill -9 $$; }}\n{script}")
    entry = llama(gguf) if engine is Engine.LLAMA_CPP else model(engine)
    report: list[str] = []
    assert ask(engines_for(folder, entry), ledger, report=report)
    assert sum(line.startswith("starting") for line in report) == 2


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


def begin_connection(folder: Path, out: Path, look_every_s: float, *servers: LocalServer) -> Run:
    started = json.dumps([asdict(server) for server in servers])
    return Run.of(out, CONNECT, str(folder), started, str(look_every_s))


def test_two_models_that_need_two_gpus_each_do_not_wait_for_each_other(
    folder: Path, tmp_path: Path
) -> None:
    """The other one is faster to see that a GPU is free; so each would have got one of the two."""
    folder.mkdir()
    a, b = ([healthy(f"{name}{gpu}", devices=(f"gpu{gpu}",)) for gpu in (0, 1)] for name in "ab")
    with (folder / "gpu1.lock").open("a") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)
        slow = begin_connection(folder, tmp_path / "slow.txt", 0.7, *a)
        slow.wait_for("waiting: a1")
        fast = begin_connection(folder, tmp_path / "fast.txt", 0.02, *b)
        try:
            fast.wait_for("waiting: ")
            time.sleep(0.8)
            fcntl.flock(busy, fcntl.LOCK_UN)
            assert len(slow.url.split()) == 2
            assert running(folder) == ["a0", "a1"]
            slow.end()
            assert len(fast.url.split()) == 2
            assert running(folder) == ["b0", "b1"]
        finally:
            for run in (slow, fast):
                run.kill()


def test_servers_on_two_gpus_load_at_the_same_time(
    folder: Path, descendants: Descendants, gate: Path
) -> None:
    slow = ("--loads-while", str(gate))
    servers = [healthy(f"a{gpu}", *slow, devices=(f"gpu{gpu}",)) for gpu in (0, 1)]
    with connecting(folder, *servers) as connection, ThreadPoolExecutor() as runs:
        connected = runs.submit(connection.connect)
        wait_until(lambda: len(descendants(rf"^\S+ {HEALTHY}")) == 2)
        assert not connected.done()
        gate.unlink()
        assert len(set(connected.result(CEILING_S).base_urls)) == 2


def test_where_one_of_two_servers_does_not_start_the_other_is_not_in_use_any_more(
    folder: Path,
) -> None:
    failing = healthy("a0", "--needs", "NOT_SET", devices=("gpu0",))
    with (
        pytest.raises(EngineError, match="a0 did not start"),
        connecting(folder, failing, healthy("a1", devices=("gpu1",))) as connection,
    ):
        connection.connect()
    for gpu in (0, 1):
        with in_use(healthy(f"b{gpu}", devices=(f"gpu{gpu}",)), folder):
            pass
    assert running(folder) == ["b0", "b1"]


WAITING = """
import sys
from pathlib import Path
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.commands.trial_catalog import real_model
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster_tests.inference.batches import ask, questions
folder = Path(sys.argv[1])
[model] = real_model("never-ready", None, None).values()
report = lambda line: print(line, flush=True)
with Engines(folder, engine=Engine.VLLM).connection(model, report) as connection:
    ask(connection, questions(3), Ledger(folder / "l.jsonl"))
"""


def test_a_run_that_waits_for_a_server_to_load_ends_when_it_is_interrupted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(tmp_path / "vllm", "sleep 600")
    monkeypatch.setenv("SYSGEN_VLLM", str(tmp_path / "vllm"))
    run = Run.of(tmp_path / "run.txt", WAITING, str(folder))
    try:
        run.wait_for("starting vllm")
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(CEILING_S) != 0
    finally:
        run.kill()
    assert "KeyboardInterrupt" in run.output
    assert running(folder) == ["vllm-never-ready"]
