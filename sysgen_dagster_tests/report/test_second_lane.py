"""The part of the report on the second lane, and its charts."""

import re

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
from sysgen_dagster.report.set_charts import draw_lengths, draw_subdimensions
from sysgen_dagster.report.view import Part
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS
from sysgen_dagster_tests.lanes.multifaceted.stored import MODEL, Stored
from sysgen_dagster_tests.report.chart_frames import data_of

TABLES = (INSTRUCTIONS, PREFERENCE_SETS, PREFERENCE_MESSAGES, GOLD_ANSWERS, MULTIFACETED_PAIRS)
WIDTH = re.compile(r'<svg[^>]* width="(\d+)"')


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


ABOUT = pl.DataFrame(
    {
        "model": ["phi-4"] * 2,
        "dimension": ["style", "informativeness"],
        "subdimension": ["depth", "depth"],
        "share": [0.5, 0.25],
    }
)
LENGTHS = pl.DataFrame(
    {"model": ["phi-4"], "from_characters": [700], "to_characters": [750], "share": [1.0]}
)


def test_a_name_that_two_dimensions_have_is_two_bars() -> None:
    shown = {row["subdimension"] for row in data_of(draw_subdimensions(ABOUT, ["phi-4"]))}

    assert shown == {"depth (Style)", "depth (Informativeness)"}


def test_bars_of_lengths_stand_on_the_axis_between_the_lengths_of_the_paper() -> None:
    specification = draw_lengths(LENGTHS, ["phi-4"]).to_dict()

    assert "682" in str(specification["datasets"])
    assert "1370" in str(specification["datasets"])
    bars = specification["spec"]["layer"][0]
    assert bars["encoding"]["y2"] == {"datum": 0}


@pytest.mark.parametrize("chart", [draw_subdimensions, draw_lengths])
def test_a_chart_fits_a_phone(chart: object) -> None:
    frame = ABOUT if chart is draw_subdimensions else LENGTHS
    drawn = drawing.svg(chart(frame, ["phi-4"], narrow=True), "lane")  # type: ignore[operator]

    found = WIDTH.search(drawn)
    assert found
    assert int(found[1]) <= 358
