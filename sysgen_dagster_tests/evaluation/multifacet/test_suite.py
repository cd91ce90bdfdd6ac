"""Multifaceted-Bench is one of the suites."""

from sysgen_dagster.evaluation.multifacet.suite import SUITE
from sysgen_dagster.evaluation.suites import SUITES


def test_it_is_one_of_the_suites_with_all_that_a_suite_has() -> None:
    assert SUITE in SUITES
    assert SUITE.items
    assert SUITE.answers
    assert SUITE.others
    assert {check.table for check in SUITE.checks} <= {*SUITE.tables}
