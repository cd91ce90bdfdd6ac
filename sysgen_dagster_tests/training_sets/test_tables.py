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


def test_chats_and_pairs_have_the_same_columns_for_where_they_come_from() -> None:
    own = {"variant", "messages", "reasoning", "trained"}
    own |= {"rejected_is", "rejected_model", "prompt", "chosen", "rejected"}
    own |= {"rejected_not_obeyed"}
    chats, pairs = (
        {name: column for name, column in table.columns.items() if name not in own}
        for table in (TRAINING_ROWS, PREFERENCE_PAIRS)
    )
    assert list(chats.items()) == list(pairs.items())
