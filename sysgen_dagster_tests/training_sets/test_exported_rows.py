"""What an exported chat says of its messages: which to learn, and what was thought before."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.recipes import Recipe, Rejected, Thoughts, Training, Variant
from sysgen_dagster.training_sets.exported_rows import (
    exported_table,
    stored_variant,
    to_exported,
)
from sysgen_dagster.training_sets.mixtures import is_in_form_of
from sysgen_dagster.training_sets.reviewed import with_review
from sysgen_dagster.training_sets.rows import build_training_rows
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS, TRAINING_ROWS
from sysgen_dagster_tests.training_sets.frames import aligned, chat, of

CHAT = chat(("system", "S"), ("user", "Q"), ("assistant", "A'"))
WHOLE = chat(
    ("system", "S"),
    ("assistant", "Welcome."),
    ("user", "Q1"),
    ("assistant", "A1"),
    ("user", "Q2"),
    ("assistant", "A2"),
)
ROWS = of(
    with_review(TRAINING_ROWS),
    {"messages": CHAT, "trained": [False, False, True], "reasoning": "Two, two."},
    {"messages": CHAT, "trained": [False, False, True], "reasoning": None},
)


def exported(thoughts: Thoughts) -> pl.DataFrame:
    return to_exported(ROWS, Recipe(thoughts=thoughts))


def texts(messages: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Messages as trainers see them that know roles and contents alone."""
    return chat(*((message["role"], message["content"]) for message in messages))


def learned(messages: list[dict[str, Any]]) -> list[str]:
    return [message["content"] for message in messages if message["train"]]


@pytest.mark.parametrize(
    ("messages", "trained", "expected"),
    [
        (CHAT, [False, False, True], ["A'"]),
        (WHOLE, [False] * 5 + [True], ["A2"]),
        (WHOLE, [False, False, False, True, False, True], ["A1", "A2"]),
        (WHOLE, None, ["A2"]),  # of rows that were stored before there were marks
        (CHAT[1:], None, ["A'"]),
    ],
)
def test_each_message_says_whether_it_is_to_be_learned(
    messages: Any, trained: Any, expected: list[str]
) -> None:
    rows = of(with_review(TRAINING_ROWS), {"messages": messages, "trained": trained})
    (written,) = to_exported(rows, Recipe())["messages"].to_list()
    assert learned(written) == expected
    assert texts(written) == messages


def test_rows_keep_their_order_and_all_else_that_they_hold() -> None:
    lengths = [3, 6, 2, 6, 3]
    rows = of(
        with_review(TRAINING_ROWS),
        *(
            {"conversation_id": f"c{n}", "messages": WHOLE[-length:], "trained": [True] * length}
            for n, length in enumerate(lengths)
        ),
    )
    written = to_exported(rows, Recipe())
    kept = [name for name in written.columns if name != "messages"]
    assert written.select(kept).equals(rows.select(kept))
    assert written["messages"].list.len().to_list() == lengths


def test_thoughts_are_left_out_where_nobody_asks_for_them() -> None:
    rows = to_exported(ROWS, Recipe())
    assert [texts(messages) for messages in rows["messages"].to_list()] == [CHAT, CHAT]
    assert "Two, two." not in rows.write_json()


def test_as_a_field_they_stand_in_the_last_message_alone() -> None:
    thought, nothing = exported(Thoughts.FIELD)["messages"].to_list()
    assert thought[-1] == {
        "role": "assistant",
        "content": "A'",
        "train": True,
        "reasoning_content": "Two, two.",
    }
    assert nothing[-1]["reasoning_content"] is None
    assert [message["reasoning_content"] for message in thought[:-1]] == [None, None]
    assert [message["content"] for message in thought] == ["S", "Q", "A'"]


def test_in_the_content_they_are_a_block_before_the_answer() -> None:
    thought, nothing = exported(Thoughts.IN_CONTENT)["messages"].to_list()
    answer = ("assistant", "<think>\nTwo, two.\n</think>\n\nA'")
    assert texts(thought) == [*CHAT[:2], *chat(answer)]
    assert texts(nothing) == CHAT


@pytest.mark.parametrize("thoughts", Thoughts)
def test_the_columns_are_those_that_are_declared(thoughts: Thoughts) -> None:
    table = exported_table(Recipe(thoughts=thoughts))
    assert exported(thoughts).schema == table.schema
    assert to_exported(ROWS.clear(), Recipe(thoughts=thoughts)).schema == table.schema
    assert not {"reasoning", "trained"} & table.columns.keys()


def test_pairs_are_exported_as_they_are() -> None:
    recipe, pairs = Recipe(rejected=(Rejected.ORIGINAL_ANSWER,)), with_review(PREFERENCE_PAIRS)
    assert exported_table(recipe).schema == pairs.schema
    assert to_exported(pairs.empty(), recipe).schema == pairs.schema


def test_each_variant_has_the_thoughts_of_its_own_answer() -> None:
    rows = aligned({"reasoning": "of the new one", "answer_reasoning": "of the original"})
    built = build_training_rows(rows, rows.clear(), Training())
    assert dict(built.select("variant", "reasoning").iter_rows()) == {
        Variant.SYSGEN: "of the new one",
        Variant.USER_ROLE: "of the new one",
        Variant.ORIGINAL_ANSWER: "of the original",
        Variant.COMMON_SYSTEM_MESSAGE: "of the original",
        Variant.NO_SYSTEM_MESSAGE: "of the original",
    }


@pytest.mark.parametrize("thoughts", Thoughts)
def test_an_empty_system_message_is_a_turn_that_says_nothing_before_the_same_chats(
    thoughts: Thoughts,
) -> None:
    conversations = aligned({}, {"history": WHOLE[2:4]}, {"answer_reasoning": "So."})
    stored = build_training_rows(conversations, conversations.clear(), Training())
    stored = stored.with_columns(reviewed=pl.lit(None, pl.String))
    empty, none = (
        Recipe(variant=variant, thoughts=thoughts)
        for variant in (Variant.EMPTY_SYSTEM_MESSAGE, Variant.NO_SYSTEM_MESSAGE)
    )
    with_turn, without = (
        to_exported(stored.filter(is_in_form_of(recipe)), recipe) for recipe in (empty, none)
    )
    assert with_turn["conversation_id"].to_list() == without["conversation_id"].to_list()
    for one, other in zip(with_turn["messages"], without["messages"], strict=True):
        first = one[0]
        assert (first["role"], first["content"], first["train"]) == ("system", "", False)
        assert one.to_list()[1:] == other.to_list()
    assert with_turn.schema == exported_table(empty).schema


def test_every_variant_is_stored_or_made_of_one_that_is() -> None:
    rows = aligned({})
    stored = set(build_training_rows(rows, rows.clear(), Training())["variant"])
    assert {stored_variant(variant).value for variant in Variant} == stored
