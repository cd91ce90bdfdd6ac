"""How `vllm serve` is found and called."""

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.local import vllm as module
from sysgen_dagster.inference.local.servers import LocalServer
from sysgen_dagster.inference.local.vllm import find_vllm, precision_flags, vllm_servers

REVISION = "187ef0342fff0eb3333be9f00389385e95ef0b61"


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No vLLM anywhere, no settings, a GPU."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(module, "has_gpu", lambda: True)
    for name in ("SYSGEN_VLLM", "CUDA_VISIBLE_DEVICES", "VLLM_CPU_KVCACHE_SPACE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_gpu", lambda: False)


def write_command(path: Path) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def model(**fields: Any) -> Model:
    required = {
        "name": "phi-4",
        "served_name": "org/phi",
        "revision": REVISION,
        "license": "mit",
        "engine": Engine.VLLM,
    }
    return Model.model_validate(required | fields)


def server_of(**fields: Any) -> LocalServer:
    [server] = vllm_servers(model(**fields))
    return server


def command_of(**fields: Any) -> list[str]:
    return list(server_of(**fields).command)


def values(command: list[str], flag: str) -> list[str]:
    """What stands after a flag, each time it is there."""
    return [value for given, value in pairwise(command) if given == flag]


# Where it is


def test_no_vllm_is_found_where_there_is_none() -> None:
    assert find_vllm() is None


def test_the_one_on_the_path_is_found(tmp_path: Path) -> None:
    there = write_command(tmp_path / "path" / "vllm")
    assert find_vllm() == there


def test_the_one_beside_this_python_goes_before_the_one_on_the_path(tmp_path: Path) -> None:
    write_command(tmp_path / "path" / "vllm")
    beside = write_command(tmp_path / "venv" / "vllm")
    assert find_vllm() == beside


@pytest.mark.parametrize("is_on_the_path", [False, True], ids=["by_path", "by_name"])
def test_the_one_that_the_variable_names_goes_before_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_on_the_path: bool
) -> None:
    write_command(tmp_path / "venv" / "vllm")
    named = write_command(tmp_path / "path" / "vllm-0.32")
    monkeypatch.setenv("SYSGEN_VLLM", "vllm-0.32" if is_on_the_path else named)
    assert find_vllm() == named
    assert command_of()[0] == named


@pytest.mark.parametrize("is_there", [False, True], ids=["missing", "not_executable"])
def test_what_the_variable_names_wrongly_is_replaced_by_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    write_command(tmp_path / "venv" / "vllm")
    if is_there:
        (tmp_path / "not-vllm").write_text("")
    monkeypatch.setenv("SYSGEN_VLLM", str(tmp_path / "not-vllm"))
    assert find_vllm() is None


# How it is called


def test_the_command_names_the_model_its_revision_and_the_name_it_is_served_under() -> None:
    command = command_of()
    assert command[1:3] == ["serve", "org/phi"]
    assert values(command, "--revision") == [REVISION]
    assert values(command, "--served-model-name") == ["org/phi"]
    assert values(command, "--host") == ["127.0.0.1"]
    assert command[-1] == "--port"


def test_the_presets_are_for_throughput_and_leave_sampling_to_us() -> None:
    command = command_of()
    assert values(command, "--max-model-len") == ["8192"]
    assert values(command, "--max-num-seqs") == ["512"]
    assert values(command, "--generation-config") == ["vllm"]
    assert values(command, "--seed") == ["0"]
    assert "--enable-prompt-tokens-details" in command


def test_a_model_without_revision_is_served_as_it_is() -> None:
    assert "--revision" not in command_of(revision=None)


def test_weights_of_a_folder_are_served_under_the_name_and_have_no_revision(tmp_path: Path) -> None:
    command = command_of(weights=str(tmp_path))
    assert command[1:3] == ["serve", str(tmp_path)]
    assert values(command, "--served-model-name") == ["org/phi"]
    assert "--revision" not in command


def test_weights_of_another_name_on_the_hub_are_those_of_the_revision() -> None:
    command = command_of(weights="org/phi-quantized")
    assert command[1:3] == ["serve", "org/phi-quantized"]
    assert "--revision" in command


@pytest.mark.parametrize(
    ("entry", "there", "not_there"),
    [
        pytest.param({"quantization": "fp8"}, ["--quantization fp8"], [], id="adds"),
        pytest.param({"max-model-len": 16384}, ["--max-model-len 16384"], ["8192"], id="changes"),
        pytest.param({"max_num_seqs": 64}, ["--max-num-seqs 64"], ["512"], id="underscores"),
        pytest.param(
            {"gpu-memory-utilization": 0.5}, ["--gpu-memory-utilization 0.5"], ["0.92"], id="number"
        ),
        pytest.param({"enforce-eager": True}, ["--enforce-eager --port"], ["True"], id="switch"),
        pytest.param(
            {"enable-prefix-caching": False},
            ["--no-enable-prefix-caching --port"],
            ["False"],
            id="switch_off",
        ),
        pytest.param(
            {"enable-prompt-tokens-details": False},
            ["--no-enable-prompt-tokens-details"],
            [" --enable-prompt-tokens-details"],
            id="switch_of_ours_off",
        ),
        pytest.param({"seed": False}, [], ["seed", "False"], id="leaves_out"),
        pytest.param(
            {"seed": 0, "data-parallel-size": 1},
            ["--seed 0", "--data-parallel-size 1"],
            [],
            id="zero_and_one_are_numbers",
        ),
        pytest.param({"hf-overrides": '{"a": 1}'}, ['--hf-overrides {"a": 1}'], [], id="json"),
        pytest.param({"revision": False}, [], ["--revision", "--no-revision"], id="no_revision"),
    ],
)
def test_the_catalogue_adds_flags_changes_them_turns_them_off_and_leaves_them_out(
    entry: dict[str, Any], there: list[str], not_there: list[str]
) -> None:
    line = " ".join(command_of(vllm=entry))
    for words in there:
        assert words in line
    for words in not_there:
        assert words not in line


# Where it runs


def test_each_gpu_has_a_server_of_its_own_that_sees_no_other() -> None:
    servers = vllm_servers(model(gpus=[0, 3]))
    assert [server.name for server in servers] == ["vllm-phi-4-gpu0", "vllm-phi-4-gpu3"]
    assert [server.devices for server in servers] == [("gpu0",), ("gpu3",)]
    seen = [server.environment["CUDA_VISIBLE_DEVICES"] for server in servers]
    assert seen == ["0", "3"]


@pytest.mark.parametrize(
    ("visible", "seen"),
    [("2,3", "3"), ("GPU-5f1e, MIG-0a2b", "MIG-0a2b"), ("", "1")],
    ids=["numbers", "names", "empty"],
)
def test_gpus_are_counted_among_those_that_we_may_see(
    monkeypatch: pytest.MonkeyPatch, visible: str, seen: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert server_of(gpus=[1]).environment["CUDA_VISIBLE_DEVICES"] == seen


def test_a_gpu_that_we_may_not_see_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    with pytest.raises(EngineError, match="CUDA_VISIBLE_DEVICES=2 shows no GPU 1"):
        vllm_servers(model(gpus=[1]))


def test_two_models_on_one_gpu_are_on_the_same_device() -> None:
    one, other = (server_of(name=name) for name in ("phi-4", "qwen2.5-14b"))
    assert one.devices == other.devices
    assert one.name != other.name


@pytest.mark.usefixtures("on_cpu")
def test_without_a_gpu_the_model_runs_on_the_cpu_with_flags_that_it_can_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = server_of(gpus=[0, 1])
    assert (server.name, server.devices) == ("vllm-phi-4", ("cpu",))
    assert "CUDA_VISIBLE_DEVICES" not in server.environment
    assert server.environment["VLLM_CPU_KVCACHE_SPACE"] == "4"
    assert {"--enforce-eager", "--no-enable-chunked-prefill"} <= set(server.command)
    assert "--gpu-memory-utilization" not in server.command
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "16")
    assert server_of().environment["VLLM_CPU_KVCACHE_SPACE"] == "16"


@pytest.mark.usefixtures("on_cpu")
def test_a_preset_for_the_cpu_can_be_left_out_too() -> None:
    assert "--max-num-batched-tokens" not in command_of(vllm={"max-num-batched-tokens": False})


# Several GPUs a server, and precision


@pytest.mark.parametrize(
    ("flags", "names", "seen"),
    [
        ({"tensor-parallel-size": 2}, ["gpu0-1", "gpu2-3"], ["0,1", "2,3"]),
        ({"tensor_parallel_size": 2, "pipeline-parallel-size": 2}, ["gpu0-1-2-3"], ["0,1,2,3"]),
        ({"data-parallel-size": 4}, ["gpu0-1-2-3"], ["0,1,2,3"]),
        ({}, ["gpu0", "gpu1", "gpu2", "gpu3"], ["0", "1", "2", "3"]),
        ({"tensor-parallel-size": False}, ["gpu0", "gpu1", "gpu2", "gpu3"], ["0", "1", "2", "3"]),
    ],
    ids=["tensor", "tensor_and_pipeline", "data", "none", "left_out"],
)
def test_gpus_are_grouped_into_servers_of_as_many_as_their_parallel_sizes_need(
    flags: dict[str, Any], names: list[str], seen: list[str]
) -> None:
    servers = vllm_servers(model(gpus=[0, 1, 2, 3], vllm=flags))
    assert [server.name for server in servers] == [f"vllm-phi-4-{name}" for name in names]
    assert [server.environment["CUDA_VISIBLE_DEVICES"] for server in servers] == seen
    assert [server.locks for server in servers] == [
        tuple(f"gpu{gpu}" for gpu in gpus.split(",")) for gpus in seen
    ]


def test_a_group_of_gpus_is_the_one_that_the_catalogue_names() -> None:
    servers = vllm_servers(model(gpus=[0, 2, 1, 3], vllm={"tensor-parallel-size": 2}))
    assert [server.devices for server in servers] == [("gpu0", "gpu2"), ("gpu1", "gpu3")]


@pytest.mark.parametrize("gpus", [[0], [0, 1, 2], [0, 0]], ids=["too_few", "too_many", "twice"])
def test_gpus_that_cannot_be_grouped_are_refused_by_name(gpus: list[int]) -> None:
    with pytest.raises(ValidationError, match=r"ask for 2 GPUs a server.*e\.g\. \[0, 1\]"):
        model(gpus=gpus, vllm={"tensor-parallel-size": 2})


@pytest.mark.parametrize(
    ("precision", "words"),
    [
        ("bf16", "--dtype bfloat16"),
        ("fp8", "--quantization fp8"),
        ("fp8_kv", "--quantization fp8 --kv-cache-dtype fp8"),
        ("mxfp4", "--quantization mxfp4"),
    ],
)
def test_a_precision_becomes_the_flags_of_vllm(precision: str, words: str) -> None:
    assert words in " ".join(command_of(precision=precision))


def test_a_flag_of_the_catalogue_goes_before_that_of_a_precision() -> None:
    flags = precision_flags(model(precision="fp8", vllm={"quantization": "fp8_per_channel"}))
    assert flags == {"quantization": "fp8_per_channel"}


def test_vllm_reports_no_usage_statistics() -> None:
    assert server_of().environment["VLLM_NO_USAGE_STATS"] == "1"
