"""The kinds of rules."""

from sysgen_dagster.obedience import by_rules
from sysgen_dagster.obedience.rules import RuleKind


def test_each_kind_of_rule_has_what_holds_an_answer_to_it() -> None:
    assert set(RuleKind) == set(by_rules._TESTS)
