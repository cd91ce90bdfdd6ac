"""Every way to an engine, up to the completions that come out of it."""

import re
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference.chat_api import (
    EngineError,
)
from sysgen_dagster.inference.connection import WAYS_TO_GET_AN_ENGINE
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.local import llama_cpp, revisions, vllm
from sysgen_dagster.inference.local.checkpoints import ServedCheckpoint
from sysgen_dagster.inference.local.conversion import gguf_place
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.processes.state import running
from sysgen_dagster_tests.inference.batches import NOBODY, QUICK, ask_lazily, question, questions
from sysgen_dagster_tests.inference.deployments import (
    REVISION,
    SIMULATED,
    ask,
    connect,
    endpoint,
    engines_for,
    model,
    refusal_to,
)
from sysgen_dagster_tests.inference.local.gguf_files import write_gguf
from sysgen_dagster_tests.inference.local.trained import Converter, students, write_checkpoint
from sysgen_dagster_tests.inference.local_servers import is_in_use
from sysgen_dagster_tests.inference.processes import (
    CEILING_S,
    Descendants,
    Run,
    kill,
    wait_until,
)
from sysgen_dagster_tests.simulated import running_server
from sysgen_dagster_tests.simulated.running_server import MODULE

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


def test_no_more_requests_are_sent_at_first_than_it_has_slots(
    folder: Path, gguf: Path, llama_server: Path
) -> None:
    engines = engines_for(folder, llama(gguf, llama_cpp={"parallel": 1}))
    assert connect(engines).starts_with == 1


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


def test_an_endpoint_without_urls_names_the_ways_to_get_an_engine(folder: Path) -> None:
    refusal = refusal_to(engines_for(folder, model(Engine.VLLM), Engine.ENDPOINT))
    assert refusal.startswith("phi-4 has no base_urls in the catalogue.")
    assert refusal.endswith(WAYS_TO_GET_AN_ENGINE)


# Students of trainings


STUDENT = {"name": "student", "training": "made"}


def student(engine: Engine, **fields: Any) -> Model:
    return Model.model_validate(STUDENT | {"engine": engine} | fields)


@pytest.fixture
def left_by_training(tmp_path: Path) -> Path:
    """The folder of a checkpoint."""
    return tmp_path / "students" / "made" / "checkpoints" / "epoch-3"


@pytest.fixture
def converter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Converter:
    script = Converter(tmp_path / "llama.cpp" / "convert_hf_to_gguf.py").write()
    monkeypatch.setenv("SYSGEN_LLAMA_CONVERT", str(script.path))
    return script


def of_student(folder: Path, entry: Model, checkpoint: ServedCheckpoint) -> Engines:
    trained = students(checkpoint, Path(sys.executable))
    return Engines(folder, (entry,), None, QUICK, trained)


ENGINES_OF_STUDENTS = [Engine.VLLM, Engine.LLAMA_CPP, Engine.ENDPOINT]


@pytest.mark.parametrize("engine", ENGINES_OF_STUDENTS)
def test_another_checkpoint_answers_as_another_model_and_the_same_one_elsewhere_does_not(
    folder: Path, left_by_training: Path, engine: Engine
) -> None:
    entry = student(engine, base_urls=[NOBODY] if engine is Engine.ENDPOINT else [])

    def answers_as(checkpoint: ServedCheckpoint) -> tuple[str | None, ...]:
        return of_student(folder, entry, checkpoint).identify(entry).answers_as

    first = write_checkpoint(left_by_training)
    moved = write_checkpoint(left_by_training.parents[2] / "moved" / "checkpoints" / "epoch-3")
    changed = write_checkpoint(left_by_training, weights="2")
    assert answers_as(first) == answers_as(moved) != answers_as(changed)
    assert any(first.sha256 in (each or "") for each in answers_as(first))


def test_the_precision_of_a_checkpoint_counts_as_that_of_other_weights(
    folder: Path, left_by_training: Path
) -> None:
    checkpoint, variants = write_checkpoint(left_by_training), set()
    for precision in (None, "bf16", "fp8"):
        entry = student(Engine.VLLM, precision=precision)
        variants.add(of_student(folder, entry, checkpoint).identify(entry).variant)
    assert len(variants) == 3


def test_a_student_is_asked_again_after_another_training_and_not_after_the_same(
    folder: Path, ledger: Ledger, left_by_training: Path, server: running_server.Server
) -> None:
    entry = student(Engine.ENDPOINT, served_name="phi", base_urls=[f"{server.url}/v1"])
    asked = []
    for weights in ("1", "1", "2", "1"):
        engines = of_student(folder, entry, write_checkpoint(left_by_training, weights))
        before = server.get("/stats")["requests"]
        ask(engines, ledger, "student")
        asked.append(server.get("/stats")["requests"] - before >= 20)
    assert asked == [True, False, True, False]


def test_the_server_of_another_checkpoint_at_the_same_place_is_not_taken_for_this_one_s(
    folder: Path, left_by_training: Path, python_folder: Path, descendants: Descendants
) -> None:
    write_fake_vllm(python_folder / "vllm")
    entry, started = student(Engine.VLLM, served_name=str(left_by_training)), []
    for weights in ("1", "1", "2"):
        checkpoint = write_checkpoint(left_by_training, weights)
        report: list[str] = []
        connect(of_student(folder, entry, checkpoint), "student", report)
        [name] = running(folder)
        assert name.endswith(f"-student-{checkpoint.sha256[:8]}")
        started.append(any(line.startswith("starting") for line in report))
    assert started == [True, False, True]
    assert len(descendants(SIMULATED)) == 1


def test_vllm_serves_the_folder_of_a_checkpoint_with_the_template_of_its_training(
    folder: Path, left_by_training: Path, python_folder: Path
) -> None:
    called = write_fake_vllm(python_folder / "vllm")
    entry = student(Engine.VLLM, served_name=str(left_by_training))
    connect(of_student(folder, entry, write_checkpoint(left_by_training)), "student")
    line = called.read_text().replace("\n", " ")
    assert line.startswith(f"serve {left_by_training} --served-model-name {left_by_training} ")
    assert f" --chat-template {left_by_training / 'chat_template.jinja'} " in line
    assert "--revision" not in line


def test_llama_cpp_serves_what_its_script_made_with_the_template_of_the_training(
    folder: Path, left_by_training: Path, llama_server: Path, converter: Converter
) -> None:
    checkpoint = write_checkpoint(left_by_training)
    report: list[str] = []
    engines = of_student(folder, student(Engine.LLAMA_CPP), checkpoint)
    connect(engines, "student", report)
    [line] = (each for each in report if each.startswith("starting"))
    assert f" --model {gguf_place(checkpoint)} " in line
    assert f" --chat-template-file {left_by_training / 'chat_template.jinja'} " in line
    assert converter.times == 1


def test_a_simulated_student_needs_no_training(folder: Path, ledger: Ledger) -> None:
    entry = student(Engine.VLLM)
    engines = Engines(folder, (entry,), Engine.SIMULATED, QUICK)
    assert ask(engines, ledger, "student") == {("student", "student", None, "simulated")}


@pytest.mark.parametrize("engine", ENGINES_OF_STUDENTS)
def test_a_student_that_was_not_trained_is_refused_before_anything_is_started(
    folder: Path, llama_server: Path, converter: Converter, engine: Engine
) -> None:
    write_fake_vllm(llama_server.with_name("vllm"))
    entry = student(engine, base_urls=[NOBODY] if engine is Engine.ENDPOINT else [])
    engines = Engines(folder, (entry,), None, QUICK)
    with pytest.raises(EngineError, match="student is the student of the training made"):
        engines.require(entry)
    assert running(folder) == []


@pytest.mark.usefixtures("llama_server")
def test_a_checkpoint_that_cannot_be_converted_is_refused_before_anything_is_started(
    folder: Path, left_by_training: Path, converter: Converter
) -> None:
    entry = student(Engine.LLAMA_CPP)
    engines = Engines(folder, (entry,), None, QUICK, students(write_checkpoint(left_by_training)))
    with pytest.raises(EngineError, match="name it in SYSGEN_TRAIN"):
        engines.require(entry)
    assert running(folder) == []


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
