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
AVERAGE = "average of 2 tasks: mmlu, hellaswag"
BOTH = pl.concat([ONE, OTHER, items([1] * 9, "hellaswag", "acc")])


def test_every_task_counts_the_same_however_many_items_it_has() -> None:
    scores = add_average(TASKS, evaluated(BOTH)).scores

    average = row_of(scores, metric=AVERAGE)
    assert average["score"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert average["low"] < average["score"] < average["high"]
    assert (average["items"], average["of"], average["protocol"]) == (44, "total", "asked once")
    assert scores.height == 4
    assert scores["metric"][0] == AVERAGE


def test_its_difference_is_that_of_the_averages() -> None:
    better = pl.concat([items([1, 1, 1, 1], "mmlu", "acc"), OTHER])
    first, second = (add_average(TASKS, evaluated(each)).items for each in (BOTH, better))
    difference = row_of(compare_items(first, second), metric=AVERAGE)

    assert difference["difference"] == pytest.approx(1 / 8)


@pytest.mark.parametrize("changed", [3, 36])
def test_its_difference_is_that_of_the_items_that_are_known_of_both(changed: int) -> None:
    """What one subject lost was as good as what it kept, or better: neither moves a difference."""
    values = [0, 1] * 20
    lost = [None if at >= changed else value for at, value in enumerate(values)]
    of_less = pl.concat([ONE, items(lost, "hellaswag", "acc_norm")])
    first, second = (add_average(TASKS, evaluated(each)).items for each in (BOTH, of_less))

    difference = row_of(compare_items(first, second), metric=AVERAGE)
    assert (difference["difference"], difference["items"]) == (0, 4 + changed)


def test_tasks_without_an_item_in_common_have_no_difference_of_averages() -> None:
    later = pl.concat([ONE, items([0, 1] * 20, "hellaswag", "acc_norm", begin=40)])
    first, second = (add_average(TASKS, evaluated(each)).items for each in (BOTH, later))

    assert row_of(compare_items(first, second), metric=AVERAGE)["difference"] is None


def test_averages_over_other_tasks_are_not_compared() -> None:
    others = pl.concat([ONE, items([1, 0], "mathqa", "acc")])
    first, second = (add_average(TASKS, evaluated(each)).items for each in (BOTH, others))

    assert compare_items(first, second)["metric"].to_list() == ["mmlu"]


def test_an_average_names_its_tasks_in_the_order_of_the_paper_and_so_what_it_leaves_out() -> None:
    tasks = ["leaderboard_bbh", "leaderboard_ifeval", "leaderboard_mmlu_pro"]
    measured = ["acc_norm", "prompt_level_strict_acc", "acc"]
    of_items = pl.concat([items([1, 0], *task) for task in zip(tasks, measured, strict=True)])

    mine = {"mine": add_average(TASKS, evaluated(of_items))}
    first, *others = compare_subjects("leaderboard", [compared()], mine).rows(named=True)
    assert first["metric"] == "average of 2 tasks: leaderboard_mmlu_pro, leaderboard_bbh"
    assert first["remarks"] == "the average is without leaderboard_ifeval"
    assert {each["remarks"] for each in others} == {None}


def test_how_far_its_items_move_is_not_said() -> None:
    both = {name: add_average(TASKS, evaluated(BOTH)) for name in ("base", "taught")}
    subjects = [compared("base"), compared("taught", against="base")]
    rows = compare_subjects("leaderboard", subjects, both).filter(subject="taught")

    assert row_of(rows, metric=AVERAGE)["moved"] is None
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
        find_published("leaderboard", "phi-4", name_average([*UNSEEN_TASKS][:number]), "total")
        for number in (8, 7)
    )

    assert of_all
    assert of_all.score == pytest.approx(0.6937)
    assert of_fewer is None
    assert len(UNSEEN_TASKS) == 8
    ifeval = find_published("leaderboard", "phi-4", "ifeval", "prompt_level_strict_acc")
    assert ifeval
    assert ifeval.score == pytest.approx(0.6298)
    odd = find_published("leaderboard", "qwen2.5-14b-sysgen", name_average(UNSEEN_TASKS), "total")
    assert odd
    assert "-2.21" in odd.protocol
