"""The tasks of lm-evaluation-harness that are run, and the profiles that they make up.

Names, folders, metrics and repositories are those of its release 0.4.13.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sysgen_dagster.catalog.evaluation import Leaderboard, Profile
from sysgen_dagster.evaluation.leaderboard.harness import HarnessError

PROBE_IFEVAL, PROBE_LEADERBOARD_IFEVAL = "ifeval", "leaderboard_ifeval"


class Asks(StrEnum):
    """What a task asks of a server."""

    LIKELIHOOD = "likelihood"  # how likely given continuations of a prompt are
    TEXT = "text"  # an answer to a chat


@dataclass(frozen=True, slots=True)
class HarnessTask:
    """One task of the harness, or a group of them that is scored as one.

    Attributes:
        name: The harness' own.
        title: For people.
        files: Which of the files below its folder of tasks define it.
        metrics: What is read of each item; the first is the one that tables show.
        repo: The data set on the Hub.
        asks: What it asks of a server.
        benchmark: The entry of the catalogue's `benchmarks` whose file has all that the task reads,
            where there can be one; else the data set is read at a pinned commit.
        split: What the harness calls the split that this file is.
        by: The column of the file whose values are the names of the group's configurations.
        is_gated: Whether the data set needs a token, and that its terms were accepted.
    """

    name: str
    title: str
    files: str
    metrics: tuple[str, ...]
    repo: str
    asks: Asks = Asks.LIKELIHOOD
    benchmark: str | None = None
    split: str = "test"
    by: str | None = None
    is_gated: bool = False


# Of a whole prompt and of each instruction in it; strict as written, loose without decoration.
_OF_IFEVAL: Final = (
    *("prompt_level_strict_acc", "inst_level_strict_acc"),
    *("prompt_level_loose_acc", "inst_level_loose_acc"),
)
_ACC, _ACC_AND_NORM = ("acc",), ("acc_norm", "acc")
_TASKS: Final = (
    HarnessTask(
        *("mmlu", "MMLU", "mmlu/default/mmlu_*.yaml", _ACC, "cais/mmlu"),
        benchmark="mmlu",
        by="subject",
    ),
    HarnessTask(
        *("leaderboard_mmlu_pro", "MMLU-Pro", "leaderboard/mmlu_pro/mmlu_pro.yaml"),
        *(_ACC, "TIGER-Lab/MMLU-Pro"),
    ),
    HarnessTask(
        *("arc_challenge", "ARC-c", "arc/arc_challenge.yaml", _ACC_AND_NORM, "allenai/ai2_arc"),
        benchmark="arc_challenge",
    ),
    # Its options are shuffled by one generator for the whole process: it needs a run of its own.
    HarnessTask(
        *("leaderboard_gpqa", "GPQA", "leaderboard/gpqa/gpqa_*.yaml"),
        *(("acc_norm",), "Idavidrein/gpqa"),
        is_gated=True,
    ),
    HarnessTask(
        *("hellaswag", "HellaSwag", "hellaswag/hellaswag.yaml", _ACC_AND_NORM, "Rowan/hellaswag"),
        benchmark="hellaswag",
        split="validation",
    ),
    HarnessTask(
        *(PROBE_IFEVAL, "IFEval", "ifeval/ifeval.yaml", _OF_IFEVAL, "google/IFEval", Asks.TEXT),
        benchmark="ifeval",
    ),
    HarnessTask(
        *(PROBE_LEADERBOARD_IFEVAL, "IFEval", "leaderboard/ifeval/ifeval.yaml", _OF_IFEVAL),
        *("wis-k/instruction-following-eval", Asks.TEXT),
    ),
    HarnessTask("mathqa", "MathQA", "mathqa/mathqa.yaml", ("acc", "acc_norm"), "regisss/math_qa"),
    HarnessTask(
        *("leaderboard_bbh", "BBH", "leaderboard/bbh_mc/[a-z]*.yaml"),
        *(("acc_norm",), "SaylorTwift/bbh"),
    ),
)
TASKS: Final[Mapping[str, HarnessTask]] = {task.name: task for task in _TASKS}


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a profile runs its tasks.

    Attributes:
        tasks: Their names, in the order of the tables.
        has_chat_template: Whether prompts of likelihoods are put into the chat template, examples
            as earlier turns. Those of texts always are, by the server.
    """

    tasks: tuple[str, ...]
    has_chat_template: bool


# The numbers of examples are those that the harness has for each task: none but 5 of MMLU-Pro and 3
# of BBH.
PROFILES: Final[Mapping[Profile, Protocol]] = {
    Profile.ZERO_SHOT: Protocol(
        (
            *("mmlu", "leaderboard_mmlu_pro", "arc_challenge", "leaderboard_gpqa", "hellaswag"),
            *("ifeval", "mathqa", "leaderboard_bbh"),
        ),
        has_chat_template=False,
    ),
    Profile.LEADERBOARD_2: Protocol(
        ("leaderboard_mmlu_pro", "leaderboard_gpqa", "leaderboard_ifeval", "leaderboard_bbh"),
        has_chat_template=True,
    ),
}


def choose_tasks(settings: Leaderboard) -> list[HarnessTask]:
    """The tasks of a profile that the catalogue asks for, in its order.

    Raises:
        HarnessError: It names one that the profile has not.
    """
    names = PROFILES[settings.profile].tasks
    if unknown := [name for name in settings.tasks if name not in names]:
        raise HarnessError(
            f"`evaluation.leaderboard.tasks` names {', '.join(unknown)}, and the profile "
            f"{settings.profile.value} has {', '.join(names)}: take some of these"
        )
    return [TASKS[name] for name in settings.tasks or names]
