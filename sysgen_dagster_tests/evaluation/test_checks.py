"""What is true of every evaluation, and what a check says where it is not."""

from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from sysgen_dagster.evaluation.checks import build_checks
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS, NOT_VERIFIABLE
from sysgen_dagster.evaluation.unknown import MOST_UNKNOWN
from sysgen_dagster.tables.checks import Check, Finding
from sysgen_dagster.tables.table import Column, Table
from sysgen_dagster_tests.evaluation.riddles import (
    ANSWERS,
    GRADINGS,
    ITEMS,
    SCORES,
    SUITE,
    Riddles,
    build_items,
    evaluated,
    score,
)

CHECKS = {check.name: check for check in build_checks([SUITE])}
LOST, UNGRADED = "every_item_is_answered_or_dropped", "every_answer_is_graded_or_dropped"
REASONS, WHOLE = "every_drop_has_a_known_reason", "scores_are_of_all_items"
UNKNOWN, JUDGE, ITSELF = "few_items_are_unknown", "judge_is_calibrated", "nobody_grades_itself"


def find(name: str, it: Riddles) -> Finding:
    return CHECKS[name].evaluate(it)


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.name)
def test_a_whole_evaluation_by_rules_keeps_to_every_check(check: Check) -> None:
    assert check.evaluate(evaluated()).passed


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.name)
def test_an_evaluation_of_nothing_is_no_error_and_keeps_to_no_check(check: Check) -> None:
    found = check.evaluate(evaluated(0))

    assert not found.passed
    assert found.explanation == "There is nothing to look at"


def test_where_all_items_are_left_out_none_is_known() -> None:
    it = evaluated(10)
    for at in range(10):
        it.change(ITEMS, at, drop_reason=NOT_VERIFIABLE)
        it.change(GRADINGS, at, value=None, drop_reason=NOT_VERIFIABLE)
    score(it)

    assert not find(UNKNOWN, it).passed


def test_what_is_lost_is_a_contract_and_what_is_doubtful_is_not() -> None:
    assert {check.name for check in CHECKS.values() if check.blocking} == {LOST, UNGRADED, WHOLE}


def _drop_answer(it: Riddles) -> None:
    it.rows[ANSWERS.name] = it.rows[ANSWERS.name].head(-1)


def _answer_twice(it: Riddles) -> None:
    rows = it.rows[ANSWERS.name]
    it.rows[ANSWERS.name] = pl.concat([rows, rows.tail(1)])


def _answer_another(it: Riddles) -> None:
    it.change(ANSWERS, 0, item="riddle-of-old")


def _drop_grading(it: Riddles) -> None:
    it.rows[GRADINGS.name] = it.rows[GRADINGS.name].head(-1)


def _grade_another(it: Riddles) -> None:
    it.change(GRADINGS, 0, item="riddle-of-old")


def _lose_answer(it: Riddles) -> None:
    it.change(ANSWERS, 0, answer=None)


@pytest.mark.parametrize(
    ("break_it", "check", "what"),
    [
        (_drop_answer, LOST, {"lost"}),
        (_answer_twice, LOST, {"twice"}),
        (_answer_another, LOST, {"lost", "of no item"}),
        (_lose_answer, LOST, {"neither answer nor reason"}),
        (_drop_grading, UNGRADED, {"lost"}),
        (_grade_another, UNGRADED, {"lost", "of no item"}),
    ],
)
def test_items_that_are_lost_or_of_another_bench_break_a_contract(
    break_it: Callable[[Riddles], None], check: str, what: set[str]
) -> None:
    it = evaluated()
    break_it(it)
    found = find(check, it)

    assert not found.passed
    assert set(found.rows["what"]) == what


def test_an_item_that_is_left_out_before_anything_is_asked_need_not_be_answered() -> None:
    it = evaluated()
    _drop_answer(it)
    it.change(ITEMS, 19, drop_reason=NOT_VERIFIABLE)

    assert find(LOST, it).passed
    assert find(UNGRADED, it).passed  # its grading says why it has none


def test_an_item_that_is_left_out_needs_no_grading_either() -> None:
    it = evaluated()
    _drop_grading(it)
    it.change(ITEMS, 19, drop_reason=NOT_VERIFIABLE)

    assert find(UNGRADED, it).passed


def test_several_gradings_of_an_answer_are_no_fault() -> None:
    it = evaluated()
    rows = it.rows[GRADINGS.name]
    it.rows[GRADINGS.name] = pl.concat([rows, rows])

    assert find(UNGRADED, it).passed


@pytest.mark.parametrize(
    ("reason", "passed"), [("unread", True), ("timeout", True), ("who_knows", False), (None, False)]
)
def test_what_has_no_grading_has_a_reason_that_is_known(reason: str | None, passed: bool) -> None:
    it = evaluated()
    it.change(GRADINGS, 3, value=None, drop_reason=reason)

    assert find(REASONS, it).passed is passed


def test_scores_that_are_older_than_their_gradings_break_a_contract() -> None:
    it = evaluated()
    it.rows[SCORES.name] = evaluated(19).rows[SCORES.name]
    found = find(WHOLE, it)

    assert not found.passed
    assert "made again since" in found.explanation


@pytest.mark.parametrize(("unknown", "passed"), [(1, True), (2, False)])
def test_a_share_of_unknown_items_above_the_bound_warns_with_the_reasons(
    unknown: int, passed: bool
) -> None:
    it = evaluated()
    for at in range(unknown):
        it.change(GRADINGS, at, value=None, drop_reason="unread")
    score(it)
    found = find(UNKNOWN, it)

    assert found.passed is passed
    assert found.figure == pytest.approx(unknown / 20)
    assert found.explanation == ("" if passed else "Not known: unread 2")
    assert f"{MOST_UNKNOWN:.0%}" in found.wanted


def test_items_that_are_left_out_before_anything_is_asked_are_not_unknown() -> None:
    it = evaluated()
    for at in range(10):
        it.change(ITEMS, at, drop_reason=NOT_VERIFIABLE)
        it.change(GRADINGS, at, value=None, drop_reason=NOT_VERIFIABLE)
    score(it)

    assert find(UNKNOWN, it).passed


def test_what_no_model_wrote_is_not_held_to_what_only_a_model_can_know() -> None:
    it = evaluated()
    it.rows[ANSWERS.name] = it.rows[ANSWERS.name].with_columns(engine=pl.lit("simulated"))
    for at in range(10):
        it.change(GRADINGS, at, value=None, drop_reason="unread")
    score(it, judge="hawk", worth="uncalibrated: no labels")

    assert find(UNKNOWN, it).is_of_made_up_text
    assert find(JUDGE, it).is_of_made_up_text


@pytest.mark.parametrize(
    ("worth", "words"),
    [
        ("calibrated", ""),
        ("uncalibrated: 3 of 200 labelled items", "hawk is uncalibrated: 3 of 200 labelled items"),
        (None, "hawk is not marked"),
    ],
)
def test_a_judge_without_labels_that_bear_it_out_is_named(worth: str | None, words: str) -> None:
    found = find(JUDGE, evaluated(judge="hawk", worth=worth))

    assert found.passed is (not words)
    assert found.explanation.startswith(words)


@pytest.mark.parametrize("of", ["aligned", "total"])
def test_each_score_is_held_to_the_share_of_unknown_items(of: str) -> None:
    """A metric without a total beside one that has one, and a part beside its total."""
    unread = pl.col("of") == of
    names = pl.DataFrame({"of": ["total", "aligned"], "metric": ["kept", "helped"]})

    def build(gradings: pl.DataFrame) -> pl.DataFrame:
        items = build_items(gradings).drop("metric", "of").join(names, how="cross")
        return items.with_columns(
            value=pl.when(~unread).then("value"),
            drop_reason=pl.when(unread).then(pl.lit("unread")).otherwise("drop_reason"),
        ).select(ITEM_COLUMNS.keys())

    suite = replace(SUITE, build_items=build)
    [check] = (each for each in build_checks([suite]) if each.name == UNKNOWN)
    found = check.evaluate(evaluated())

    assert not found.passed
    assert found.rows["of"].to_list() == [of]


@pytest.mark.parametrize(("is_own", "passed"), [(True, False), (False, True)])
def test_whether_a_judge_wrote_what_it_graded_is_read_where_the_gradings_say_it(
    is_own: bool, passed: bool
) -> None:
    """The catalogue has one model as owl and as hawk, or another one as owl at each address."""
    says = Table(
        GRADINGS.name,
        {**GRADINGS.columns, "judge_is_generator": Column(pl.Boolean(), "")},
        GRADINGS.by,
        GRADINGS.group,
    )
    it = evaluated(judge="hawk", worth="calibrated")
    it.rows[GRADINGS.name] = it.rows[GRADINGS.name].with_columns(judge_is_generator=pl.lit(is_own))
    checks = build_checks([replace(SUITE, gradings=says)])
    [check] = (each for each in checks if each.name == ITSELF)

    assert check.evaluate(it).passed is passed


def test_a_judge_is_the_model_that_answered_under_any_of_its_names() -> None:
    checks = build_checks([SUITE], lambda name: {name, "hawk"})
    [check] = (each for each in checks if each.name == ITSELF)

    assert not check.evaluate(evaluated(judge="hawk", worth="calibrated")).passed


@pytest.mark.parametrize(("judge", "passed"), [("owl", False), ("hawk", True), (None, True)])
def test_a_model_that_grades_itself_is_named(judge: str | None, passed: bool) -> None:
    found = find(ITSELF, evaluated(judge=judge, worth="calibrated"))

    assert found.passed is passed
    assert ("owl graded itself" in found.explanation) is not passed
