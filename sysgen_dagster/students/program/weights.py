"""How many of the weights a training has moved.

At a learning rate of 1e-6 weights in bfloat16 round each step away: a training that ends well may
have taught nothing. A sample of each tensor, taken before the first step, shows it after a few.
"""

from pathlib import Path
from typing import Any

import torch

_SAMPLED = 1024  # values of each tensor
ENOUGH = 0.5  # share of the weights


class FirstWeights:
    """A sample of the weights that are trained, as they were before the first step."""

    def __init__(self, values: dict[str, torch.Tensor]) -> None:
        """Keep values by the name of their tensor."""
        self._values = values

    @classmethod
    def take(cls, model: Any) -> "FirstWeights":
        """Sample a model; where it is sharded, the part that this process holds."""
        return cls({name: _sample(tensor).clone() for name, tensor in _trained(model)})

    @classmethod
    def load(cls, path: Path) -> "FirstWeights":
        """Read what `save` wrote."""
        return cls(torch.load(path, weights_only=True))

    def save(self, path: Path) -> None:
        """Write the sample; a reader finds it whole or not at all."""
        beside = path.with_name(f".{path.name}.part")
        torch.save(self._values, beside)
        beside.replace(path)

    def compute_changed(self, model: Any) -> float:
        """The share of the weights that are no longer what they were, each tensor by its size."""
        changed = total = 0.0
        for name, tensor in _trained(model):
            if tensor.numel():
                differs = _sample(tensor) != self._values[name]
                changed += differs.double().mean().item() * tensor.numel()
                total += tensor.numel()
        return changed / total if total else 0.0


def _trained(model: Any) -> list[tuple[str, torch.Tensor]]:
    return [(name, _here(each)) for name, each in model.named_parameters() if each.requires_grad]


def _here(parameter: Any) -> torch.Tensor:
    """The part of a parameter that this process holds: FSDP's and ZeRO-3's shards, or all of it."""
    if hasattr(parameter, "to_local"):
        parameter = parameter.to_local()
    local: torch.Tensor = getattr(parameter, "ds_tensor", parameter)
    return local.detach()


def _sample(tensor: torch.Tensor) -> torch.Tensor:
    flat = tensor.reshape(-1)
    return flat[:: max(1, flat.numel() // _SAMPLED)].cpu()
