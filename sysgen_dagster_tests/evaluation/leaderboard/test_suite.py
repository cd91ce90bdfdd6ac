"""Items and scores of the leaderboard tasks, and what is said of how they were asked."""

import json
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.evaluation.leaderboard.suite import build_items, describe_protocol
from sysgen_dagster.evaluation.leaderboard.tables import LEADERBOARD_GRADINGS
from sysgen_dagster.evaluation.scores import compare_items, score_items


def graded(part: str | None, values: list[float | None], **fields: Any) -> pl.DataFrame:
    """Rows of a part of a task, one an item."""
    row = {"task": "mmlu", "part": part, "metric": "acc", "number": 0, "chat_template": "none"}
    row |= {"profile": "zero_shot", "versions": json.dumps({"lm_eval": "0.4.13"})}
    row |= {"items_of_task": len(values), "items_asked": len(values)}
    rows = [row | {"item": f"{part}/{n}", "value": v} | fields for n, v in enumerate(values)]
    return pl.DataFrame(rows, schema=LEADERBOARD_GRADINGS.schema)


def scored(*frames: pl.DataFrame) -> list[dict[str, Any]]:
    items = build_items(pl.concat(frames))
    return score_items(items, subject="pupil", protocol="p").rows(named=True)


def test_all_items_of_a_task_are_pooled_whatever_part_they_are_of() -> None:
    [score] = scored(graded("mmlu_anatomy", [1.0]), graded("mmlu_virology", [1.0, 0.0, 0.0]))
    assert (score["metric"], score["of"], score["score"], score["items"]) == ("mmlu", "acc", 0.5, 4)


def test_an_item_that_nobody_answered_is_dropped() -> None:
    [score] = scored(graded("a", [1.0, None]))
    assert (score["score"], score["items"], score["dropped"]) == (1.0, 1, 1)


def test_a_task_that_was_left_out_has_no_score() -> None:
    [score] = scored(graded(None, [None], drop_reason="needs_token"))
    assert (score["score"], score["items"], score["dropped"]) == (None, 0, 1)


def test_instructions_are_items_that_are_drawn_together() -> None:
    rows = [graded("ifeval", [1.0, 0.0], number=number) for number in range(3)]
    items = build_items(pl.concat(rows))
    assert items["item"].n_unique() == 6
    assert items["cluster"].n_unique() == 2


def test_two_subjects_are_compared_item_by_item() -> None:
    first, second = (build_items(graded("a", values)) for values in ([1.0, 0.0], [1.0, 1.0]))
    [row] = compare_items(first, second).rows(named=True)
    assert (row["difference"], row["items"], row["moved"]) == (0.5, 2, 0.5)


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([graded("a", [1.0])], "lm_eval 0.4.13, profile zero_shot, without chat template"),
        ([graded("a", [1.0], chat_template="client")], "zero_shot, with the chat template"),
        ([graded("a", [1.0], chat_template="server")], "lm_eval 0.4.13, profile zero_shot"),
        (
            [graded("a", [1.0, 0.0], items_of_task=5), graded("b", [1.0])],
            "limited: 3 of 6 items",
        ),
        ([graded(None, [None])], "nothing was run"),
    ],
)
def test_a_score_says_how_was_asked(frames: list[pl.DataFrame], said: str) -> None:
    assert said in describe_protocol(pl.concat(frames))
