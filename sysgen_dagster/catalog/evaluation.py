"""Benchmarks: on what subjects are evaluated, and which model grades.

A benchmark is named by a pin or by a copy on this machine, and is never shipped. The defaults are
those that a catalogue which only names subjects gets.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from sysgen_dagster.catalog.entries import (
    AtLeastOne,
    Count,
    Entry,
    Name,
    Switch,
)
from sysgen_dagster.catalog.places import GitHubFiles, HubFile
from sysgen_dagster.catalog.rules import rule
from sysgen_dagster.catalog.sources import UpstreamFile

EVERY_ITEM: Final = "all"
Items = Literal["all"] | AtLeastOne


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

    @model_serializer(mode="wrap")
    def _github_last(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As older releases dump it: code versions of stored partitions are made of this text."""
        fields: dict[str, Any] = dump(self)
        return {name: fields[name] for name in sorted(fields, key=lambda each: each == "github")}

    @property
    def is_placed(self) -> bool:
        """Whether one of the fields says where it is."""
        return any(getattr(self, place) is not None for place in self.places)


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


class RubricLabels(Bench):
    """Answers that people have graded by rubrics, by which a judge of rubrics is calibrated."""

    name: str = Field(default="calibration", exclude=True)
    hub: HubFile | None = HubFile(repo="ContextualAI/Flask", split="test")
    # Enough that weighted kappa is known to about 0.1; 0: the judge is uncalibrated.
    items: Literal["all"] | Count = 300


# The columns of the paper's tables: the benchmarks that instructions are from.
FromBenchmark = Literal["AlpacaEval", "FLASK", "Koala", "MT-Bench", "Self-Instruct"]


class RubricBench(Bench):
    """A benchmark whose answers a judge grades by rubrics."""

    # The columns of values of the bench's `source`, where they are others than it has by itself.
    source_columns: Mapping[str, str] = {}
    # Whether the judge is shown the system message: without, with, or a grading of each.
    judge_sees_message: Annotated[tuple[Switch, ...], Field(min_length=1)] = (False, True)
    rounds: AtLeastOne = 5  # how often a judge is asked whose grading cannot be read
    # Whether the judge's server is asked for the probabilities of the scores; false where it
    # refuses requests that ask for some.
    probabilities: Switch = True

    @rule("judge_sees_message")
    def _require_each_way_once(self) -> str | None:
        is_once = len(set(self.judge_sees_message)) == len(self.judge_sees_message)
        return None if is_once else "give true and false at most once each"


class Multifacet(RubricBench):
    """Multifacet: 921 instructions with a system message and four rubrics each."""

    name: str = Field(default="multifacet", exclude=True)
    license: str = "cc-by-4.0"
    hub: HubFile | None = HubFile(repo="kaist-ai/Multifaceted-Bench")
    source_columns: Mapping[str, FromBenchmark] = {}
    calibration: RubricLabels = RubricLabels()


class MultifacetedBench(RubricBench):
    """A bench that the second lane made: that of this deployment where no place is given."""

    needs_place: ClassVar[bool] = False

    name: str = Field(default="multifaceted_bench", exclude=True)


class History(StrEnum):
    """Whose answers stand before a later turn of a session."""

    OWN = "own"  # the subject's
    REFERENCE = "reference"  # the benchmark's, so that one failure says nothing of the next turn


class Language(StrEnum):
    """In which language a benchmark is asked."""

    ORIGINAL = "original"
    ENGLISH = "english"  # translated by a model of the catalogue


class Sample(Entry):
    """So many sessions of each kind, in place of all; left out: as the SysGen paper has it."""

    dependent: Count = 80
    parallel: Count = 20
    seed: Count = 0  # which ones: the paper does not say which are its own


class SysBench(Bench):
    """SysBench: 500 system messages with five turns each, and a checklist for every turn.

    An item of the setting `items` is a session.
    """

    name: str = Field(default="sysbench", exclude=True)
    hub: HubFile | None = HubFile(
        repo="PKU-Baichuan-MLSystemLab/SysBench", file="system_benchmark_eval_datas.json"
    )
    history: History = History.OWN
    language: Language = Language.ORIGINAL
    translator: Name | None = None  # an entry of `models` or `judges`; needed for English
    sample: Sample | None = None

    @rule("items", "sample")
    def _require_one_choice(self) -> str | None:
        if self.sample is None or self.items == EVERY_ITEM:
            return None
        return "`items` and `sample` both say which sessions are asked: leave one out"

    @rule("language", "translator")
    def _require_a_translator(self) -> str | None:
        if self.language is Language.ORIGINAL or self.translator:
            return None
        return (
            "`language` english needs a model that translates: name an entry of `models` or "
            "`judges` as `translator`"
        )


class NemotronSysBench(Bench):
    """Nemotron-RL-SysBench-v1: conversations with constraints for rules and for a judge."""

    name: str = Field(default="nemotron_sysbench", exclude=True)
    license: str = "cc-by-4.0"
    hub: HubFile | None = HubFile(repo="nvidia/Nemotron-RL-SysBench-v1", file="data/train.jsonl")


class SystemIFEval(Bench):
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


class TensorTrust(Bench):
    """Tensor Trust: attacks on a system message that keeps a code, held to rules.

    A copy is the folder with `extraction.jsonl`, `hijacking.jsonl` and `helpful.jsonl`.
    """

    name: str = Field(default="tensor_trust", exclude=True)
    title: str = "Tensor Trust"
    license: str = "mit"
    github: GitHubFiles | None = _of_real_guardrails("tensortrust")


class Profile(StrEnum):
    """Which tasks of lm-evaluation-harness are run, and how."""

    ZERO_SHOT = "zero_shot"  # the eight of the paper, as the harness runs them by itself
    LEADERBOARD_2 = "leaderboard_2"  # those that the second Open LLM Leaderboard ran of them


class ConflictSet(Entry):
    """Our own messages, put to the test by users who ask for the opposite; held to rules."""

    items: Items = EVERY_ITEM  # messages, six turns each; as in `Bench`
    seed: Count = 0


class Leaderboard(Entry):
    """Tasks of lm-evaluation-harness, which runs in an environment of its own."""

    profile: Profile = Profile.ZERO_SHOT
    tasks: tuple[str, ...] = ()  # some of the profile's; empty: all
    chat_template: Switch | None = None  # around prompts of likelihoods; null: as the profile
    limit: AtLeastOne | None = None  # items of each part of a task; null: all


class Evaluation(Entry):
    """Which model grades, and the benchmarks."""

    judge: Name | None = None  # an entry of `models` or `judges`; needed where a judge grades
    multifacet: Multifacet = Multifacet()
    multifaceted_bench: MultifacetedBench = MultifacetedBench()
    sysbench: SysBench = SysBench()
    nemotron_sysbench: NemotronSysBench = NemotronSysBench()
    s_ifeval: SystemIFEval = SystemIFEval()
    ifeval: IFEval = IFEval()
    tensor_trust: TensorTrust = TensorTrust()
    conflict_set: ConflictSet = ConflictSet()
    leaderboard: Leaderboard = Leaderboard()


BENCHES: Final = tuple(name for name in Evaluation.model_fields if name != "judge")
# The tables of answers and gradings for which a model is asked; see `RequestSettings.phases`.
ASKED_TABLES: Final = (
    *(f"{bench}_{what}" for bench in BENCHES for what in ("answers", "gradings")),
    "sysbench_translation",
)
