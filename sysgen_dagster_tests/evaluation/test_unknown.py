"""How much of a score is unknown, and why."""

import polars as pl

from sysgen_dagster.evaluation.unknown import find_unknown
from sysgen_dagster_tests.evaluation.comparisons.small_evaluations import items


def test_unknown_items_are_counted_by_score_with_their_reasons_the_most_first() -> None:
    why = pl.Series(["timeout", "unread", None, "unread", "not_verifiable"])
    of_items = items([None, None, 1, None, None]).with_columns(drop_reason=why)
    whole = items([1, 0], metric="posed")

    assert find_unknown(pl.concat([of_items, whole])).rows() == [
        ("solved", "total", 3, 4, 0.75, "3 of 4 items unknown: unread 2, timeout 1"),
        ("posed", "total", 0, 2, 0.0, "0 of 2 items unknown: no reason"),
    ]


def test_a_score_of_which_no_item_was_asked_is_not_unknown() -> None:
    of_items = items([None]).with_columns(drop_reason=pl.lit("no_check_left"))

    assert find_unknown(of_items).is_empty()
