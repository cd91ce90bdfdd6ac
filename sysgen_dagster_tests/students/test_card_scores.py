"""What the card of a student says of its scores."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.evaluation.comparisons.tables import COMPARISON_COLUMNS
from sysgen_dagster.evaluation.multifacet.suite import SUITES
from sysgen_dagster.students.card_scores import render_scores
from sysgen_dagster.tables.table import polars_schema
from sysgen_dagster_tests.evaluation.riddles import SUITE as RIDDLES

SCORE = {
    **{"subject": "taught", "metric": "solved", "of": "total", "protocol": "asked once"},
    **{"score": 0.5, "low": 0.4, "high": 0.6, "items": 1200, "dropped": 3},
}
CHANGED = {"against": "base", "difference": -0.1, "difference_low": -0.2, "difference_high": 0.0}


def card(*rows: dict[str, Any], suite: Any = RIDDLES) -> str:
    frame = pl.DataFrame(rows, schema=polars_schema(COMPARISON_COLUMNS))
    return "\n\n".join(render_scores({suite: frame}))


def test_a_score_stands_with_its_interval_its_items_and_its_change() -> None:
    text = card(SCORE | CHANGED)

    assert text.startswith("## Scores")
    assert "| `Riddles, solved, total` | `taught` | 50.0% (40.0% to 60.0%) |" in text
    assert "| 1,200, 3 dropped | -10.0% (-20.0% to +0.0%) from base | rules | asked once |" in text


def test_grades_are_no_shares_and_an_unknown_interval_is_left_out() -> None:
    text = card(SCORE | {"score": 4.126, "low": None, "high": None}, suite=SUITES[0])

    assert "| `Multifacet, solved, total` | `taught` | 4.13 |" in text


def test_a_score_of_which_nothing_is_known_says_so_with_what_was_dropped_and_why() -> None:
    unknown = {"score": None, "low": None, "high": None, "items": 0, "dropped": 9}
    text = card(SCORE | unknown | {"remarks": "9 of 9 items unknown: unread 9"})

    assert "| `Riddles, solved, total` | `taught` | not known | 0, 9 dropped |" in text
    assert text.endswith("Riddles: 9 of 9 items unknown: unread 9.")


@pytest.mark.parametrize("worth", ["calibrated", "uncalibrated: 0 of 200 labelled items"])
def test_the_judge_stands_with_what_its_gradings_are_worth(worth: str) -> None:
    assert f"| hawk ({worth}) |" in card(SCORE | {"judge": "hawk", "worth": worth})


def test_remarks_are_below_and_nothing_in_them_is_markup() -> None:
    text = card(SCORE | {"remarks": "it <b>graded</b> itself"})

    assert text.endswith("Riddles: it \\<b\\>graded\\</b\\> itself.")


def test_scores_of_parts_are_left_out_and_tasks_show_what_is_measured_first() -> None:
    text = card(
        *(SCORE | {"of": of} for of in ("total", "word play")),
        *(SCORE | {"metric": "arc", "of": of} for of in ("acc_norm", "acc")),
    )

    assert "word play" not in text
    assert "`Riddles, arc, acc_norm`" in text
    assert "`Riddles, arc, acc`" not in text


@pytest.mark.parametrize("rows", [[], [SCORE | {"score": None, "items": 0, "dropped": 0}]])
def test_a_student_without_scores_has_no_section(rows: list[dict[str, Any]]) -> None:
    assert card(*rows) == ""
