"""How exports hold their texts."""

import polars as pl
import pytest

from sysgen_dagster.catalog.recipes import Lane, Layout, Recipe, Rejected, Training
from sysgen_dagster.tables.table import kept
from sysgen_dagster.training_sets.exported_rows import exported_table, to_exported
from sysgen_dagster.training_sets.multifaceted import build_pairs, build_rows
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS
from sysgen_dagster_tests.training_sets.set_rows import judged, written

PAIRS = (Rejected.OTHER_SYSTEM_MESSAGE,)
RECIPES = [
    Recipe(lane=Lane.MULTIFACETED, rejected=rejected, layout=layout)
    for rejected in ((), PAIRS)
    for layout in Layout
    if rejected or layout is not Layout.REWARD
]


def _export(recipe: Recipe) -> pl.DataFrame:
    of = written()
    rows = build_rows(of, Training())
    if recipe.rejected:
        rows = kept(build_pairs(of, judged(of), Training()))
    return to_exported(rows.with_columns(reviewed=pl.lit(None, pl.String())), recipe)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda each: f"{each.layout}-{len(each.rejected)}")
def test_an_export_has_the_columns_that_its_table_declares(recipe: Recipe) -> None:
    rows = _export(recipe)

    assert rows.schema == pl.Schema(exported_table(recipe).schema)
    assert rows.height == 12
    assert {"conversation_id", "source", "model", "split", "source_license"} <= {*rows.columns}


def test_published_answers_are_text_under_the_published_names() -> None:
    rows = _export(Recipe(lane=Lane.MULTIFACETED, layout=Layout.PUBLISHED))

    wanted = ("main_source", "original_source", "preference_set", "system", "prompt", "output")
    assert tuple(rows.columns[:6]) == wanted
    shown = rows.row(4, named=True)
    assert (shown["system"], shown["prompt"], shown["output"]) == (
        *("Message 1.", "Why 1?"),
        "Answer 1 to 1.",
    )
    assert "messages" not in rows.columns


def test_published_pairs_are_exchanges_under_the_published_names() -> None:
    """The columns, types and order of Multifaceted-Collection-ORPO's card."""
    recipe = Recipe(lane=Lane.MULTIFACETED, rejected=PAIRS, layout=Layout.PUBLISHED)
    rows = _export(recipe)
    shown = rows.row(4, named=True)

    exchange = pl.List(pl.Struct({"content": pl.String(), "role": pl.String()}))
    assert [*rows.schema.items()][:6] == [
        ("main_source", pl.String()),
        ("original_source", pl.String()),
        ("system", pl.String()),
        ("prompt", pl.String()),
        ("chosen", exchange),
        ("rejected", exchange),
    ]
    assert (shown["system"], shown["prompt"]) == ("Message 1.", "Why 1?")
    for name in ("chosen", "rejected"):
        assert [turn["role"] for turn in shown[name]] == ["user", "assistant"]
        assert shown[name][0]["content"] == "Why 1?"
    assert shown["chosen"][1]["content"] == "Answer 1 to 1."
    assert shown["rejected"][1]["content"] in {"Answer 0 to 1.", "Answer 2 to 1."}
    assert len(shown["preference_set"]) == 4


def test_pairs_for_reward_models_are_two_chats_that_differ_in_the_answer_alone() -> None:
    rows = _export(Recipe(lane=Lane.MULTIFACETED, rejected=PAIRS, layout=Layout.REWARD))

    assert "prompt" not in rows.columns
    for chosen, rejected in rows.select("chosen", "rejected").iter_rows():
        assert [turn["role"] for turn in chosen] == ["system", "user", "assistant"]
        assert chosen[:-1] == rejected[:-1]
        assert chosen[-1] != rejected[-1]


def test_pairs_of_the_first_lane_have_the_layout_of_reward_models_too() -> None:
    table = exported_table(Recipe(rejected=(Rejected.ORIGINAL_ANSWER,), layout=Layout.REWARD))

    assert {*PREFERENCE_PAIRS.columns} - {*table.columns} == {"prompt"}
