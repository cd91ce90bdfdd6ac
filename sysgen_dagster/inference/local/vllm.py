"""How `vllm serve` is found and called. vLLM is never imported: it may live in another environment.

The flags are for throughput; a model's ``vllm`` entry in the catalogue adds to them, changes them,
or leaves one out.
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
    # Else the repository's own file changes sampling silently.
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
    "enforce-eager": True,  # starts in half the time
    # A seeded request whose prefill is split ends the engine on CPU (vLLM 0.32).
    "enable-chunked-prefill": False,
}


def find_vllm() -> str | None:
    """``SYSGEN_VLLM``, else the `vllm` command of this environment, else the one on the PATH."""
    named = os.environ.get("SYSGEN_VLLM")
    if named:
        return shutil.which(named)
    beside_python = Path(sys.executable).with_name("vllm")
    return str(beside_python) if beside_python.is_file() else shutil.which("vllm")


def vllm_server(model: Model, gpu: int) -> LocalServer:
    """The server of a model on one GPU, or on the CPU where the machine has none."""
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
        # In GiB; vLLM would take it from what memory is free.
        environment["VLLM_CPU_KVCACHE_SPACE"] = os.environ.get("VLLM_CPU_KVCACHE_SPACE", "4")
        # Else the first request for logprobs compiles C++, and without a compiler ends the engine.
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
    if value is False:  # turns a switch off, leaves out what takes a value
        return [f"--no-{flag}"] if preset is None or isinstance(preset, bool) else []
    return [f"--{flag}", str(value)]


def _visible(gpu: int) -> str:
    """A GPU as CUDA counts them: among those that whoever started us lets us see."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").strip()
    if not visible:
        return str(gpu)
    names = [name.strip() for name in visible.split(",")]
    if gpu >= len(names):
        raise EngineError(f"CUDA_VISIBLE_DEVICES={visible} shows no GPU {gpu}: correct it or gpus")
    return names[gpu]


def _has_gpu() -> bool:
    """Whether a device of CUDA or ROCm is there."""
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/kfd").exists()
