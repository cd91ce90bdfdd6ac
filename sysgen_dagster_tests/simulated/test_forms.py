"""Made-up texts of a wanted form keep to the rule that wants it, and break its opposite."""

import pytest

from sysgen_dagster.obedience.by_rules import decide_phrase
from sysgen_dagster.obedience.recognition import recognize
from sysgen_dagster.obedience.requested import opposite_of, wordings_of
from sysgen_dagster.obedience.rules import Rule, RuleKind, Verdict
from sysgen_dagster.obedience.verifying.answers import Answer
from sysgen_dagster.simulated.forms import PLAIN, write_in_form
from sysgen_dagster_tests.obedience.test_requested import OPPOSITES


def _verdict(phrase: str, text: str) -> Verdict:
    return decide_phrase(phrase, [Answer(text)])[0]


@pytest.mark.parametrize("phrase", OPPOSITES)
def test_a_text_for_a_phrase_keeps_to_it_and_one_for_its_opposite_breaks_it(phrase: str) -> None:
    [rule] = recognize(phrase).rules
    opposite = opposite_of(rule)
    assert opposite is not None
    wish = wordings_of(opposite)[0]

    assert _verdict(phrase, write_in_form(rule)) is Verdict.OBEYED
    assert _verdict(wish, write_in_form(opposite)) is Verdict.OBEYED
    assert _verdict(phrase, write_in_form(opposite)) is Verdict.NOT_OBEYED
    assert _verdict(wish, write_in_form(rule)) is Verdict.NOT_OBEYED


@pytest.mark.parametrize("kind", RuleKind)
def test_every_kind_of_rule_has_some_text(kind: RuleKind) -> None:
    for rule in (Rule(kind, words=("en",)), Rule(kind, 2, words=("x",)), Rule(kind, most=0)):
        assert write_in_form(rule).strip()


def test_what_is_made_up_says_so_where_it_can() -> None:
    assert "Simulated" in PLAIN
    assert "simulated" in write_in_form(Rule(RuleKind.JSON))
