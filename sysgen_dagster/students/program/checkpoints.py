"""Weights for serving: a folder for each epoch, which is whole or not there."""

import copy
import shutil
from pathlib import Path
from typing import Any

CHECKPOINTS = "checkpoints"


def write_checkpoint(trainer: Any, folder: Path, epoch: int, *, writes: bool) -> Path:
    """Write configuration, weights, tokenizer and chat template of a student after an epoch.

    All processes call it together: each has a part of weights that are sharded.

    Args:
        trainer: TRL's.
        folder: Of the training.
        epoch: From 1.
        writes: Whether this process is the one that writes.

    Returns:
        The folder ``checkpoints/epoch-N``.
    """
    place = folder / CHECKPOINTS / f"epoch-{epoch}"
    beside = place.with_name(f".{place.name}.part")
    if writes:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
    if hasattr(trainer.model, "merge_and_unload"):  # adapters: merged into a copy of the weights
        if writes:
            merged = copy.deepcopy(trainer.model).cpu().merge_and_unload()
            merged.save_pretrained(beside)
            trainer.processing_class.save_pretrained(beside)
    else:
        trainer.save_model(str(beside))
    if writes:
        # The trainer's own settings, pickled: no server reads them.
        (beside / "training_args.bin").unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        beside.rename(place)
    return place
