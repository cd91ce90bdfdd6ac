"""Multifaceted-Bench and the bench of the second lane are suites, with all that a suite has."""

from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.evaluation import Evaluation, Multifacet, MultifacetedBench
from sysgen_dagster.evaluation.multifacet.suite import BENCHES, SUITES
from sysgen_dagster.evaluation.multifacet.tables import LANE_BENCH, MULTIFACET
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.suites import SUITES as ALL
from sysgen_dagster_tests.evaluation.multifacet.frames import gradings

each = pytest.mark.parametrize("suite", SUITES, ids=[suite.name for suite in SUITES])


@each
def test_it_is_one_of_the_suites_with_all_that_a_suite_has(suite: Suite) -> None:
    assert suite in ALL
    assert suite.items
    assert suite.answers
    assert {check.table for check in suite.checks} <= {*suite.tables}


def test_the_labels_of_a_judge_of_rubrics_are_one_table_for_both() -> None:
    assert [len(suite.others) for suite in SUITES] == [1, 0]


def test_both_have_the_same_columns_so_that_one_code_makes_them() -> None:
    for first, second in zip(MULTIFACET, LANE_BENCH, strict=True):
        assert first.schema == second.schema


def test_a_grading_is_wanted_for_each_rubric_and_each_way_of_showing_it_as_each_says() -> None:
    once = Evaluation(multifaceted_bench=MultifacetedBench(judge_sees_message=(True,)))

    assert [suite.gradings_an_item(Evaluation()) for suite in SUITES] == [8, 8]
    assert [suite.gradings_an_item(once) for suite in SUITES] == [8, 4]


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("multifacet", {"multifacet", "multifacet_judge_sees_message"}),
        ("multifaceted_bench", {"multifaceted_bench", "multifaceted_bench_judge_sees_message"}),
    ],
)
def test_metrics_say_which_bench_they_are_of(name: str, metrics: set[str]) -> None:
    rows = gradings([("a", "mine", "style", sees, 4) for sees in (False, True)])
    [suite] = [suite for suite in SUITES if suite.name == name]

    assert set(suite.build_items(rows)["metric"]) == metrics


def test_the_columns_of_the_lane_s_bench_are_its_sources_or_what_the_catalogue_says() -> None:
    _, of_lane = BENCHES
    sources = pl.Series(["mine", "yours", "theirs"])

    assert of_lane.assign(sources, {}).to_list() == ["mine", "yours", "theirs"]
    assert of_lane.assign(sources, {"theirs": "yours"}).to_list() == ["mine", "yours", "yours"]


def test_only_the_lane_s_bench_may_have_no_place(tmp_path: Path) -> None:
    assert Multifacet().is_placed
    assert not MultifacetedBench().is_placed
    assert MultifacetedBench(path=tmp_path).is_placed
