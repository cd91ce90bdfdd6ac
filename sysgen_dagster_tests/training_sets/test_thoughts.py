"""Where an exported chat holds what was thought before its last answer."""

import polars as pl
import pytest

from sysgen_dagster.catalog.recipes import Recipe, Rejected, Thoughts, Training, Variant
from sysgen_dagster.training_sets.reviewed import with_review
from sysgen_dagster.training_sets.rows import build_training_rows
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS, TRAINING_ROWS
from sysgen_dagster.training_sets.thoughts import exported_table, place_thoughts
from sysgen_dagster_tests.training_sets.frames import aligned, chat, of

CHAT = chat(("system", "S"), ("user", "Q"), ("assistant", "A'"))
ROWS = of(
    with_review(TRAINING_ROWS),
    {"messages": CHAT, "reasoning": "Two, two."},
    {"messages": CHAT, "reasoning": None},
)


def exported(thoughts: Thoughts) -> pl.DataFrame:
    return place_thoughts(ROWS, Recipe(thoughts=thoughts))


def test_thoughts_are_left_out_where_nobody_asks_for_them() -> None:
    rows = place_thoughts(ROWS, Recipe())
    assert rows["messages"].to_list() == [CHAT, CHAT]
    assert "Two, two." not in rows.write_json()


def test_as_a_field_they_stand_in_the_last_message_alone() -> None:
    thought, nothing = exported(Thoughts.FIELD)["messages"].to_list()
    assert thought[-1] == {"role": "assistant", "content": "A'", "reasoning_content": "Two, two."}
    assert nothing[-1]["reasoning_content"] is None
    assert [message["reasoning_content"] for message in thought[:-1]] == [None, None]
    assert [message["content"] for message in thought] == ["S", "Q", "A'"]


def test_in_the_content_they_are_a_block_before_the_answer() -> None:
    thought, nothing = exported(Thoughts.IN_CONTENT)["messages"].to_list()
    assert thought == [*CHAT[:2], *chat(("assistant", "<think>\nTwo, two.\n</think>\n\nA'"))]
    assert nothing == CHAT


@pytest.mark.parametrize("thoughts", Thoughts)
def test_the_columns_are_those_that_are_declared(thoughts: Thoughts) -> None:
    table = exported_table(Recipe(thoughts=thoughts))
    assert exported(thoughts).schema == table.schema
    assert place_thoughts(ROWS.clear(), Recipe(thoughts=thoughts)).schema == table.schema
    assert "reasoning" not in table.columns


def test_pairs_are_exported_as_they_are() -> None:
    recipe, pairs = Recipe(rejected=(Rejected.ORIGINAL_ANSWER,)), with_review(PREFERENCE_PAIRS)
    assert exported_table(recipe).schema == pairs.schema
    assert place_thoughts(pairs.empty(), recipe).schema == pairs.schema


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
