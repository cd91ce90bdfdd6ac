"""Every way to an engine, up to the completions that come out of it."""

import os
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sysgen_dagster.catalog import Engine, Model
from sysgen_dagster.inference import client, server_process
from sysgen_dagster.inference.client import EngineError
from sysgen_dagster.inference.engines import WAYS_TO_GET_AN_ENGINE, Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.server_process import running
from sysgen_dagster.inference.simulated.prose import NOTICE
from sysgen_dagster.sysgen.chat import ChatMessage, ChatRequest, Role, Sampling
from sysgen_dagster_tests.inference.odd_servers import replying, serving, speaking
from sysgen_dagster_tests.inference.processes import Descendants, kill
from sysgen_dagster_tests.inference.simulated import running_server
from sysgen_dagster_tests.inference.simulated.running_server import MODULE

REVISION = "187ef0342fff0eb3333be9f00389385e95ef0b61"
SIMULATED = rf"^\S+ -m {MODULE}"  # the server's command line, not its supervisor's
SECRET = "sk-nobody-may-see-this"


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_process, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(client, "_FIRST_DELAY_S", 0.01)
    monkeypatch.setattr(client, "_LONGEST_DELAY_S", 0.02)


@pytest.fixture(scope="module")
def server() -> Iterator[running_server.Server]:
    """A server that runs already and serves the model `phi`."""
    with running_server.running() as it:
        yield it


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


def model(engine: Engine, **fields: Any) -> Model:
    required = {
        "served_name": "phi",
        "revision": REVISION,
        "license": "mit",
        "bounds": {"filtered": [0, 1], "aligned": [0, 1], "tag_share_within": 1},
    }
    return Model.model_validate(required | {"engine": engine} | fields)


def endpoint(*urls: str, **fields: Any) -> Model:
    return model(Engine.ENDPOINT, base_urls=urls, **fields)


def engines_for(folder: Path, phi: Model, engine: Engine | None = None) -> Engines:
    """A deployment with two models, `phi-4` being the one that is asked."""
    other = model(Engine.VLLM, served_name="org/other", simulated_profile="llama-3.1-8b")
    return Engines({"phi-4": phi, "other": other}, folder, engine)


def question(number: int) -> ChatRequest:
    messages: list[ChatMessage] = [
        {"role": Role.SYSTEM, "content": "Be brief."},
        {"role": Role.USER, "content": "Why is the sea salty?"},
    ]
    return ChatRequest(f"capybara-{number}", messages, Sampling(0.7, 512), seed=number)


def ask(
    engines: Engines, ledger: Ledger, name: str = "phi-4", report: list[str] | None = None
) -> set[tuple[str, ...]]:
    """What the rows of a few completions say of their origin; all of them hold a text."""
    requests = [question(number) for number in range(20)]
    lines = [] if report is None else report
    rows = engines.complete(name, requests, len(requests), ledger, lines.append)
    assert (rows.height, rows["text"].null_count()) == (20, 0)
    assert rows["text"].str.starts_with(NOTICE).any()
    origin = rows.select("model", "served_name", "model_revision", "engine")
    return set(origin.iter_rows())


def refusal_to(connect: Engines, name: str = "phi-4") -> str:
    """The words with which there is no engine."""
    with pytest.raises(EngineError) as error:
        connect.connect(name, lambda _: None)
    return str(error.value)


# Simulated


def test_a_simulated_engine_is_started_and_answers(folder: Path, ledger: Ledger) -> None:
    report: list[str] = []
    engines = engines_for(folder, model(Engine.SIMULATED))
    origin = {("phi-4", "phi", REVISION, "simulated")}
    assert ask(engines, ledger, report=report) == origin
    assert running(folder) == ["simulated"]
    assert report[0].startswith("starting simulated: ")
    assert report[-1].startswith("phi-4 (simulated): 20 of 20 answered")


def test_one_simulated_server_stands_in_for_every_model(
    folder: Path, tmp_path: Path, descendants: Descendants
) -> None:
    engines = engines_for(folder, endpoint("http://127.0.0.1:9/v1"), Engine.SIMULATED)
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


def test_progress_renews_the_lease_of_the_server(folder: Path, ledger: Ledger) -> None:
    lease = folder / "simulated.lease"

    def aging() -> Iterator[ChatRequest]:
        os.utime(lease, (0, time.time() - 100))
        yield question(1)

    engines = engines_for(folder, model(Engine.SIMULATED))
    engines.complete("phi-4", aging(), 1, ledger, lambda _: None)
    assert time.time() - lease.stat().st_mtime < 20


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
    phi = endpoint("http://127.0.0.1:9/v1", api_key_env="PHI_KEY")
    ask(engines_for(folder, phi, Engine.SIMULATED), ledger)


# vLLM


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
def test_vllm_is_started_with_the_model_at_its_revision(
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
    options = " ".join(arguments[2:-1]) + " "
    for option in (
        f"--revision {REVISION} ",
        "--served-model-name phi ",
        "--host 127.0.0.1 ",
        "--max-model-len 8192 ",
        "--generation-config vllm ",
        "--seed 0 ",
    ):
        assert option in options
    assert options.endswith("--port ")
    assert arguments[-1].isdigit()
    assert running(folder) == ["vllm-phi-4"]


def test_vllm_beside_python_goes_before_the_one_on_the_path(
    folder: Path, tmp_path: Path, python_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    write_program(tmp_path / "bin" / "vllm", "exit 1")
    write_fake_vllm(python_folder / "vllm")
    engines_for(folder, model(Engine.VLLM)).connect("phi-4", lambda _: None)


def test_a_model_without_revision_is_served_as_it_is(folder: Path, python_folder: Path) -> None:
    called = write_fake_vllm(python_folder / "vllm")
    engines_for(folder, model(Engine.VLLM, revision=None)).connect("phi-4", lambda _: None)
    assert "--revision" not in called.read_text()


def test_another_model_takes_the_gpu_over(
    folder: Path, tmp_path: Path, python_folder: Path, descendants: Descendants
) -> None:
    write_fake_vllm(python_folder / "vllm")
    engines = engines_for(folder, model(Engine.VLLM))
    report: list[str] = []
    for name in ("phi-4", "other"):
        ask(engines, Ledger(tmp_path / name), name, report)
    assert running(folder) == ["vllm-other"]
    assert "ending vllm-phi-4, which holds gpu" in report
    assert len(descendants(SIMULATED)) == 1


def test_no_vllm_names_the_three_ways_to_get_an_engine(folder: Path, python_folder: Path) -> None:
    refusal = refusal_to(engines_for(folder, model(Engine.VLLM)))
    assert refusal.startswith("phi-4 is to be served by vLLM on this machine, but there is no")
    for way in ("pip install 'sysgen-dagster[vllm]'", "base_urls:", "SYSGEN_ENGINE=simulated"):
        assert way in refusal


def test_a_vllm_that_fails_shows_the_end_of_its_log(folder: Path, python_folder: Path) -> None:
    write_program(python_folder / "vllm", "echo no GPU found >&2; exit 1")
    refusal = refusal_to(engines_for(folder, model(Engine.VLLM)))
    assert refusal.startswith("phi-4 (vllm): vllm-phi-4 did not start")
    assert "no GPU found" in refusal
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


def test_every_replica_has_to_serve_the_model(folder: Path, server: running_server.Server) -> None:
    urls = (f"{server.url}/v1", "http://127.0.0.1:9/v1")
    refusal = refusal_to(engines_for(folder, endpoint(*urls)))
    assert "phi-4: no OpenAI-compatible server answers at http://127.0.0.1:9/v1" in refusal


PAGE = b"<html>Welcome to nginx!</html>"


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(lambda: replying(PAGE, content_type="text/html"), id="web_page"),
        pytest.param(lambda: replying(PAGE), id="web_page_as_json"),
        pytest.param(lambda: replying(b"[1]"), id="other_json"),
        pytest.param(lambda: replying(b"not found", status=404), id="not_found"),
        pytest.param(lambda: replying(b"wrong key", status=401), id="unauthorized"),
        pytest.param(lambda: replying(b"starting", status=503), id="unavailable"),
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
        sent.add(request.headers.get("Authorization"))
        return web.json_response({"data": [{"id": "phi"}]})

    monkeypatch.setenv("PHI_KEY", f"{SECRET}{end}")
    with serving(answer) as url:
        connected = engines_for(folder, endpoint(url, api_key_env="PHI_KEY")).connect(
            "phi-4", lambda _: None
        )
    assert connected.api_key == SECRET
    assert sent == {f"Bearer {SECRET}"}
    assert SECRET not in repr(connected)


# What is asked before a run


def test_an_engine_that_can_be_had_is_not_started_to_find_out(
    folder: Path, python_folder: Path
) -> None:
    write_fake_vllm(python_folder / "vllm")
    for phi in (model(Engine.VLLM), model(Engine.SIMULATED), endpoint("http://127.0.0.1:9/v1")):
        engines_for(folder, phi).require("phi-4")
    assert running(folder) == []


@pytest.mark.parametrize(
    ("phi", "engine", "words"),
    [
        pytest.param(model(Engine.VLLM), None, "there is no `vllm` here", id="no_vllm"),
        pytest.param(model(Engine.VLLM), Engine.ENDPOINT, "no base_urls", id="no_urls"),
        pytest.param(
            endpoint("http://127.0.0.1:9/v1", api_key_env="PHI_KEY"),
            None,
            "PHI_KEY, which is not set",
            id="no_key",
        ),
    ],
)
def test_an_engine_that_cannot_be_had_is_told_without_starting_anything(
    folder: Path,
    python_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    phi: Model,
    engine: Engine | None,
    words: str,
) -> None:
    monkeypatch.delenv("PHI_KEY", raising=False)
    with pytest.raises(EngineError, match=words):
        engines_for(folder, phi, engine).require("phi-4")
    assert running(folder) == []


# The override


def test_the_deployment_can_serve_every_model_by_one_engine(
    folder: Path, ledger: Ledger, server: running_server.Server
) -> None:
    phi = model(Engine.VLLM, base_urls=[f"{server.url}/v1"])
    engines = engines_for(folder, phi, Engine.ENDPOINT)
    assert ask(engines, ledger) == {("phi-4", "phi", REVISION, "endpoint")}


def test_what_a_simulated_model_said_is_no_answer_of_the_model_it_stands_for(
    folder: Path, ledger: Ledger
) -> None:
    phi = model(Engine.VLLM, base_urls=["http://127.0.0.1:9/v1"])
    ask(engines_for(folder, phi, Engine.SIMULATED), ledger)
    with running_server.running() as server:
        phi = model(Engine.VLLM, base_urls=[f"{server.url}/v1"])
        ask(engines_for(folder, phi, Engine.ENDPOINT), ledger)
        assert server.get("/stats")["requests"] == 20


def test_a_server_that_goes_away_in_the_middle_is_named_and_found_again(
    folder: Path, ledger: Ledger, descendants: Descendants
) -> None:
    engines = engines_for(folder, model(Engine.SIMULATED))

    def killing() -> Iterator[ChatRequest]:
        for number in range(1000):
            if number == 500:
                kill(*descendants(SIMULATED))
            yield question(number)

    with pytest.raises(EngineError, match=r"phi cannot be reached at http://127\.0\.0\.1"):
        engines.complete("phi-4", killing(), 1000, ledger, lambda _: None)
    assert ask(engines, ledger)
