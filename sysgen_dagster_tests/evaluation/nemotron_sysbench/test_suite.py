"""Nemotron-RL-SysBench-v1 among the suites."""

from sysgen_dagster.evaluation.nemotron_sysbench.suite import SUITE
from sysgen_dagster.evaluation.suites import SUITES


def test_it_is_one_of_the_suites_with_a_table_for_each_step() -> None:
    assert SUITE in SUITES
    assert [table.name.removeprefix("nemotron_sysbench_") for table in SUITE.tables] == [
        *("items", "answers", "gradings", "scores")
    ]
