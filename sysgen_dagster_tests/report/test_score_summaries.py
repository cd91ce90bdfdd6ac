"""The short tables of comparisons, what charts have room for, and what must be known first."""

from typing import Any

import pytest

from sysgen_dagster.evaluation.multifacet.scores import MEAN_OF_COLUMNS
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.report.score_summaries import (
    LABEL,
    OF_OURS,
    PLOTTED,
    find_notices,
    label_scores,
)
from sysgen_dagster_tests.report.score_frames import BASE, TAUGHT, scored, summary
from sysgen_dagster_tests.report.statistics import ROWS, Stored

ALONE = {"published_as": "janus-7b", "metric": "solved", "of": "total", "score_paper": 0.5}
LATER = {"subject": "later", "remarks": "not evaluated: ..."}


@pytest.mark.parametrize(
    ("said", "graded_by"),
    [
        ({"judge": "hawk", "worth": "calibrated"}, "hawk (calibrated)"),
        ({"judge": "hawk", "worth": "uncalibrated: no labels"}, "hawk (uncalibrated)"),
        ({"judge": "hawk"}, "hawk (worth not known)"),
        ({}, "rules"),
        ({"score": None}, None),
    ],
)
def test_who_graded_stands_with_what_that_is_worth(
    said: dict[str, Any], graded_by: str | None
) -> None:
    assert summary(BASE | said)["graded_by"].to_list() == [graded_by]


def test_rows_of_the_paper_alone_are_told_from_ours() -> None:
    rows = summary(BASE, ALONE, LATER)

    assert rows["subject"].to_list() == ["base", "janus-7b (the paper's)", "later"]
    assert rows.filter(OF_OURS)["subject"].to_list() == ["base", "later"]
    assert rows.filter(PLOTTED)["subject"].to_list() == ["base"]


def test_a_chart_shows_the_parts_of_the_first_metric_and_the_others_over_all_items() -> None:
    rows = summary(
        scored(of="total"),
        scored(of=MEAN_OF_COLUMNS),
        scored(of="word_play"),
        scored(metric="seen", of="total"),
        scored(metric="seen", of=MEAN_OF_COLUMNS),
        scored(metric="seen", of="word_play"),
    )

    assert label_scores(rows, 10)[LABEL].to_list() == [
        "solved",
        MEAN_OF_COLUMNS,
        "word play",
        "seen",
    ]


def test_where_a_chart_has_no_room_for_parts_it_shows_what_is_over_all_items() -> None:
    rows = summary(scored(), *(scored(of=str(number)) for number in range(5)))

    assert label_scores(rows, 6).height == 6
    assert label_scores(rows, 5)[LABEL].to_list() == ["solved"]


def test_where_there_is_a_mean_of_columns_alone_the_columns_are_its_parts() -> None:
    parts = (MEAN_OF_COLUMNS, "FLASK")
    rows = summary(
        *(scored(of=of) for of in parts), *(scored(metric="seen", of=of) for of in parts)
    )

    assert label_scores(rows, 9)[LABEL].to_list() == [*parts, "seen"]


def test_what_is_known_of_all_figures_is_not_repeated_in_each_row() -> None:
    known = "protocol unknown: who judged"
    rows = summary(*(BASE | {"protocol_paper": said} for said in (known, f"{known}; odd; too")))

    assert rows["protocol_paper"].to_list() == ["", "odd; too"]


def test_tasks_that_have_no_score_over_all_items_are_shown_by_the_first_that_is_measured() -> None:
    rows = summary(
        scored(metric="average of 2 tasks"),
        *(scored(metric="arc_challenge", of=of) for of in ("acc_norm", "acc")),
        scored(metric="mathqa", of="acc"),
    )

    labels = ["average of 2 tasks", "arc challenge", "mathqa"]
    assert label_scores(rows, 9)[LABEL].to_list() == labels


def test_across_suites_a_score_is_called_by_its_suite() -> None:
    rows = summary(scored(), scored(of=MEAN_OF_COLUMNS))
    rows = rows.with_columns(suite=rows["metric"].replace("solved", "riddles"))

    assert label_scores(rows, 9)[LABEL].to_list() == [
        "riddles, solved",
        f"riddles, solved, {MEAN_OF_COLUMNS}",
    ]


def _notices(*rows: dict[str, Any]) -> list[str]:
    return find_notices(Stored(changed={"multifacet_comparison": list(rows)}, missing=OTHERS))


OTHERS = frozenset(ROWS) - {"multifacet_comparison"}


def test_a_judge_that_no_labels_bear_out_and_every_remark_are_said_first() -> None:
    marked = {"judge": "hawk", "worth": "uncalibrated: 0 of 200 labelled items"}
    itself = {"remarks": "it graded itself"}

    assert _notices(BASE | marked, scored("owl") | marked | itself, TAUGHT | marked | itself) == [
        "Multifacet is graded by hawk, uncalibrated: 0 of 200 labelled items.",
        "Multifacet, owl, taught: it graded itself.",
    ]


def test_a_subject_of_which_nothing_is_known_is_said_first_too_and_each_remark_once() -> None:
    unknown = {"score": None, "remarks": "made up; 9 of 9 items unknown: unread 9"}
    rows = [scored("owl") | unknown, scored("owl", of="word_play") | unknown]

    assert _notices(*rows, TAUGHT | {"remarks": "made up"}) == [
        "Multifacet, owl, taught: made up.",
        "Multifacet, owl: 9 of 9 items unknown: unread 9.",
    ]


def test_suites_without_a_pair_are_named_in_one_line() -> None:
    pairs = [BASE | {"suite": suite.name} for suite in SUITES if suite.name not in LEFT_OUT]
    stored = Stored(
        changed={"user_role_comparison": pairs}, missing=frozenset(ROWS) - {"user_role_comparison"}
    )
    assert find_notices(stored) == [
        "The message in the user turn is not evaluated on SysBench, IFEval."
    ]


LEFT_OUT = {"sysbench", "ifeval"}


@pytest.mark.parametrize(
    "rows", [[], [LATER, ALONE], [BASE | {"judge": "hawk", "worth": "calibrated"}], [BASE]]
)
def test_where_nothing_speaks_against_scores_nothing_is_said(rows: list[dict[str, Any]]) -> None:
    assert _notices(*rows) == []


def test_nothing_stored_is_nothing_said() -> None:
    assert find_notices(Stored(missing=frozenset(ROWS))) == []
