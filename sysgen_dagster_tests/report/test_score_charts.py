"""Points with whiskers of students' scores and differences, and lines of rounds."""

import re
from itertools import pairwise

import pytest

from sysgen_dagster.report.drawing import svg
from sysgen_dagster.report.score_charts import draw_differences, draw_rounds, draw_scores
from sysgen_dagster.report.view import without_paper
from sysgen_dagster_tests.report.chart_frames import data_of, hues_of, marks_of
from sysgen_dagster_tests.report.score_frames import BASE, TAUGHT, scored, summary

BOTH = summary(BASE, TAUGHT)
ROUNDS = summary(*(scored(metric=f"R{turn}", score=1 - turn / 10) for turn in range(1, 6)))


def test_each_score_is_a_point_with_a_whisker_and_its_figure() -> None:
    chart = draw_scores(BOTH, [], form=".1%")

    assert chart
    assert {(row["subject"], row["score"], row["low"]) for row in data_of(chart)} == {
        ("base", 0.7, 0.6),
        ("taught", 0.7, 0.6),
    }
    assert {"point", "rule", "text"} <= set(marks_of(chart.to_dict()))


def test_floor_and_paper_are_ticks_and_said_below_only_where_there_are_some() -> None:
    with_both, plain = (draw_scores(frame, [], form=".2f") for frame in (BOTH, summary(BASE)))

    assert with_both
    assert plain
    assert marks_of(with_both.to_dict()).count("tick") == 3
    assert "tick" not in marks_of(plain.to_dict())
    said = str(with_both.to_dict())
    assert "always says yes" in said
    assert "the paper's" in said
    assert "always says yes" not in str(plain.to_dict())


def test_a_difference_is_named_by_both_subjects_around_a_line_at_nothing() -> None:
    twice = summary(BASE, TAUGHT, {**TAUGHT, "of": "word play"})
    chart = draw_differences(twice, [], form=".1%")

    assert chart
    assert {name for name, _ in hues_of(chart.to_dict())} == {"taught \N{MINUS SIGN} base"}
    assert [row["paper"] for row in data_of(chart)] == [0.05, 0.05]
    alone = draw_differences(without_paper(twice), [], form=".1%")
    assert alone
    assert "paper" not in str(alone.to_dict())


def test_an_interval_that_is_not_known_has_no_whisker() -> None:
    chart = draw_scores(summary({**BASE, "low": None, "high": None}), [], form=".1%")

    assert chart
    assert "NaN" not in svg(chart, "scores")
    assert "null" not in svg(chart, "scores")


def test_rounds_are_lines_over_all_sessions() -> None:
    frame = ROUNDS.vstack(summary(scored(metric="R1", of="parallel", score=0.1), scored()))
    chart = draw_rounds(frame, [])

    assert chart
    assert [row["metric"] for row in data_of(chart)] == ["R1", "R2", "R3", "R4", "R5"]
    assert "line" in marks_of(chart.to_dict())


def test_where_there_is_nothing_to_draw_there_is_no_chart() -> None:
    unknown = summary({**BASE, "score": None})

    assert draw_scores(unknown, [], form=".1%") is None
    assert draw_differences(summary(BASE), [], form=".1%") is None
    assert draw_rounds(summary(BASE), []) is None
    for draw in (draw_scores, draw_differences):
        assert draw(BOTH.clear(), [], form=".1%") is None


WIDTH = re.compile(r'<svg[^>]* width="(\d+)"')


@pytest.mark.parametrize("name", ["scores", "differences", "rounds"])
def test_a_chart_fits_a_phone(name: str) -> None:
    long = [scored(of=f"what is asked about most {number}") for number in range(3)]
    frame = summary(BASE, *long, TAUGHT)
    chart = {
        "scores": lambda: draw_scores(frame, [], form=".1%", narrow=True),
        "differences": lambda: draw_differences(frame, [], form=".1%", narrow=True),
        "rounds": lambda: draw_rounds(ROUNDS, [], narrow=True),
    }[name]()

    assert chart
    found = WIDTH.search(svg(chart, name))
    assert found
    assert int(found[1]) <= 358  # what a phone of 390 pixels has between margins


LABEL = re.compile(r'<text text-anchor="(\w+)" transform="translate\(([-.\d]+),15\)"[^>]*>([^<]+)<')


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("form", [".1%", ".2f", ".3f"])
def test_no_label_of_an_axis_runs_into_the_next_in_a_wide_font(form: str, narrow: bool) -> None:
    chart = draw_differences(BOTH, [], form=form, narrow=narrow)

    assert chart
    labels = LABEL.findall(svg(chart, "differences"))
    assert len(labels) > 1
    ends = []
    for anchor, at, text in labels:
        width = 7.5 * len(text)
        start = float(at) - {"start": 0, "middle": width / 2, "end": width}[anchor]
        ends.append((start, start + width))
    ends.sort()
    assert all(end < start for (_, end), (start, _) in pairwise(ends)), labels
