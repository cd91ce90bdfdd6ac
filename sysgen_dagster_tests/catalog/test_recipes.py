"""Recipes and splits: defaults, and settings that are refused."""

from pathlib import Path

import pytest

from sysgen_dagster.catalog.recipes import Rejected, Variant
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster_tests.catalog.small import Wrong, assert_wrong, write

WRONG_ENTRIES: dict[str, Wrong] = {
    "no-rows-left-to-train-on": (
        [("training", {"validation": 0.5, "test": 0.5})],
        "training.validation",
        "`validation` and `test` together must leave rows to train on",
    ),
    "weights-of-no-number-of-rows": (
        [("mixtures.half", {"weights": {"mine": 1}})],
        "mixtures.half.weights",
        "`weights` divide `rows` among the sources: give `rows`",
    ),
    "weight-of-nothing": (
        [("mixtures.half", {"rows": 5, "weights": {"mine": 0}})],
        "mixtures.half.weights.mine",
        "greater than 0 (found: 0)",
    ),
    "unknown-flag": (
        [("mixtures.half", {"leave_out": ["repetitive", "boring"]})],
        "mixtures.half.leave_out.1",
        "'repetitive', ",
    ),
    "unknown-variant": (
        [("mixtures.half", {"variant": "best"})],
        "mixtures.half.variant",
        "(found: best)",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys())
def test_a_wrong_entry_is_one_error_that_names_the_file_the_entry_and_the_field(
    tmp_path: Path, wrong: Wrong
) -> None:
    assert_wrong(tmp_path, wrong)


def test_a_recipe_that_asks_for_nothing_is_all_rows_of_the_paper_s_set(tmp_path: Path) -> None:
    recipe = load_catalog(write(tmp_path, ("mixtures.all", {}))).mixtures["all"]

    assert recipe.variant is Variant.SYSGEN
    assert (recipe.rejected, recipe.sources, recipe.models, recipe.rows) == ((), (), (), None)


def test_a_recipe_may_make_pairs(tmp_path: Path) -> None:
    pairs = {"rejected": ["original_answer", "other_system_message"]}
    catalog = load_catalog(write(tmp_path, ("mixtures.pairs", pairs)))

    assert catalog.mixtures["pairs"].rejected == (
        Rejected.ORIGINAL_ANSWER,
        Rejected.OTHER_SYSTEM_MESSAGE,
    )
