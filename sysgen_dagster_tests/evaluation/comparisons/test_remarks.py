"""What makes a score or a difference hard to believe, and where it is remarked."""

import polars as pl
import pytest

from sysgen_dagster.evaluation.comparisons.comparing import compare_subjects
from sysgen_dagster.evaluation.comparisons.remarks import split_remarks
from sysgen_dagster_tests.evaluation.comparisons.small_evaluations import (
    compared,
    evaluated,
    items,
    row_of,
)

BASE = compared("base")


@pytest.mark.parametrize("in_user_turn", [True, False])
def test_how_was_asked_is_compared_wherever_the_message_stood(in_user_turn: bool) -> None:
    asked = {"base": "500 sessions in Chinese", "taught": "100 sessions in English"}
    both = {name: evaluated(items([1, 0]), protocol=said) for name, said in asked.items()}
    taught = compared("taught", against="base", in_user_turn=in_user_turn)
    rows = compare_subjects("riddles", [BASE, taught], both)

    assert row_of(rows, subject="taught")["remarks"] == "base was asked or graded otherwise"


@pytest.mark.parametrize(
    ("in_user_turn", "remarks"), [(True, None), (False, "base was asked or graded otherwise")]
)
def test_where_the_message_stood_is_remarked_where_it_is_not_what_is_compared(
    in_user_turn: bool, remarks: str | None
) -> None:
    places = {"base": "system", "taught": "user turn, as the template has no system role"}
    both = {
        name: evaluated(items([1, 0]), protocol=f"riddles; system message in: {place}; by rules")
        for name, place in places.items()
    }
    taught = compared("taught", against="base", in_user_turn=in_user_turn)
    rows = compare_subjects("riddles", [BASE, taught], both)

    assert row_of(rows, subject="taught")["remarks"] == remarks


def test_a_model_that_graded_itself_under_another_name_is_remarked() -> None:
    mine = compared("mine", others=frozenset({"mine", "hawk"}))
    rows = compare_subjects("riddles", [mine], {"mine": evaluated(items([1, 0]), judge="hawk")})

    assert row_of(rows, subject="mine")["remarks"] == "it graded itself"


@pytest.mark.parametrize(("unknown", "said"), [(1, None), (2, "2 of 20 items unknown: no_verdict")])
def test_a_score_of_which_much_is_unknown_says_so_with_the_reasons(
    unknown: int, said: str | None
) -> None:
    of_items = pl.concat(
        [items([1] * (20 - unknown) + [None] * unknown), items([1] * 20, metric="posed")]
    )
    rows = compare_subjects("riddles", [BASE], {"base": evaluated(of_items)})

    assert row_of(rows, metric="solved")["remarks"] == (said and f"{said} 2")
    assert row_of(rows, metric="posed")["remarks"] is None


def test_what_was_left_out_before_anything_was_asked_is_not_unknown() -> None:
    left_out = items([1, None, None]).with_columns(
        drop_reason=pl.when(pl.col("value").is_null()).then(pl.lit("not_verifiable"))
    )
    rows = compare_subjects("riddles", [BASE], {"base": evaluated(left_out)})

    assert row_of(rows)["remarks"] is None


def test_each_remark_of_a_row_can_be_read_on_its_own() -> None:
    rows = pl.DataFrame({"subject": ["mine", "base", "new"], "remarks": ["odd; new", None, "odd"]})

    assert split_remarks(rows).rows() == [("mine", "odd"), ("mine", "new"), ("new", "odd")]
