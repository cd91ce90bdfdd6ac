"""Comparisons over all suites: the ablation, and the message in the user turn."""

import polars as pl
import pytest

from sysgen_dagster.evaluation.comparisons.across_suites import (
    NothingToCompareError,
    build_ablation,
    build_user_role,
    evaluated_suites,
)
from sysgen_dagster.evaluation.comparisons.comparing import compare_subjects
from sysgen_dagster.evaluation.comparisons.tables import ABLATION, USER_ROLE
from sysgen_dagster.evaluation.multifacet.scores import MEAN_OF_COLUMNS
from sysgen_dagster_tests.evaluation.comparisons.small_evaluations import (
    compared,
    evaluated,
    items,
    row_of,
)

BASE = compared("base", student="llama-3.1-8b", published_as="llama-3.1-8b")
ARMS = [
    compared(
        name,
        student="llama-3.1-8b",
        arm=name,
        training=f"llama-3.1-8b-{name}",
        published_as=f"llama-3.1-8b-{name}".replace("_", "-"),
        against="base",
    )
    for name in ("sysgen", "original_answer")
]
IN_USER_TURN = compared("base_user", published_as="llama-3.1-8b", against="base", in_user_turn=True)
MULTIFACET = pl.concat(
    [items([4, 5], "multifacet", MEAN_OF_COLUMNS), items([4], "multifacet", "FLASK")]
)


def test_the_ablation_holds_the_arms_of_a_student_against_the_untrained_one() -> None:
    subjects = [BASE, *ARMS, compared("other", student="phi-4")]
    of_suites = {
        suite: compare_subjects(suite, subjects, {each.name: evaluated(rows) for each in subjects})
        for suite, rows in (("multifacet", MULTIFACET), ("riddles", items([1, 0])))
    }
    rows = build_ablation(of_suites, subjects)

    assert rows.columns == ABLATION.names
    assert list(rows["suite"].unique(maintain_order=True)) == ["multifacet", "riddles"]
    assert list(rows.filter(suite="multifacet")["arm"]) == [
        "untrained",
        "sysgen",
        "original_answer",
    ]
    assert set(rows["student"]) == {"llama-3.1-8b"}
    answers = row_of(rows, suite="multifacet", arm="original_answer")
    assert answers["score_paper"] == 4.09
    assert answers["difference_paper"] == pytest.approx(-0.03)
    assert row_of(rows, suite="riddles", arm="sysgen")["difference"] == 0.0


def test_an_arm_that_is_not_evaluated_is_named_in_the_ablation() -> None:
    of_suite = compare_subjects("riddles", [BASE, *ARMS], {"base": evaluated(items([1, 0]))})
    rows = build_ablation({"riddles": of_suite}, [BASE, *ARMS])

    assert "not evaluated" in row_of(rows, arm="sysgen")["remarks"]


def test_without_a_trained_student_there_is_nothing_to_take_apart() -> None:
    with pytest.raises(NothingToCompareError, match="trained student"):
        build_ablation({}, [BASE])


def test_the_message_in_the_user_turn_is_compared_with_the_same_in_the_system_role() -> None:
    both = {"base": evaluated(MULTIFACET), "base_user": evaluated(MULTIFACET)}
    rows = build_user_role({"multifacet": both}, [IN_USER_TURN], [BASE, IN_USER_TURN])

    assert rows.columns == USER_ROLE.names
    row = row_of(rows, suite="multifacet")
    assert (row["subject"], row["against"], row["difference"]) == ("base_user", "base", 0.0)
    assert row["score_paper"] == 4.09
    assert row["difference_paper"] == pytest.approx(4.09 - 4.12)


def test_a_pair_of_which_one_is_not_evaluated_is_named() -> None:
    only = {"base_user": evaluated(items([1, 0]))}
    rows = build_user_role({"riddles": only}, [IN_USER_TURN], [BASE, IN_USER_TURN])

    assert "base, which it is compared with, is not evaluated" in row_of(rows)["remarks"]


def test_a_suite_on_which_no_pair_is_evaluated_has_no_rows() -> None:
    of_suites = {
        "riddles": {"base": evaluated(items([1, 0]))},
        "multifacet": {"another": evaluated(MULTIFACET)},
        "sysbench": {},
    }
    rows = build_user_role(of_suites, [IN_USER_TURN], [BASE, IN_USER_TURN])

    assert evaluated_suites(of_suites, [IN_USER_TURN]) == ["riddles"]
    assert set(rows["suite"]) == {"riddles"}
    assert "not evaluated" in row_of(rows)["remarks"]


def test_without_a_pair_it_is_said_how_one_is_named() -> None:
    with pytest.raises(NothingToCompareError, match="message_in: user"):
        build_user_role({}, [], [BASE])
