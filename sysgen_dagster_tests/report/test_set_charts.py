"""The charts of the second lane."""

import re

import polars as pl
import pytest

from sysgen_dagster.report import drawing
from sysgen_dagster.report.set_charts import draw_lengths, draw_subdimensions
from sysgen_dagster_tests.report.chart_frames import data_of

WIDTH = re.compile(r'<svg[^>]* width="(\d+)"')
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
