"""Checkpoints of trainings as models: what tells one from another, and how an engine serves it.

Which checkpoint a model of the catalogue is, is not known here: a deployment gives its `Students`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sysgen_dagster.catalog.models import Flags, Model
from sysgen_dagster.inference.chat_api import EngineError

# Where a tokenizer keeps its chat template, in a folder that transformers wrote.
CHAT_TEMPLATE = "chat_template.jinja"
_SHOWN_DIGITS = 8


@dataclass(frozen=True, slots=True)
class ServedCheckpoint:
    """The weights after one epoch of a training, in a folder of this machine.

    Attributes:
        title: What it is called in messages, such as ``epoch 3 of the training phi-4-sysgen``.
        folder: Its configuration, weights, tokenizer and chat template.
        sha256: Of all its files together.
    """

    title: str
    folder: Path
    sha256: str

    @property
    def short(self) -> str:
        """The beginning of its checksum, for names of servers and files."""
        return self.sha256[:_SHOWN_DIGITS]

    def served(self, model: Model, weights: Path) -> Model:
        """The model's entry with these weights and with the chat template of the training.

        Args:
            model: An entry with `training`.
            weights: The folder, or the GGUF file that was made of it.
        """
        file = self.folder / CHAT_TEMPLATE
        # Each engine would find it in the weights; named, it is used even where that goes wrong.
        vllm: Flags = {"chat-template": str(file)} if file.is_file() else {}
        llama_cpp: Flags = {"chat-template-file": str(file)} if file.is_file() else {}
        return model.model_copy(
            update={
                "weights": str(weights),
                "training": None,
                "vllm": {**vllm, **model.vllm},
                "llama_cpp": {**llama_cpp, **model.llama_cpp},
            }
        )


def _no_checkpoint(model: Model) -> ServedCheckpoint:
    raise EngineError(
        f"{model.name} is the student of the training {model.training}, and trainings are known "
        "only to a deployment: name the folder of its checkpoint in `weights`"
    )


def _no_trainer() -> Path | None:
    return None


@dataclass(frozen=True, slots=True)
class Students:
    """What engines ask of a deployment about the students that were trained in it.

    Attributes:
        checkpoint_of: The checkpoint that a model with `training` is; raises `EngineError` where
            there is none.
        find_trainer: The Python of the environment that trains, which can read checkpoints; None
            where there is none.
    """

    checkpoint_of: Callable[[Model], ServedCheckpoint] = _no_checkpoint
    find_trainer: Callable[[], Path | None] = _no_trainer
