"""The average over tasks, each of which counts the same."""

from dataclasses import replace

import polars as pl
import pytest

from sysgen_dagster.evaluation.comparisons.averages import add_average
from sysgen_dagster.evaluation.comparisons.comparing import compare_subjects
from sysgen_dagster.evaluation.comparisons.published import (
    UNSEEN_TASKS,
    find_published,
    name_average,
)
from sysgen_dagster.evaluation.scores import compare_items
from sysgen_dagster_tests.evaluation.comparisons.small_evaluations import (
    compared,
    evaluated,
    items,
    row_of,
)
from sysgen_dagster_tests.evaluation.riddles import SUITE

TASKS = replace(SUITE, name="leaderboard")
ONE = items([1, 1, 0, 1], "mmlu", "acc")
OTHER = items([0, 1] * 20, "hellaswag", "acc_norm")
BOTH = pl.concat([ONE, OTHER, items([1] * 9, "hellaswag", "acc")])


def test_every_task_counts_the_same_however_many_items_it_has() -> None:
    scores = add_average(TASKS, evaluated(BOTH)).scores

    average = row_of(scores, metric="average of 2 tasks")
    assert average["score"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert average["low"] < average["score"] < average["high"]
    assert (average["items"], average["of"], average["protocol"]) == (44, "total", "asked once")
    assert scores.height == 4
    assert scores["metric"][0] == "average of 2 tasks"


def test_its_difference_is_that_of_the_averages() -> None:
    better = pl.concat([items([1, 1, 1, 1], "mmlu", "acc"), OTHER])
    first, second = (add_average(TASKS, evaluated(each)).items for each in (BOTH, better))
    difference = row_of(compare_items(first, second), metric="average of 2 tasks")

    assert difference["difference"] == pytest.approx(1 / 8)


def test_how_far_its_items_move_is_not_said() -> None:
    both = {name: add_average(TASKS, evaluated(BOTH)) for name in ("base", "taught")}
    subjects = [compared("base"), compared("taught", against="base")]
    rows = compare_subjects("leaderboard", subjects, both).filter(subject="taught")

    assert row_of(rows, metric="average of 2 tasks")["moved"] is None
    assert row_of(rows, metric="mmlu")["moved"] == 0.0


@pytest.mark.parametrize(
    "of_items",
    [ONE, items([1, 0]), pl.concat([ONE, items([None], "hellaswag", "acc_norm")])],
    ids=["one-task", "no-task", "one-known"],
)
def test_of_fewer_than_two_tasks_there_is_no_average(of_items: pl.DataFrame) -> None:
    assert (
        add_average(TASKS, evaluated(of_items)).scores.height == evaluated(of_items).scores.height
    )


def test_other_suites_have_no_tasks() -> None:
    assert add_average(SUITE, evaluated(BOTH)).scores.height == 3


def test_the_paper_s_average_stands_beside_that_of_all_of_its_tasks_alone() -> None:
    of_all, of_fewer = (
        find_published("leaderboard", "phi-4", name_average(number), "total") for number in (8, 7)
    )

    assert of_all
    assert of_all.score == pytest.approx(0.6937)
    assert of_fewer is None
    assert len(UNSEEN_TASKS) == 8
    ifeval = find_published("leaderboard", "phi-4", "ifeval", "prompt_level_strict_acc")
    assert ifeval
    assert ifeval.score == pytest.approx(0.6298)
    odd = find_published("leaderboard", "qwen2.5-14b-sysgen", name_average(8), "total")
    assert odd
    assert "-2.21" in odd.protocol
