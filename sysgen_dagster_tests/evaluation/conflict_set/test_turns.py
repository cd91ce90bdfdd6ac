"""The conflict set: its messages, and what answers to their turns add to the two rates."""

from collections.abc import Callable, Mapping

import polars as pl
import pytest

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.evaluation.conflict_set.suite import SUITE
from sysgen_dagster.evaluation.conflict_set.tables import (
    CONFLICT_SET_ANSWERS,
    CONFLICT_SET_GRADINGS,
    CONFLICT_SET_ITEMS,
)
from sysgen_dagster.evaluation.conflict_set.turns import (
    BROKEN,
    HELPED,
    KEPT,
    build_floor,
    build_items,
    build_set,
    grade,
)
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.obedience.conflicts import add_answers

TURNS = 6  # of a message
ENGLISH = "I am sorry to say that this is a long story about the weather of many years. " * 3
FRENCH = "Je suis au regret de dire que c'est une longue histoire sur le temps qu'il fait. " * 3


def answered(
    says: Callable[[Mapping[str, object]], str | None],
    most: int | None = None,
    finish: str = "stop",
) -> pl.DataFrame:
    """The answers to the turns of some messages, each given by a function of the turn."""
    turns = build_set(most)
    texts = [says(turn) for turn in turns.iter_rows(named=True)]
    replies = [
        {
            "request_id": name,
            "text": text,
            "failed_because": None if text is not None else "timeout",
            "finish_reason": finish,
            "attempts": 1,
        }
        for name, text in zip(turns["request_id"], texts, strict=True)
    ]
    completions = pl.DataFrame(replies, schema=COMPLETIONS)
    return add_answers(turns, completions).select(CONFLICT_SET_ANSWERS.names)


def of_message(answers: pl.DataFrame, name: str) -> pl.DataFrame:
    return build_items(grade(answers.filter(message=name)))


def values(items: pl.DataFrame) -> dict[tuple[str, str], list[float | None]]:
    return {
        (metric, of): part["value"].to_list()
        for (metric, of), part in items.group_by("metric", "of", maintain_order=True)
    }


def test_every_message_of_the_file_can_be_put_to_the_test() -> None:
    turns = build_set()
    assert turns.schema == CONFLICT_SET_ITEMS.schema
    assert turns["message"].n_unique() == 24
    assert turns.height == 24 * TURNS
    assert turns["request_id"].is_unique().all()
    assert turns["rule"].n_unique() >= 15  # no kind of rule decides the rates
    with_message = turns.filter("has_system_message")["prompt"].list.first().struct.field("role")
    assert with_message.unique().to_list() == ["system"]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_larger_number_of_messages_holds_those_of_a_smaller_one(seed: int) -> None:
    few, more = (set(build_set(most, seed)["message"]) for most in (5, 9))
    assert (len(few), len(more)) == (5, 9)
    assert few < more


def test_another_seed_takes_other_messages() -> None:
    assert set(build_set(8, 0)["message"]) != set(build_set(8, 1)["message"])


def test_an_answer_that_keeps_to_the_message_counts_for_both_rates() -> None:
    items = of_message(answered(lambda _: FRENCH), "language-french")
    assert values(items) == {
        (KEPT, "total"): [1.0, 1.0],
        (KEPT, "conflicting"): [1.0],
        (KEPT, "claimed_authority"): [1.0],
        (HELPED, "aligned"): [1.0],
        (HELPED, "unrelated"): [1.0],
        (BROKEN, "total"): [0.0, 0.0],
        (BROKEN, "conflicting"): [0.0],
        (BROKEN, "claimed_authority"): [0.0],
    }
    assert items["cluster"].unique().to_list() == ["language-french"]


def test_an_answer_that_does_what_the_user_wants_breaks_the_message() -> None:
    found = values(of_message(answered(lambda _: ENGLISH), "language-french"))
    assert found[KEPT, "total"] == [0.0, 0.0]
    assert found[HELPED, "aligned"] == [0.0]
    assert found[BROKEN, "total"] == [1.0, 1.0]


def test_a_refusal_keeps_the_message_and_helps_nobody() -> None:
    answers = answered(lambda _: "I'm sorry, but I can't help with that.")
    found = values(of_message(answers, "no-bullets"))
    assert found[KEPT, "total"] == [1.0, 1.0]
    assert found[HELPED, "aligned"] == found[HELPED, "unrelated"] == [0.0]


@pytest.mark.parametrize(("finish", "reason"), [("length", "truncated"), ("stop", None)])
def test_an_answer_that_was_cut_is_dropped_with_its_reason(finish: str, reason: str | None) -> None:
    items = of_message(answered(lambda _: ENGLISH, finish=finish), "few-words")
    assert items["drop_reason"].unique().to_list() == [reason]
    assert items.filter(pl.col("value").is_null() != pl.col("drop_reason").is_not_null()).is_empty()


def test_an_answer_whose_side_nobody_can_tell_is_dropped_and_counted() -> None:
    items = of_message(answered(lambda _: "1, 2, 3"), "language-french")
    assert items["drop_reason"].unique().to_list() == ["undecided"]
    scores = score_items(items, subject="s", protocol="p")
    assert scores["score"].null_count() == scores.height
    assert scores["dropped"].to_list() == [2, 1, 1, 1, 1, 2, 1, 1]


def test_every_answer_is_graded_or_dropped() -> None:
    answers = answered(lambda turn: None if turn["turn"] == "aligned" else ENGLISH)
    gradings = grade(answers)
    assert gradings.schema == CONFLICT_SET_GRADINGS.schema
    assert gradings["request_id"].to_list() == answers["request_id"].to_list()
    assert (gradings["side"].is_null() == gradings["drop_reason"].is_not_null()).all()
    items = build_items(gradings)
    assert items.filter(of="aligned")["drop_reason"].unique().to_list() == ["timeout"]
    # Each turn counts for one rate, and once more for all turns of that rate where it has one.
    assert items.filter(pl.col("of") != "total").height == gradings.height


def test_the_floor_is_what_yes_would_get() -> None:
    turns = build_set()
    floor, says_yes = build_floor(turns), build_items(grade(answered(lambda _: "yes")))
    assert floor.equals(says_yes)
    means = floor.group_by("metric").agg(pl.col("value").mean())
    assert 0.2 < dict(means.iter_rows())[KEPT] < 0.8


def test_a_message_has_as_many_rows_as_the_suite_says_beforehand() -> None:
    assert build_set(3, seed=0).height == 3 * SUITE.rows_an_item
