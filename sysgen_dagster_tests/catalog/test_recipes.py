"""Recipes and splits: defaults, and settings that are refused."""

from pathlib import Path

import pytest

from sysgen_dagster.catalog.recipes import Lane, Recipe, Rejected, Variant
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
    "chats-that-reject-nothing": (
        [("mixtures.half", {"rejected_breaks": True})],
        "mixtures.half.rejected_breaks",
        "`rejected_breaks` is of preference pairs of the lane `sysgen`: give `rejected`",
    ),
    "unknown-flag": (
        [("mixtures.half", {"leave_out": ["repetitive", "boring"]})],
        "mixtures.half.leave_out.1",
        "'repetitive', ",
    ),
    "lane-without-its-section": (
        [("mixtures.half", {"lane": "multifaceted"})],
        "mixtures",
        "`lane` of half is multifaceted, and there is no section `multifaceted`",
    ),
    "kind-of-pair-that-the-lane-lacks": (
        [("mixtures.half", {"lane": "multifaceted", "rejected": ["worse_answer"]})],
        "mixtures.half.lane",
        "pairs of the lane `multifaceted` reject `other_system_message` only",
    ),
    "variant-of-the-second-lane": (
        [("mixtures.half", {"lane": "multifaceted", "variant": "user_role"})],
        "mixtures.half.lane",
        "rows of the lane `multifaceted` have no variants",
    ),
    "sources-of-the-first-lane": (
        [("mixtures.half", {"lane": "multifaceted", "sources": ["mine"]})],
        "mixtures.half.lane",
        "has sources of its own",
    ),
    "chats-for-a-reward-model": (
        [("mixtures.half", {"layout": "reward"})],
        "mixtures.half.layout",
        "the layout `reward` is one of preference pairs: give `rejected`",
    ),
    "published-columns-of-the-first-lane": (
        [("mixtures.half", {"layout": "published"})],
        "mixtures.half.layout",
        "the layout `published` is that of `lane: multifaceted`",
    ),
    "flag-that-nobody-looks-for-in-the-second-lane": (
        [("mixtures.half", {"lane": "multifaceted", "leave_out": ["repetitive", "contaminated"]})],
        "mixtures.half.leave_out",
        "nobody looks for `contaminated` in rows of the lane `multifaceted`",
    ),
    **{
        f"{flag}-that-nobody-looks-for-in-conflict-turns": (
            [
                (
                    "mixtures.half",
                    {
                        "rejected": ["original_answer", "followed_user"],
                        "leave_out": ["repetitive", flag],
                    },
                )
            ],
            "mixtures.half.leave_out",
            f"nobody looks for `{flag}` in pairs that reject `followed_user`",
        )
        for flag in (
            "final_answer_differs",
            "final_answer_missing",
            "declines",
            "judges_disagree",
            "not_aligned",
        )
    },
    "reviewed-pairs-that-nobody-reviews": (
        [("mixtures.half", {"rejected": ["followed_user"], "reviewed": "accepted"})],
        "mixtures.half.reviewed",
        "nobody reviews pairs that reject `followed_user`",
    ),
    "one-row-an-instruction-of-the-first-lane": (
        [("mixtures.half", {"one_an_instruction": True})],
        "mixtures.half.one_an_instruction",
        "only the lane `multifaceted` has several rows an instruction",
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


def test_every_flag_that_is_looked_for_in_pairs_of_conflict_turns_may_be_left_out() -> None:
    flags = ("personal_data", "repetitive", "not_obeyed", "may_decline", "contaminated", "repaired")

    assert Recipe(rejected=(Rejected.FOLLOWED_USER,), leave_out=flags).leave_out == flags


def test_a_recipe_is_recorded_as_before_the_second_lane_unless_it_is_of_that() -> None:
    later = {"lane", "layout", "one_an_instruction", "rejected_breaks"}
    assert later & Recipe().recorded.keys() == set()
    assert Recipe(lane=Lane.MULTIFACETED).recorded["lane"] == "multifaceted"
