"""Finds `vllm serve` and builds its command line.

vLLM is not imported, since it may be installed in another environment. The flags are for
throughput; a model's ``vllm`` entry in the catalogue adds to them, changes them, or leaves one out.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from sysgen_dagster.catalog.models import CONTEXT_TOKENS, Model
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.local.servers import LocalServer

REQUESTS_AT_ONCE = 512
_IDLE_S = 1800.0
_READY_WITHIN_S = 3600.0  # weights may have to be downloaded

_Flags = Mapping[str, str | int | float | bool]

_FLAGS: _Flags = {
    "max-model-len": CONTEXT_TOKENS,
    "max-num-seqs": REQUESTS_AT_ONCE,
    "seed": 0,
    # Without it vLLM takes sampling defaults from the model repository's generation_config.json.
    "generation-config": "vllm",
    "enable-prompt-tokens-details": True,
    "disable-uvicorn-access-log": True,
}
_GPU_FLAGS: _Flags = {
    "gpu-memory-utilization": 0.92,
    "max-num-batched-tokens": 16384,
    "performance-mode": "throughput",
}
_CPU_FLAGS: _Flags = {
    "enforce-eager": True,  # the engine starts in half the time
    # On CPU a seeded request whose prefill is split ends the engine (vLLM 0.32).
    "enable-chunked-prefill": False,
}


def find_vllm() -> str | None:
    """The path of the `vllm` command; None where there is none.

    ``SYSGEN_VLLM`` names it; else it is that of this Python environment, or that on the PATH.
    """
    named = os.environ.get("SYSGEN_VLLM")
    if named:
        return shutil.which(named)
    beside_python = Path(sys.executable).with_name("vllm")
    return str(beside_python) if beside_python.is_file() else shutil.which("vllm")


def vllm_server(model: Model, gpu: int) -> LocalServer:
    """The server of a model on one GPU, or on the CPU where the machine has no GPU.

    Raises:
        EngineError: ``CUDA_VISIBLE_DEVICES`` does not show the GPU.
    """
    has_gpu = _has_gpu()
    presets = {**_FLAGS, **(_GPU_FLAGS if has_gpu else _CPU_FLAGS)}
    if model.revision and not (model.weights and Path(model.weights).is_dir()):
        presets["revision"] = model.revision
    flags = presets | {flag.replace("_", "-"): value for flag, value in model.vllm.items()}
    command = [str(find_vllm()), "serve", model.weights or model.served_name]
    command += ["--served-model-name", model.served_name, "--host", "127.0.0.1"]
    command += [
        part for flag, value in flags.items() for part in _arguments(flag, value, presets.get(flag))
    ]
    environment = {"VLLM_NO_USAGE_STATS": "1"}
    if has_gpu:
        environment["CUDA_VISIBLE_DEVICES"] = _visible(gpu)
    else:
        # In GiB; without it vLLM takes a share of the memory that is free.
        environment["VLLM_CPU_KVCACHE_SPACE"] = os.environ.get("VLLM_CPU_KVCACHE_SPACE", "4")
        # Without it the first request for logprobs compiles C++, which ends the engine on a machine
        # that has no compiler.
        environment["TORCH_COMPILE_DISABLE"] = "1"
    return LocalServer(
        f"vllm-{model.name}-gpu{gpu}" if has_gpu else f"vllm-{model.name}",
        [*command, "--port"],
        ready_within_s=_READY_WITHIN_S,
        idle_s=_IDLE_S,
        device=f"gpu{gpu}" if has_gpu else "cpu",
        environment=environment,
    )


def _arguments(
    flag: str, value: str | int | float | bool, preset: str | int | float | bool | None
) -> list[str]:
    if value is True:
        return [f"--{flag}"]
    if value is False:  # turns a switch off, and leaves out a flag that takes a value
        return [f"--no-{flag}"] if preset is None or isinstance(preset, bool) else []
    return [f"--{flag}", str(value)]


def _visible(gpu: int) -> str:
    """The name of a GPU, counted among those in ``CUDA_VISIBLE_DEVICES`` if that is set."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").strip()
    if not visible:
        return str(gpu)
    names = [name.strip() for name in visible.split(",")]
    if gpu >= len(names):
        raise EngineError(f"CUDA_VISIBLE_DEVICES={visible} shows no GPU {gpu}: correct it or gpus")
    return names[gpu]


def _has_gpu() -> bool:
    """Whether the machine has a device of CUDA or ROCm."""
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/kfd").exists()
