"""Verdicts on instructions equal those of lm-evaluation-harness, whose definitions they are."""

import pytest

from sysgen_dagster.evaluation.instructions.verifiers import VERIFIERS
from sysgen_dagster.evaluation.instructions.verifying import verify
from sysgen_dagster_tests.evaluation.instructions.verdicts import ANSWERS, CASES_OF


@pytest.mark.parametrize("reading", ["strict", "loose"])
@pytest.mark.parametrize("name", VERIFIERS)
def test_every_verdict_is_that_of_the_harness(name: str, reading: str) -> None:
    assert CASES_OF[name]
    differing = [
        (answer, case["arguments"], expected)
        for case in CASES_OF[name]
        for answer, expected in zip(ANSWERS, case[reading], strict=True)
        if verify(answer, name, case["arguments"], loose=reading == "loose") != (expected == "1")
    ]
    assert differing == []


def test_the_table_has_both_verdicts_of_every_instruction() -> None:
    """Else a verifier that always says the same would pass."""
    for name, cases in CASES_OF.items():
        assert {verdict for case in cases for verdict in case["strict"]} == {"0", "1"}, name


def test_json_that_is_nested_too_deep_is_none() -> None:
    assert not verify("[" * 200_000, "detectable_format:json_format", {})


def test_a_sign_that_is_no_letter_is_counted_where_the_harness_draws_lots() -> None:
    asked = {"letter": "!", "let_frequency": 2, "let_relation": "at least"}
    assert verify("Yes! Yes!", "keywords:letter_frequency", asked)
    assert not verify("Yes! No.", "keywords:letter_frequency", asked)
