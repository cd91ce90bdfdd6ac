"""Students and trainings: which models are fine-tuned, on which training set, and how."""

from collections.abc import Iterator, Mapping
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
from sysgen_dagster.catalog.recipes import Layout, Recipe, Variant
from sysgen_dagster.catalog.rules import rule

_WITHOUT_SYSTEM_TURN = (Variant.NO_SYSTEM_MESSAGE, Variant.USER_ROLE)


class Objective(StrEnum):
    """What a training learns from: chats, or preference pairs; and what it makes of the student."""

    SFT = "sft"  # the messages that a chat marks with `train`
    DPO = "dpo"  # direct preference optimisation, from a model that was fine-tuned before
    ORPO = "orpo"  # odds ratio preference optimisation, from a model that need not be
    REWARD = "reward"  # a reward model: it gives a chat a score, and writes nothing


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
    # What LLaMA-Factory calls its copy of the template; its trainings need it.
    llama_factory_template: str | None = None


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
    # Of its export: the name of a model, whose rows it learns alone, or SOURCE--MODEL; null: all.
    configuration: Name | None = None
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
    beta: MoreThanZero = 0.1  # of the preferences: DPO's beta, ORPO's lambda; else not used
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


def find_misfits(
    trainings: Mapping[str, StudentTraining],
    students: Mapping[str, Student],
    mixtures: Mapping[str, Recipe],
) -> Iterator[str]:
    """What is wrong with trainings beside the students, mixtures and trainings that they name.

    What names nothing is left out: that is a fault of its own.
    """
    for name, training in trainings.items():
        student, recipe = students.get(training.student), mixtures.get(training.mixture)
        found = [
            _misfit_of_start(name, trainings),
            _misfit_of_head(training, trainings),
            recipe and _misfit_of_objective(training, recipe),
            recipe and _misfit_of_layout(training, recipe),
            recipe and _misfit_of_configuration(training, recipe),
            student and _misfit_of_length(training, student),
            student and recipe and _misfit_of_template(training, student, recipe),
        ]
        yield from (f"the training {name} {each}" for each in found if each)


def _misfit_of_start(name: str, trainings: Mapping[str, StudentTraining]) -> str | None:
    training, seen = trainings[name], {name}
    at = training.starts_from
    while at is not None and at in trainings:
        before = trainings[at]
        if at in seen:
            return f"has no beginning, since `starts_from` leads back to {at}: correct it"
        if before.student != training.student:
            return (
                f"is of the student {training.student}, and starts from {at}, which is of "
                f"{before.student}: let both name one student"
            )
        seen.add(at)
        at = before.starts_from
    return None


def _misfit_of_head(
    training: StudentTraining, trainings: Mapping[str, StudentTraining]
) -> str | None:
    before = trainings.get(training.starts_from or "")
    if before is None or before.objective is not Objective.REWARD:
        return None
    if training.objective is Objective.REWARD:
        return None
    return (
        f"is of the objective {training.objective}, and starts from {training.starts_from}, a "
        "reward model, which writes no answers: name a training of another objective, or none"
    )


def _misfit_of_objective(training: StudentTraining, recipe: Recipe) -> str | None:
    if bool(recipe.rejected) is not (training.objective is Objective.SFT):
        return None
    there = "preference pairs" if recipe.rejected else "chats"
    wanted = "chats" if recipe.rejected else "preference pairs (with `rejected`)"
    return (
        f"is of the objective {training.objective}, and its mixture {training.mixture} holds "
        f"{there}: name one of {wanted}"
    )


def _misfit_of_layout(training: StudentTraining, recipe: Recipe) -> str | None:
    if training.objective is Objective.REWARD:
        read, wanted, named = "whole chats", Layout.REWARD, "with `layout: reward`"
    else:
        read, wanted, named = "turns", Layout.CHATS, "without `layout`"
    if recipe.layout is wanted:
        return None
    return (
        f"reads {read}, and its mixture {training.mixture} has the layout `{recipe.layout}`: name "
        f"one {named}"
    )


def _misfit_of_configuration(training: StudentTraining, recipe: Recipe) -> str | None:
    *source, model = (training.configuration or "").split("--", 1)
    unknown = [name for name in source if recipe.sources and name not in recipe.sources]
    unknown += [model] if model and recipe.models and model not in recipe.models else []
    if not unknown:
        return None
    return (
        f"takes the configuration {training.configuration}, and its mixture {training.mixture} "
        f"has no rows of {unknown[0]}: give another one, or leave it out for all rows"
    )


def _misfit_of_length(training: StudentTraining, student: Student) -> str | None:
    if student.context_tokens is None or training.max_length <= student.context_tokens:
        return None
    return (
        f"takes rows of {training.max_length} tokens, and its student {training.student} reads "
        f"{student.context_tokens}: lower `max_length`"
    )


def _misfit_of_template(training: StudentTraining, student: Student, recipe: Recipe) -> str | None:
    has_system_turns = bool(recipe.rejected) or recipe.variant not in _WITHOUT_SYSTEM_TURN
    if student.has_system_role or not has_system_turns:
        return None
    return (
        f"has system messages in its mixture {training.mixture}, and the template of its student "
        f"{training.student} takes none: name a mixture of the variant user_role, or give the "
        "student a `chat_template` that takes them, and `has_system_role: true`"
    )
