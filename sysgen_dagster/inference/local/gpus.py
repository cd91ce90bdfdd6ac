"""The GPUs of this machine: whether there are any, and how a server gets to see its own only."""

import os
from collections.abc import Sequence
from pathlib import Path

from sysgen_dagster.inference.chat_api import EngineError


def has_gpu() -> bool:
    """Whether the machine has a device of CUDA or ROCm."""
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/kfd").exists()


def in_groups(gpus: Sequence[int], size: int) -> list[tuple[int, ...]]:
    """The GPUs of each server; a server gets those that stand beside each other."""
    starts = range(0, len(gpus), size)
    return list(dict.fromkeys(tuple(gpus[start : start + size]) for start in starts))


def devices(gpus: Sequence[int]) -> tuple[str, ...]:
    """What a server on these GPUs locks."""
    return tuple(f"gpu{gpu}" for gpu in gpus)


def suffix(gpus: Sequence[int]) -> str:
    """The part of a server's name that tells it from one on other GPUs."""
    return "gpu" + "-".join(map(str, gpus))


def visible(gpus: Sequence[int]) -> str:
    """What ``CUDA_VISIBLE_DEVICES`` must be for a server on these GPUs.

    They are counted among those that the variable shows to us, if it is set.

    Raises:
        EngineError: It does not show one of them.
    """
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "").strip()
    if not shown:
        return ",".join(map(str, gpus))
    names = [name.strip() for name in shown.split(",")]
    for gpu in gpus:
        if gpu >= len(names):
            raise EngineError(
                f"CUDA_VISIBLE_DEVICES={shown} shows no GPU {gpu}: correct it or gpus"
            )
    return ",".join(names[gpu] for gpu in gpus)
