"""Charts for a wide and for a narrow screen."""

import polars as pl
import pytest

from sysgen_dagster.report import drawing
from sysgen_dagster.report.pictures import draw_pictures
from sysgen_dagster_tests.report.chart_frames import DRAW, FRAMES, MODELS

BARS, FRAME = DRAW["bars"], FRAMES["bars"]


def test_each_chart_is_drawn_twice_and_what_there_is_nothing_to_draw_of_is_left_out() -> None:
    [picture] = draw_pictures([BARS, lambda *_, **__: None], FRAME, MODELS, "bars")

    assert picture.wide != picture.narrow


def test_of_no_rows_and_without_the_extra_there_is_no_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert draw_pictures([BARS], pl.DataFrame(), MODELS, "bars") == []
    monkeypatch.setattr(drawing, "available", lambda: False)
    assert draw_pictures([BARS], FRAME, MODELS, "bars") == []
