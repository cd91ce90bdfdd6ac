"""What charts are put together from."""

import polars as pl
import pytest

from sysgen_dagster.report import chart_parts
from sysgen_dagster.report.drawing import HUES


def test_a_name_has_the_hue_of_its_place_and_other_names_those_after() -> None:
    assert chart_parts.hues_of(["b", "new"], ["a", "b"]) == {"b": HUES[1], "new": HUES[2]}


def test_hues_begin_again_where_there_are_more_names() -> None:
    names = [str(number) for number in range(len(HUES) + 1)]

    assert chart_parts.hues_of(names, [])[names[-1]] == HUES[0]


@pytest.mark.parametrize(
    ("frame", "has_paper"),
    [
        (pl.DataFrame({"paper": [None, 1.0]}), True),
        (pl.DataFrame({"paper": [None]}), False),
        (pl.DataFrame({"score": [1.0]}), False),
    ],
)
def test_the_paper_is_there_where_it_has_a_figure(frame: pl.DataFrame, has_paper: bool) -> None:
    assert chart_parts.has_paper_of(frame) is has_paper


def test_a_phone_has_less_room_the_more_figures_stand_at_the_right() -> None:
    widths = [chart_parts.bar_width(True, columns) for columns in range(3)]

    assert widths == sorted(widths, reverse=True)
    assert chart_parts.bar_width(False, 2) == chart_parts.WIDTH
