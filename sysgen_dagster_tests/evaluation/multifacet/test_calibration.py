"""What a judge of rubrics is worth, by answers that people have graded."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.evaluation import Multifacet, RubricLabels
from sysgen_dagster.evaluation.multifacet.calibration import (
    measure_agreement,
    read_labelled,
    worth_of_gradings,
)
from sysgen_dagster.evaluation.multifacet.grading import build_grading_requests, grade
from sysgen_dagster.evaluation.multifacet.tables import MULTIFACET_CALIBRATION
from sysgen_dagster.sources.files import SourceError
from sysgen_dagster_tests.evaluation.multifacet.benches import labelled_row, write_bench
from sysgen_dagster_tests.evaluation.multifacet.frames import Judge
from sysgen_dagster_tests.lanes.sysgen.frames import replied

BENCH = Multifacet()


def read(tmp_path: Path, rows: list[Any], **settings: Any) -> pl.DataFrame:
    labels = RubricLabels(path=write_bench(tmp_path / "labels.jsonl", rows), **settings)
    return read_labelled(labels, tmp_path / "cache")


def graded(pairs: list[tuple[int | None, float]], judge: str = "owl") -> pl.DataFrame:
    rows = [
        {**dict.fromkeys(MULTIFACET_CALIBRATION.columns), "score": score, "label": label}
        for score, label in pairs
    ]
    return pl.DataFrame(rows, schema=MULTIFACET_CALIBRATION.schema).with_columns(
        judge=pl.lit(judge)
    )


def test_the_judge_is_asked_as_for_the_bench_without_a_system_message(tmp_path: Path) -> None:
    labelled = read(tmp_path, [labelled_row(number) for number in range(4)])
    requests = [*build_grading_requests(labelled, BENCH, 1)]
    shown = requests[2].messages[1]["content"]

    assert [request.request_id for request in requests] == labelled["item"].to_list()
    for text in ("What are 2 pears good for?", "For 2 tarts.", "For tarts.", "Is it right?"):
        assert text in shown
    assert "[system message, " not in shown
    assert "[score 1, " not in shown


def test_the_label_is_the_median_of_what_people_gave(tmp_path: Path) -> None:
    rows = [
        labelled_row(0, human_score=[1, 2, 5]),
        labelled_row(1, human_score=[3, 4]),
        labelled_row(2, human_score=5),
        labelled_row(3, human_score=[4.0, 4.0, 1.0]),
    ]
    assert read(tmp_path, rows)["label"].to_list() == [2.0, 3.5, 5.0, 4.0]


def test_as_many_are_asked_as_the_catalogue_wants(tmp_path: Path) -> None:
    rows = [labelled_row(number) for number in range(20)]
    assert read(tmp_path, rows, items=7).height == 7


@pytest.mark.parametrize(
    "changed",
    [
        {"human_score": []},
        {"human_score": [0, 3]},
        {"human_score": "good"},
        {"human_score": None},
        {"rubric": None},
        {"response": ["a"]},
    ],
)
def test_a_file_of_another_form_is_one_error_that_names_its_row(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    with pytest.raises(SourceError, match=r"row 2 of .*labels\.jsonl.*multifacet\.calibration"):
        read(tmp_path, [labelled_row(0), labelled_row(1, **changed)])


def test_what_the_judge_says_is_stored_beside_the_labels(tmp_path: Path) -> None:
    labelled = read(tmp_path, [labelled_row(number) for number in range(5)])
    judge = Judge(lambda each, _: replied(each.request_id, "So.\n[RESULT] 3"))
    rows = grade(labelled, judge, BENCH, "owl", MULTIFACET_CALIBRATION)

    assert dict(rows.schema) == MULTIFACET_CALIBRATION.schema
    assert rows.select("score", "label").rows() == [(3, each) for each in labelled["label"]]


def test_agreement_has_its_interval_its_leniency_and_what_was_unread() -> None:
    found = measure_agreement(graded([(1, 1.0), (3, 2.0), (5, 5.0), (None, 4.0), (4, 2.0)] * 20))

    assert (found.items, found.unread) == (80, 20)
    assert found.same == pytest.approx(0.5)
    assert found.near == pytest.approx(0.75)
    assert found.leniency == pytest.approx(0.75)
    assert found.kappa is not None
    assert found.interval is not None
    assert found.interval[0] < found.kappa < found.interval[1]


def test_a_judge_that_agrees_on_enough_answers_is_calibrated() -> None:
    rows = graded([(score, float(score)) for score in range(1, 6)] * 40)
    assert worth_of_gradings(rows, "owl") == "calibrated"


@pytest.mark.parametrize(
    ("rows", "judge", "said"),
    [
        (None, "owl", "uncalibrated: multifacet_calibration is not made"),
        (graded([(4, 4.0), (1, 1.0)] * 50), "owl", "uncalibrated: 100 of 200 labelled items"),
        (graded([(4, 4.0), (1, 1.0)] * 100), "hawk", "uncalibrated: 0 of 200 labelled items"),
        (graded([(4, 4.0), (4, 1.0), (1, 4.0), (1, 1.0)] * 50), "owl", "uncalibrated: kappa 0.00"),
        (graded([(4, 4.0)] * 200), "owl", "uncalibrated: no kappa"),
        (graded([(None, 4.0)] * 300), "owl", "uncalibrated: 0 of 200 labelled items"),
        (
            graded([*[(4, 4.0), (1, 1.0)] * 100, *[(None, 4.0)] * 30]),
            "owl",
            "uncalibrated: no verdict on 30 of 230 items, 10% at most",
        ),
    ],
)
def test_any_other_judge_is_uncalibrated_and_it_is_said_why(
    rows: pl.DataFrame | None, judge: str, said: str
) -> None:
    assert worth_of_gradings(rows, judge).startswith(said)
