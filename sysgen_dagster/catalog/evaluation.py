"""Subjects and benchmarks: what is evaluated, on what, and which model grades.

A benchmark is named by a pin or by a copy on this machine, and is never shipped. The defaults are
those that a catalogue which only names subjects gets.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, model_validator

from sysgen_dagster.catalog.entries import (
    AtLeastOne,
    Count,
    Entry,
    Name,
    Repository,
    Revision,
    Sha256,
)
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

    @rule("model")
    def _refuse_to_serve_it_twice(self) -> str | None:
        own = sorted(self.model_fields_set - {"name", "model", "message_in"})
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
        fields = {place: cls.model_fields[place] for place in cls.places}
        is_elsewhere = any(given.get(place) is not None for place in fields)
        pins = {place: field.get_default() for place, field in fields.items()}
        return {**(dict.fromkeys(pins) if is_elsewhere else pins), **given}


class GitHubFiles(Entry):
    """Files of a repository on GitHub, at one commit, each with its sha256."""

    repo: Repository
    revision: Revision
    files: Mapping[str, Sha256] = Field(min_length=1)  # by their path there


class BenchOnGitHub(Bench):
    """A benchmark that is published on GitHub alone."""

    places: ClassVar[tuple[str, ...]] = ("github", "hub", "path")

    github: GitHubFiles | None = None


_REAL_GUARDRAILS = GitHubFiles(
    repo="normster/RealGuardrails",
    revision="905fc46f2f9ff88da0f304f99b549fb3ca4b815e",
    files={
        "evals/ifeval/inputs/sys_ifeval.jsonl": (
            "a59435a5f4e1dd23d0cb6f239cba8f19cca59228d95fe29a0aa6bddddba058fc"
        ),
        "evals/tensortrust/inputs/extraction.jsonl": (
            "467893172a0521e6d77117353608d733f45b73251f668e88ebaada53f9eca0ad"
        ),
        "evals/tensortrust/inputs/hijacking.jsonl": (
            "b1a2d7c9e9d10864cda125587de389339c91fcc06674c2b3f8f484a0c1d37083"
        ),
        "evals/tensortrust/inputs/helpful.jsonl": (
            "a3ccc2de98681d1a7380e125af2911a318ea673fb99dbc56ff3922ec42b9b7ca"
        ),
    },
)


def _of_real_guardrails(folder: str) -> GitHubFiles:
    files = _REAL_GUARDRAILS.files
    wanted = {path: digest for path, digest in files.items() if path.startswith(f"evals/{folder}/")}
    return _REAL_GUARDRAILS.model_copy(update={"files": wanted})


class Multifacet(Bench):
    """Multifacet: 921 instructions with a system message and four rubrics each."""

    name: str = Field(default="multifacet", exclude=True)
    license: str = "cc-by-4.0"
    hub: HubFile | None = HubFile(repo="kaist-ai/Multifaceted-Bench")


class SysBench(Bench):
    """SysBench: 500 system messages with five turns each, and a checklist for every turn."""

    name: str = Field(default="sysbench", exclude=True)
    hub: HubFile | None = HubFile(repo="PKU-Baichuan-MLSystemLab/SysBench")


class NemotronSysBench(Bench):
    """Nemotron-RL-SysBench-v1: conversations with constraints for rules and for a judge."""

    name: str = Field(default="nemotron_sysbench", exclude=True)
    license: str = "cc-by-4.0"
    hub: HubFile | None = HubFile(repo="nvidia/Nemotron-RL-SysBench-v1")


class SystemIFEval(BenchOnGitHub):
    """S-IFEval: constraints in the system message and in the user turn, held to rules."""

    name: str = Field(default="s_ifeval", exclude=True)
    title: str = "S-IFEval"
    license: str = "mit"
    github: GitHubFiles | None = _of_real_guardrails("ifeval")


class IFEval(Bench):
    """IFEval: constraints in the user turn, held to rules."""

    name: str = Field(default="ifeval", exclude=True)
    title: str = "IFEval"
    license: str = "apache-2.0"
    # The pin that `benchmarks` of the shipped catalogue has, too.
    hub: HubFile | None = HubFile(
        repo="google/IFEval",
        file="ifeval_input_data.jsonl",
        revision="966cd89545d6b6acfd7638bc708b98261ca58e84",
        sha256="6a85310ca8ce15eff755aa08a3a4ff931c7e273e7515ebb3c492ea85fd8288f2",
    )


class TensorTrust(BenchOnGitHub):
    """Tensor Trust: attacks on a system message that keeps a code, held to rules.

    A copy is the folder with `extraction.jsonl`, `hijacking.jsonl` and `helpful.jsonl`.
    """

    name: str = Field(default="tensor_trust", exclude=True)
    title: str = "Tensor Trust"
    license: str = "mit"
    github: GitHubFiles | None = _of_real_guardrails("tensortrust")


class ConflictSet(Entry):
    """Our own messages, put to the test by users who ask for the opposite; held to rules."""

    items: Items = EVERY_ITEM  # messages, six turns each; as in `Bench`
    seed: Count = 0


class Leaderboard(Entry):
    """Tasks of lm-evaluation-harness, which runs in an environment of its own."""

    limit: AtLeastOne | None = None  # items of each task; null: all


class Evaluation(Entry):
    """Which model grades, and the benchmarks."""

    judge: Name | None = None  # an entry of `models` or `judges`; needed where a judge grades
    multifacet: Multifacet = Multifacet()
    sysbench: SysBench = SysBench()
    nemotron_sysbench: NemotronSysBench = NemotronSysBench()
    s_ifeval: SystemIFEval = SystemIFEval()
    ifeval: IFEval = IFEval()
    tensor_trust: TensorTrust = TensorTrust()
    conflict_set: ConflictSet = ConflictSet()
    leaderboard: Leaderboard = Leaderboard()


BENCHES: Final = tuple(name for name in Evaluation.model_fields if name != "judge")
# The tables of answers and gradings for which a model is asked; see `RequestSettings.phases`.
ASKED_TABLES: Final = tuple(
    f"{bench}_{what}" for bench in BENCHES for what in ("answers", "gradings")
)
