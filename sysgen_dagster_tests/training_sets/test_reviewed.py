"""What reviewers decided: rejected rows go, edits stand in every variant that holds the text."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.recipes import Recipe, Rejected, Reviewed, Training, Variant
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.training_sets.mixtures import is_in_form_of
from sysgen_dagster.training_sets.pairs import build_preference_pairs
from sysgen_dagster.training_sets.reviewed import (
    DECIDED,
    only_accepted,
    without_rejected,
    write_edits,
)
from sysgen_dagster.training_sets.rows import WITHOUT_MODEL_TEXT, build_training_rows
from sysgen_dagster_tests.training_sets.frames import aligned, chat

ROWS = aligned(
    {"reasoning": "so"},
    {"history": chat(("user", "Before?"), ("assistant", "Yes."))},
    {},
)
CHATS = build_training_rows(ROWS, ROWS.clear(), Training())
FOREIGN = ROWS.select("conversation_id", "model", "system_message", "new_answer").clear()
PAIRS = build_preference_pairs(ROWS, FOREIGN)
PAIR = Recipe(rejected=(Rejected.ORIGINAL_ANSWER,))


def decided(**by_row: Mapping[str, Any] | str) -> pl.DataFrame:
    """A choice by conversation, or the texts that the reviewer wrote."""
    usual = {"model": ROWS["model"][0], "shown_message": "S", "shown_answer": "A'"}
    rows = [
        {"conversation_id": row, **usual}
        | ({"choice": given} if isinstance(given, str) else {"choice": "accepted", **given})
        for row, given in by_row.items()
    ]
    return pl.DataFrame(rows, schema=DECIDED)


def edited(recipe: Recipe, **by_row: Mapping[str, Any] | str) -> dict[str, dict[str, Any]]:
    table = PAIRS if recipe.rejected else CHATS
    rows = table.filter(is_in_form_of(recipe))
    written = write_edits(rows, decided(**by_row), recipe, "training_rows for phi|mine-000")
    assert written.columns == [*rows.columns, "reviewed"]
    assert written.drop("reviewed").schema == rows.schema
    return {row["conversation_id"]: row for row in written.iter_rows(named=True)}


def test_a_rejected_row_is_left_out_and_the_others_keep_their_order() -> None:
    left = without_rejected(CHATS, decided(c1="rejected", c2="accepted"))
    assert left["conversation_id"].unique(maintain_order=True).to_list() == ["c0", "c2"]


def test_only_accepted_rows_go_into_a_mixture_that_asks_for_them() -> None:
    said = decided(c1="rejected", c2="accepted")
    assert only_accepted(ROWS, said, Recipe()).height == ROWS.height
    accepted = only_accepted(ROWS, said, Recipe(reviewed=Reviewed.ACCEPTED))
    assert accepted["conversation_id"].to_list() == ["c2"]


def test_without_decisions_nothing_changes_but_for_the_column() -> None:
    for recipe in (*(Recipe(variant=variant) for variant in Variant), PAIR):
        table = (PAIRS if recipe.rejected else CHATS).filter(is_in_form_of(recipe))
        written = write_edits(table, decided(), recipe, "")
        assert written.drop("reviewed").equals(table)
        assert written["reviewed"].null_count() == table.height


def test_an_accepted_row_says_so_and_stays_as_it_was() -> None:
    row = edited(Recipe(), c0="accepted")["c0"]
    assert row["reviewed"] == "accepted"
    assert row["messages"] == chat(("system", "S"), ("user", "Q"), ("assistant", "A'"))
    assert row["reasoning"] == "so"


BEFORE = (("user", "Before?"), ("assistant", "Yes."))
TURNS = {
    Variant.SYSGEN: (("system", "NEW S"), *BEFORE, ("user", "Q"), ("assistant", "NEW A")),
    Variant.ORIGINAL_ANSWER: (("system", "NEW S"), *BEFORE, ("user", "Q"), ("assistant", "A")),
    Variant.COMMON_SYSTEM_MESSAGE: (
        ("system", Training().common_system_message),
        *BEFORE,
        ("user", "Q"),
        ("assistant", "A"),
    ),
    Variant.NO_SYSTEM_MESSAGE: (*BEFORE, ("user", "Q"), ("assistant", "A")),
    Variant.EMPTY_SYSTEM_MESSAGE: (*BEFORE, ("user", "Q"), ("assistant", "A")),
    Variant.USER_ROLE: (
        ("user", "NEW S\n\nBefore?"),
        ("assistant", "Yes."),
        ("user", "Q"),
        ("assistant", "NEW A"),
    ),
}


@pytest.mark.parametrize("variant", Variant)
def test_an_edit_stands_in_every_variant_that_holds_the_text(variant: Variant) -> None:
    both = {"system_message": "NEW S", "new_answer": "NEW A"}
    rows = edited(Recipe(variant=variant), c1=both)
    assert rows["c1"]["messages"] == chat(*TURNS[variant])
    assert rows["c0"]["messages"][-1]["content"] in ("A", "A'")
    holds_none = variant in WITHOUT_MODEL_TEXT
    assert rows["c1"]["reviewed"] == ("accepted" if holds_none else "edited")


@pytest.mark.parametrize(
    ("edit", "turns"),
    [
        ({"system_message": "NEW S"}, ("NEW S", "A'")),
        ({"new_answer": "NEW A"}, ("S", "NEW A")),
        ({"new_answer": "$1 \\1 {x} \u202e"}, ("S", "$1 \\1 {x} \u202e")),
    ],
)
def test_one_text_may_be_edited_alone(edit: Mapping[str, str], turns: tuple[str, str]) -> None:
    row = edited(Recipe(), c0=edit)["c0"]
    assert (row["messages"][0]["content"], row["messages"][-1]["content"]) == turns


def test_nobody_has_thought_before_an_answer_that_a_person_wrote() -> None:
    assert edited(Recipe(), c0={"new_answer": "NEW A"})["c0"]["reasoning"] is None
    assert edited(Recipe(), c0={"system_message": "NEW S"})["c0"]["reasoning"] == "so"


def test_in_a_pair_the_edited_answer_is_chosen_under_the_edited_message() -> None:
    row = edited(PAIR, c1={"system_message": "NEW S", "new_answer": "NEW A"})["c1"]
    assert row["prompt"] == chat(("system", "NEW S"), *BEFORE, ("user", "Q"))
    assert row["chosen"] == chat(("assistant", "NEW A"))
    assert row["rejected"] == chat(("assistant", "A"))


def test_a_pair_does_not_reject_what_it_chooses_after_an_edit() -> None:
    assert edited(PAIR, c1={"new_answer": "A"}).keys() == {"c0", "c2"}


@pytest.mark.parametrize("edit", [{"system_message": "NEW S"}, {"new_answer": "NEW A"}])
def test_a_pair_of_a_conflict_turn_goes_where_its_row_was_written_otherwise(
    edit: dict[str, str],
) -> None:
    kind = Rejected.FOLLOWED_USER
    rows = PAIRS.with_columns(rejected_is=pl.lit(kind.value))
    left = write_edits(rows, decided(c0="accepted", c1=edit), Recipe(rejected=(kind,)), "pairs")

    assert left["conversation_id"].to_list() == ["c0", "c2"]
    assert (
        left["chosen"].to_list()
        == rows.filter(pl.col("conversation_id") != "c1")["chosen"].to_list()
    )


@pytest.mark.parametrize(
    ("kind", "shown", "counts"),
    [
        pytest.param("original_answer", {}, True, id="what was shown"),
        pytest.param("original_answer", {"shown_answer": "older"}, False, id="another answer"),
        pytest.param("original_answer", {"shown_message": "older"}, False, id="another message"),
        pytest.param("followed_user", {"shown_answer": "older"}, False, id="a conflict turn's"),
        pytest.param("followed_user", {}, False, id="the same words to another question"),
    ],
)
def test_a_pair_is_reviewed_where_its_texts_are_those_that_the_reviewer_saw(
    kind: str, shown: dict[str, str], *, counts: bool
) -> None:
    rows = PAIRS.filter(conversation_id="c0").with_columns(rejected_is=pl.lit(kind))
    said = decided(c0={"choice": "accepted", **shown})
    kinds = (Rejected.ORIGINAL_ANSWER, Rejected.FOLLOWED_USER)
    any_pair = Recipe(rejected=kinds)
    accepted = Recipe(rejected=kinds, reviewed=Reviewed.ACCEPTED)

    assert only_accepted(rows, said, accepted).height == counts
    [row] = write_edits(rows, said, any_pair, "pairs").to_dicts()
    assert row["reviewed"] == ("accepted" if counts else None)


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(variant=Variant.USER_ROLE), PAIR])
@pytest.mark.parametrize("shown", [{"shown_message": "older"}, {"shown_answer": "older"}])
def test_an_edit_of_texts_that_the_row_does_not_hold_is_refused(
    recipe: Recipe, shown: Mapping[str, str]
) -> None:
    both = {"system_message": "NEW S", "new_answer": "NEW A"}
    with pytest.raises(StoreError, match=r"phi\|mine-000 holds other texts of c0 than the rev"):
        edited(recipe, c0={**both, **shown})
