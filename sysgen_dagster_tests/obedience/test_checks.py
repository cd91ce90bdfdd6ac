"""What is expected of judgements: every check is seen holding and failing."""

import pytest

from sysgen_dagster.obedience.checks import CHECKS
from sysgen_dagster.tables.checks import Check
from sysgen_dagster_tests.tables.evidence import Rows


def verdicts(table: str, **counts: int) -> Rows:
    rows = [
        {
            "conversation_id": f"a-{number}",
            "source": "a",
            "verdict": None if verdict == "timeout" else verdict.replace("_", " "),
            "drop_reason": "timeout" if verdict == "timeout" else None,
            "judge": "phi-4",
            "judge_is_generator": False,
        }
        for verdict, count in counts.items()
        for number in range(count)
    ]
    return Rows({table: rows})


def labelled(right: int) -> Rows:
    """Labelled rows, half of each label, all of which the judge is right about."""
    words = ["Aligned" if number % 2 else "Not aligned" for number in range(right)]
    said = [
        {"kind": "alignment", "judge": "owl", "item": str(n), "label": word, "verdict": word}
        for n, word in enumerate(words)
    ]
    return Rows({"judge_calibration": said})


def own_judge(table: str) -> Rows:
    rows = verdicts(table, Unknown=2).rows[table]
    return Rows({table: [{**row, "judge_is_generator": True} for row in rows]})


def shown(first: int, second: int) -> Rows:
    """So many verdicts for the answer that is shown first, and for the other."""
    row = {"conversation_id": "a", "source": "a", "shown_first": "new"}
    verdicts = ["new"] * first + ["original"] * second
    return Rows({"judged_preferences": [{**row, "verdict": verdict} for verdict in verdicts]})


def judged_phrases(*texts: str | None, own: bool = False) -> Rows:
    """One row for each reply of a judge to two phrases, and one that it was not asked about."""
    open_ = {"tag": "Style", "text": "Be kind.", "verdict": "unknown", "by": None, "rule": None}
    decided = {**open_, "verdict": "obeyed", "by": "rules", "rule": "words"}
    row = {
        "conversation_id": "a",
        "phrases": [open_, decided, {**open_, "verdict": "obeyed", "by": "phi-4"}],
        "judge_is_generator": own,
        "judge": "phi-4",
    }
    asked = [{**row, "verdict_text": text, "attempts": 1} for text in texts]
    return Rows({"obedience": [*asked, {"conversation_id": "b", "phrases": [open_]}]})


_TWO = "Phrase 1: Unclear\nPhrase 2: Kept"
# Check, tables that it holds of, tables that it does not hold of.
CASES = {
    "new_answers_are_preferred": (
        verdicts("judged_preferences", new=500, original=520, tie=300),
        verdicts("judged_preferences", new=300, original=700),
    ),
    "judge_has_no_favourite_place": (shown(600, 400), shown(900, 100)),
    "most_are_aligned": (
        verdicts("judged_alignment", Aligned=80, Not_aligned=20),
        verdicts("judged_alignment", Aligned=500, Not_aligned=500),
    ),
    "judged_preferences nearly_all_are_judged": (
        verdicts("judged_preferences", new=97, Unreadable=3),
        verdicts("judged_preferences", new=60, Unreadable=20, timeout=20),
    ),
    "judged_alignment nearly_all_are_judged": (
        verdicts("judged_alignment", Aligned=97, timeout=3),
        verdicts("judged_alignment", Aligned=60, timeout=40),
    ),
    "judged_preferences judge_is_another_model": (
        verdicts("judged_preferences", new=2),
        own_judge("judged_preferences"),
    ),
    "obedience nearly_all_are_judged": (
        judged_phrases(*[_TWO] * 97, None, "Phrase 1: Kept", "Who knows?"),
        judged_phrases(*[_TWO] * 60, *["Phrase 1: Kept"] * 20, *[None] * 20),
    ),
    "obedience judge_is_another_model": (judged_phrases(_TWO), judged_phrases(_TWO, own=True)),
    "judged_alignment judge_is_another_model": (
        verdicts("judged_alignment", Aligned=2),
        own_judge("judged_alignment"),
    ),
    "judge_calibration judge_agrees_with_labels": (labelled(right=200), labelled(right=199)),
}


every_check = pytest.mark.parametrize(
    "check", CHECKS, ids=lambda check: f"{check.table.name}-{check.name}"
)


def case_of(check: Check) -> tuple[Rows, Rows]:
    return CASES.get(check.name) or CASES[f"{check.table.name} {check.name}"]


@every_check
def test_each_expectation_holds_and_fails(check: Check) -> None:
    good, bad = case_of(check)
    assert check.evaluate(good).passed
    found = check.evaluate(bad)
    assert not found.passed
    assert not found.rows.is_empty()


@every_check
def test_nothing_to_look_at_speaks_against_no_judge_and_makes_no_share(check: Check) -> None:
    found = check.evaluate(Rows())

    assert found.passed is (check.name == "judge_is_another_model")
    assert found.rows.is_empty()


def test_where_rules_decide_every_phrase_no_judge_need_be_asked() -> None:
    checks = {f"{each.table.name} {each.name}": each for each in CHECKS}

    assert checks["obedience nearly_all_are_judged"].evaluate(judged_phrases()).passed


def test_none_of_them_keeps_rows_from_going_on() -> None:
    assert not any(check.blocking for check in CHECKS)
