"""Subjects and benchmarks: what is evaluated, on what, and which model grades.

A benchmark is named by a pin or by a copy on this machine, and is never shipped. The defaults are
those that a catalogue which only names subjects gets.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from sysgen_dagster.catalog.entries import AtLeastOne, Count, Entry, Name, Switch
from sysgen_dagster.catalog.models import Model
from sysgen_dagster.catalog.rules import rule
from sysgen_dagster.catalog.sources import HubFile, UpstreamFile

EVERY_ITEM: Final = "all"
Items = Literal["all"] | AtLeastOne


class MessageIn(StrEnum):
    """Where a subject is shown the system message."""

    SYSTEM = "system"  # in the system role; in the user turn where the template has none
    USER = "user"  # at the start of the first user turn


class Subject(Model):
    """What is evaluated: a model of the catalogue, or one that is served for this alone."""

    model: Name | None = None  # an entry of `models` or `judges`, whose servers answer
    message_in: MessageIn = MessageIn.SYSTEM
    # The subject that its scores are compared with; null: what it was before its training, if any.
    against: Name | None = None
    # The row of the paper's tables that it stands beside; null: the one that its training or its
    # model is called as, if any.
    published: str | None = None

    @rule("model")
    def _refuse_to_serve_it_twice(self) -> str | None:
        of_subjects = Subject.model_fields.keys() - Model.model_fields.keys()
        own = sorted(self.model_fields_set - of_subjects - {"name"})
        if self.model is None or not own:
            return None
        return (
            f"`model` {self.model} says how it is served: leave `{own[0]}` out, or leave `model` "
            "out and say here how it is served"
        )


class Bench(UpstreamFile):
    """A benchmark: its file, and how many of its items are asked."""

    items: Items = EVERY_ITEM  # a number takes those first in an order that is the same everywhere
    seed: Count = 0  # of that order

    @model_validator(mode="before")
    @classmethod
    def _take_a_copy_in_place_of_the_pin(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        hub = cls.model_fields["hub"].get_default(call_default_factory=True)
        is_copy = given.get("path") is not None
        return {"hub": None if is_copy else hub, **given}


class RubricLabels(Bench):
    """Answers that people have graded by rubrics, by which a judge of rubrics is calibrated."""

    name: str = Field(default="calibration", exclude=True)
    hub: HubFile | None = HubFile(repo="ContextualAI/Flask", split="test")
    # Enough that weighted kappa is known to about 0.1; 0: the judge is uncalibrated.
    items: Literal["all"] | Count = 300


# The columns of the paper's tables: the benchmarks that instructions are from.
FromBenchmark = Literal["AlpacaEval", "FLASK", "Koala", "MT-Bench", "Self-Instruct"]


class Multifacet(Bench):
    """Multifacet: 921 instructions with a system message and four rubrics each."""

    name: str = Field(default="multifacet", exclude=True)
    license: str = "cc-by-4.0"
    hub: HubFile | None = HubFile(repo="kaist-ai/Multifaceted-Bench")
    # Of values of the bench's `source` that the stored map lacks, or has otherwise.
    source_columns: Mapping[str, FromBenchmark] = {}
    # Whether the judge is shown the system message: without, with, or a grading of each.
    judge_sees_message: Annotated[tuple[Switch, ...], Field(min_length=1)] = (False, True)
    rounds: AtLeastOne = 5  # how often a judge is asked whose grading cannot be read
    # Whether the judge's server is asked for the probabilities of the scores; false where it
    # refuses requests that ask for some.
    probabilities: Switch = True
    calibration: RubricLabels = RubricLabels()

    @rule("judge_sees_message")
    def _require_each_way_once(self) -> str | None:
        is_once = len(set(self.judge_sees_message)) == len(self.judge_sees_message)
        return None if is_once else "give true and false at most once each"


class SysBench(Bench):
    """SysBench: 500 system messages with five turns each, and a checklist for every turn."""

    name: str = Field(default="sysbench", exclude=True)
    hub: HubFile | None = HubFile(repo="PKU-Baichuan-MLSystemLab/SysBench")


class NemotronSysBench(Bench):
    """Nemotron-RL-SysBench-v1: conversations with constraints for rules and for a judge."""

    name: str = Field(default="nemotron_sysbench", exclude=True)
    license: str = "cc-by-4.0"
    hub: HubFile | None = HubFile(repo="nvidia/Nemotron-RL-SysBench-v1")


class SystemIFEval(Bench):
    """S-IFEval: constraints in the system message and in the user turn, held to rules."""

    name: str = Field(default="s_ifeval", exclude=True)
    license: str = "mit"


class IFEval(Bench):
    """IFEval: constraints in the user turn, held to rules."""

    name: str = Field(default="ifeval", exclude=True)
    license: str = "apache-2.0"
    hub: HubFile | None = HubFile(repo="google/IFEval")


class TensorTrust(Bench):
    """Tensor Trust: attacks on a system message that keeps a secret, held to rules."""

    name: str = Field(default="tensor_trust", exclude=True)
    license: str = "mit"


class Leaderboard(Entry):
    """Tasks of lm-evaluation-harness, which runs in an environment of its own."""

    limit: AtLeastOne | None = None  # items of each task; null: all


class Evaluation(Entry):
    """Which model grades, and the benchmarks."""

    judge: Name | None = None  # an entry of `models` or `judges`; needed where a judge grades
    multifacet: Multifacet = Multifacet()
    sysbench: SysBench = SysBench()
    nemotron_sysbench: NemotronSysBench = NemotronSysBench()
    s_ifeval: SystemIFEval | None = None
    ifeval: IFEval = IFEval()
    tensor_trust: TensorTrust | None = None
    leaderboard: Leaderboard = Leaderboard()


BENCHES: Final = tuple(name for name in Evaluation.model_fields if name != "judge")
# The tables of answers and gradings for which a model is asked; see `RequestSettings.phases`.
ASKED_TABLES: Final = tuple(
    f"{bench}_{what}" for bench in BENCHES for what in ("answers", "gradings")
)
