"""Finds `vllm serve` and builds its command line.

vLLM is not imported, since it may be installed in another environment. The flags are for
throughput; a model's ``vllm`` entry in the catalogue adds to them, changes them, or leaves one out.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sysgen_dagster.catalog.models import CONTEXT_TOKENS, Flags, Model, Precision
from sysgen_dagster.inference.local.command_lines import as_arguments, find_command, with_changes
from sysgen_dagster.inference.local.gpus import devices, has_gpu, in_groups, suffix, visible
from sysgen_dagster.inference.local.servers import IDLE_S, READY_WITHIN_S, LocalServer

_REQUESTS_AT_ONCE = 512
_PRECISION = ("quantization", "dtype")
# The API server exits with an error when the process of its engine does, whose status it names.
SAYS_KILLED = r"Failed core proc\(s\): \{[^}]*: -\d+"
_FLAGS: Flags = {
    "max-model-len": CONTEXT_TOKENS,
    "max-num-seqs": _REQUESTS_AT_ONCE,
    "seed": 0,
    # Without it vLLM takes sampling defaults from the model repository's generation_config.json.
    "generation-config": "vllm",
    "enable-prompt-tokens-details": True,
    "disable-uvicorn-access-log": True,
}
_GPU_FLAGS: Flags = {
    "gpu-memory-utilization": 0.92,
    "max-num-batched-tokens": 16384,
    "performance-mode": "throughput",
}
_CPU_FLAGS: Flags = {
    "enforce-eager": True,  # the engine starts in half the time
    # On CPU a seeded request whose prefill is split ends the engine (vLLM 0.32).
    "enable-chunked-prefill": False,
}
_OF_PRECISION: Mapping[Precision, Flags] = {
    Precision.BF16: {"dtype": "bfloat16"},
    Precision.FP8: {"quantization": "fp8"},
    Precision.FP8_KV: {"quantization": "fp8", "kv-cache-dtype": "fp8"},
    Precision.MXFP4: {"quantization": "mxfp4"},
}


def find_vllm() -> str | None:
    """The path of the `vllm` command, which ``SYSGEN_VLLM`` may name; None where there is none."""
    return find_command("SYSGEN_VLLM", "vllm")


def precision_flags(model: Model) -> Flags:
    """The flags that decide in which numbers the model computes; they may change its answers."""
    preset = _OF_PRECISION[model.precision] if model.precision else {}
    return {**preset, **{flag: model.vllm[flag] for flag in _PRECISION if flag in model.vllm}}


def vllm_servers(model: Model) -> list[LocalServer]:
    """The servers of a model: one for each group of its GPUs, or one on a CPU.

    Raises:
        EngineError: ``CUDA_VISIBLE_DEVICES`` does not show one of the GPUs.
    """
    if has_gpu():
        groups = in_groups(model.gpus, model.gpus_per_server)
        return [_on_gpus(model, gpus) for gpus in groups]
    environment = {
        # In GiB; without it vLLM takes a share of the memory that is free.
        "VLLM_CPU_KVCACHE_SPACE": os.environ.get("VLLM_CPU_KVCACHE_SPACE", "4"),
        # Without it the first request for logprobs compiles C++, which ends the engine on a machine
        # that has no compiler.
        "TORCH_COMPILE_DISABLE": "1",
    }
    return [_server(model, f"vllm-{model.name}", _CPU_FLAGS, ("cpu",), environment)]


def _on_gpus(model: Model, gpus: Sequence[int]) -> LocalServer:
    name = f"vllm-{model.name}-{suffix(gpus)}"
    environment = {"CUDA_VISIBLE_DEVICES": visible(gpus)}
    return _server(model, name, _GPU_FLAGS, devices(gpus), environment)


def _server(
    model: Model,
    name: str,
    of_device: Flags,
    its_devices: tuple[str, ...],
    environment: Mapping[str, str],
) -> LocalServer:
    return LocalServer(
        name,
        _command(model, of_device),
        ready_within_s=READY_WITHIN_S,
        idle_s=IDLE_S,
        devices=its_devices,
        environment={"VLLM_NO_USAGE_STATS": "1", **environment},
        starts_with=_REQUESTS_AT_ONCE // 2,
        downloads=not Path(model.weights or model.served_name).is_dir(),
        says_killed=SAYS_KILLED,
    )


def _command(model: Model, of_device: Flags) -> list[str]:
    """The command line, without the port, which follows as the last argument."""
    preset = _OF_PRECISION[model.precision] if model.precision else {}
    presets = {**_FLAGS, **of_device, **preset}
    if model.revision and not (model.weights and Path(model.weights).is_dir()):
        presets["revision"] = model.revision
    command = [str(find_vllm()), "serve", model.weights or model.served_name]
    command += ["--served-model-name", model.served_name, "--host", "127.0.0.1"]
    return [*command, *as_arguments(with_changes(presets, model.vllm), presets), "--port"]
