"""Students and trainings: which models are fine-tuned, on which training set, and how."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from sysgen_dagster.catalog.entries import (
    UNKNOWN,
    Amount,
    AtLeastOne,
    Count,
    Entry,
    MoreThanZero,
    Name,
    NamedEntry,
    Revision,
    Share,
    Switch,
)
from sysgen_dagster.catalog.rules import rule


class Objective(StrEnum):
    """What a training learns from: chats, or preference pairs."""

    SFT = "sft"  # the messages that a chat marks with `train`
    DPO = "dpo"  # direct preference optimisation, from a model that was fine-tuned before
    ORPO = "orpo"  # odds ratio preference optimisation, from a model that need not be


class Trainer(StrEnum):
    """Who trains: our program, or one whose command line and file are written for it."""

    TRL = "trl"
    AXOLOTL = "axolotl"
    LLAMA_FACTORY = "llama_factory"


class Student(NamedEntry):
    """A model that is fine-tuned."""

    weights: str = Field(min_length=1)  # name on the Hub, or folder
    revision: Revision | None = None
    license: str = UNKNOWN
    # A Jinja file in the place of the model's own chat template, in training and in serving.
    chat_template: str | None = None
    has_system_role: Switch = True  # of the template; else mixtures of the variant `user_role` fit
    context_tokens: AtLeastOne | None = None  # the most that it reads; null: as its files say


class Lora(Entry):
    """Low-rank adapters in place of all weights: another experiment, with a rate of its own."""

    rank: AtLeastOne = 16
    alpha: AtLeastOne = 32
    dropout: Share = 0.0


class StudentTraining(NamedEntry):
    """One training: a student, a training set and an objective, with the paper's settings.

    Learning rate, warm-up, batch, length and epochs are those of appendix E; it leaves open which
    schedule and optimiser, whether the batch of 4 is one device's (then 32 GPUs with accumulation 2
    make 256), and by what the third of five epochs was chosen.
    """

    student: Name
    mixture: Name
    objective: Objective = Objective.SFT
    # The training whose used checkpoint is where this one starts; null: the student as published.
    starts_from: Name | None = None
    trainer: Trainer = Trainer.TRL
    learning_rate: MoreThanZero = 1e-6
    warmup_steps: Count = 10
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    weight_decay: Amount = 0.0
    batch: AtLeastOne = 256  # rows of one optimiser step, over all devices
    batch_per_device: AtLeastOne = 4  # how many of them a device takes at once
    max_length: AtLeastOne = 4096  # tokens of one row
    epochs: AtLeastOne = 5
    epoch: AtLeastOne | None = None  # the one that is used; null: the third, or the last of fewer
    most_steps: AtLeastOne | None = None  # ends earlier, for trials
    beta: MoreThanZero = 0.1  # of the preferences: DPO's beta, ORPO's lambda
    lora: Lora | None = None
    # Whether what a template puts before a chat without a system message, as Qwen2.5's does, is
    # trained on; false: the training is refused where it would be.
    persona: Switch = False
    gpus: Annotated[tuple[Count, ...], Field(min_length=1)] = (0,)
    sharding: Literal["none", "zero2", "zero3", "fsdp"] = "none"  # of weights over several GPUs
    seed: Count = 0

    @rule("epoch", "epochs")
    def _require_an_epoch_that_is_trained(self) -> str | None:
        if self.epoch is not None and self.epoch > self.epochs:
            return f"`epoch` {self.epoch} is used, and only {self.epochs} are trained"
        return None

    @rule("batch", "batch_per_device", "gpus")
    def _require_whole_steps(self) -> str | None:
        at_once = self.batch_per_device * len(self.gpus)
        if self.batch % at_once:
            return (
                f"`batch` {self.batch} is no multiple of `batch_per_device` "
                f"{self.batch_per_device} times {len(self.gpus)} GPUs: choose "
                f"{self.batch // at_once * at_once or at_once}"
            )
        return None

    @property
    def accumulation(self) -> int:
        """How often each device takes rows for one optimiser step."""
        return self.batch // (self.batch_per_device * len(self.gpus))

    @property
    def used_epoch(self) -> int:
        """The epoch whose checkpoint is the trained student, from 1."""
        return self.epoch or min(3, self.epochs)
