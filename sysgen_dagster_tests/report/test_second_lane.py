"""The part of the report on the second lane."""

import polars as pl
import pytest

from sysgen_dagster.lanes.multifaceted import stories
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
)
from sysgen_dagster.report import drawing
from sysgen_dagster.report.page import Section
from sysgen_dagster.report.second_lane import SecondLane, build_headline, build_sections
from sysgen_dagster.report.view import Part
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS
from sysgen_dagster_tests.lanes.multifaceted.stored import MODEL, Stored

TABLES = (INSTRUCTIONS, PREFERENCE_SETS, PREFERENCE_MESSAGES, GOLD_ANSWERS, MULTIFACETED_PAIRS)


def lane(*models: str, upto: int = len(TABLES)) -> SecondLane:
    """What is stored of these models, as far as the first tables."""
    shards = {table: [Stored()] for table in TABLES[:upto]}
    return SecondLane(
        dict.fromkeys(models, shards),
        pl.DataFrame({"source": ["chats", "coding"], "drop_reason": [None, "beyond_number"]}),
        stories.build_stories(Stored(), MODEL, ["chats-a-0"]),
    )


def sections(of: SecondLane) -> dict[str, Section]:
    return {each.title: each for each in build_sections(of) if each.tables or each.rows}


def test_every_section_has_its_table_and_stands_in_the_part_of_the_lane() -> None:
    shown = sections(lane(MODEL))

    assert {each.part for each in shown.values()} == {Part.SECOND_LANE}
    assert {title: len(each.charts) for title, each in shown.items()} == {
        "Which instructions are taken": 0,
        "From instructions to pairs": 1,
        "Beside the Multifaceted Collection": 0,
        "What preferences are about": 1,
        "How long messages are": 1,
        "Instructions, their messages and answers": 0,
    }


def test_models_stand_below_each_other() -> None:
    [steps] = sections(lane(MODEL, "mine"))["From instructions to pairs"].tables

    assert steps.frame["model"].unique(maintain_order=True).to_list() == [MODEL, "mine"]
    assert steps.frame.filter(model="mine")["step"].to_list()[-1] == "preference pairs"


def test_what_is_not_stored_yet_is_left_out() -> None:
    assert list(sections(SecondLane())) == []
    assert list(build_headline(lane(MODEL, upto=2))) == []
    begun = sections(lane(MODEL, upto=2))
    assert "What preferences are about" in begun
    assert "How long messages are" not in begun
    assert "Beside the Multifaceted Collection" not in begun


def test_the_headline_says_how_many_sets_became_rows() -> None:
    assert list(build_headline(lane(MODEL))) == [(f"rows of the second lane by {MODEL}", "3 of 4")]


def test_without_the_extra_no_table_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "available", lambda: False)

    [about] = sections(lane(MODEL))["What preferences are about"].tables

    assert not about.folded
