"""The tables of training sets."""

import pytest

from sysgen_dagster.catalog.recipes import Recipe, Rejected
from sysgen_dagster.tables.table import Table
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS, TRAINING_ROWS, table_of


@pytest.mark.parametrize(
    ("recipe", "table"),
    [
        (Recipe(), TRAINING_ROWS),
        (Recipe(rejected=(Rejected.ORIGINAL_ANSWER,)), PREFERENCE_PAIRS),
    ],
)
def test_a_mixture_takes_pairs_where_its_recipe_rejects_answers(
    recipe: Recipe, table: Table
) -> None:
    assert table_of(recipe) == table


def test_chats_and_pairs_say_the_same_of_where_they_come_from() -> None:
    own = {"variant", "messages", "rejected_is", "rejected_model", "prompt", "chosen", "rejected"}
    shared = TRAINING_ROWS.columns.keys() - own
    assert shared == PREFERENCE_PAIRS.columns.keys() - own
    assert TRAINING_ROWS.only(*shared) == PREFERENCE_PAIRS.only(*shared)
