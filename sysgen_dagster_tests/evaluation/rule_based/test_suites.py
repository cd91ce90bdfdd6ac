"""Each benchmark that rules grade is one declaration."""

import pytest

from sysgen_dagster.evaluation.rule_based.suites import BENCHES, SUITES, RuleBench
from sysgen_dagster.evaluation.suites import SUITES as ALL

each = pytest.mark.parametrize("bench", BENCHES, ids=[bench.name for bench in BENCHES])


def test_all_three_are_among_the_suites() -> None:
    assert [suite.name for suite in SUITES] == ["s_ifeval", "ifeval", "tensor_trust"]
    assert {suite.name for suite in SUITES} <= {suite.name for suite in ALL}


@each
def test_its_four_tables_have_its_name(bench: RuleBench) -> None:
    names = [table.name for table in bench.suite.tables]
    assert names == [f"{bench.name}_{what}" for what in ("items", "answers", "gradings", "scores")]


@each
def test_it_asks_for_the_likeliest_answer(bench: RuleBench) -> None:
    assert bench.sampling.temperature == 0
