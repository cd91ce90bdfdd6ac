"""The tasks and the profiles that they make up."""

import pytest

from sysgen_dagster.catalog.evaluation import Leaderboard, Profile
from sysgen_dagster.evaluation.leaderboard.harness import HarnessError
from sysgen_dagster.evaluation.leaderboard.tasks import (
    PROFILES,
    TASKS,
    Asks,
    HarnessTask,
    choose_tasks,
)

# The columns of the paper's table of unseen benchmarks, in its order.
COLUMNS = ("MMLU", "MMLU-Pro", "ARC-c", "GPQA", "HellaSwag", "IFEval", "MathQA", "BBH")


def test_every_profile_has_tasks_that_there_are() -> None:
    assert set(PROFILES) == set(Profile)
    assert all(set(protocol.tasks) <= TASKS.keys() for protocol in PROFILES.values())


def test_the_default_profile_has_a_task_for_each_column_of_the_paper() -> None:
    named = [TASKS[name].title for name in PROFILES[Profile.ZERO_SHOT].tasks]
    assert tuple(named) == COLUMNS


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_only_instructions_are_followed_in_texts(task: HarnessTask) -> None:
    assert (task.asks is Asks.TEXT) == (task.title == "IFEval")


def test_all_tasks_of_a_profile_are_run_or_those_that_are_named() -> None:
    names = [task.name for task in choose_tasks(Leaderboard())]
    assert tuple(names) == PROFILES[Profile.ZERO_SHOT].tasks
    some = Leaderboard(tasks=("mathqa", "mmlu"))
    assert [task.name for task in choose_tasks(some)] == ["mathqa", "mmlu"]


def test_a_task_that_the_profile_has_not_is_refused_with_those_that_it_has() -> None:
    settings = Leaderboard(profile=Profile.LEADERBOARD_2, tasks=("mathqa", "leaderboard_bbh"))
    with pytest.raises(HarnessError, match=r"names mathqa, .*leaderboard_2 has leaderboard_mmlu"):
        choose_tasks(settings)
