from sysgen_dagster.evaluation.conflict_set.suite import SUITE
from sysgen_dagster.evaluation.conflict_set.turns import build_items


def test_the_suite_has_a_table_for_each_step() -> None:
    assert [table.name for table in SUITE.tables] == [
        f"conflict_set_{step}" for step in ("items", "answers", "gradings", "scores")
    ]
    assert SUITE.build_items is build_items
