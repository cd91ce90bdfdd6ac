"""SysBench among the suites."""

from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.evaluation.sysbench.suite import SUITE


def test_its_translation_is_made_before_anything_is_answered() -> None:
    assert SUITE in SUITES
    assert [table.name for table in SUITE.tables] == [
        *("sysbench_items", "sysbench_translation"),
        *("sysbench_answers", "sysbench_gradings", "sysbench_scores"),
    ]
