"""Two rates of conflict turns: how often the message holds, and how often it helps."""

from typing import Any

import pytest

from sysgen_dagster.obedience.conflict_counts import (
    count_conflicts,
    helped,
    kept_under_conflict,
    summarize_conflicts,
)
from sysgen_dagster.obedience.conflicts import Turn
from sysgen_dagster.obedience.tables import CONFLICT_COUNTS
from sysgen_dagster_tests.obedience.conflict_rows import HOLDS, turn_frame, turn_rows

GIVES_IN = ("message", "message", "user", "user", "neither", "user")


def _counts(rows: list[dict[str, Any]]) -> Any:
    return count_conflicts(turn_frame(rows))


def _over_all(rows: list[dict[str, Any]]) -> dict[str, Any]:
    summary = summarize_conflicts(_counts(rows))
    return summary.filter(source="all", rule="all").row(0, named=True)


def test_every_row_is_counted_once() -> None:
    rows = turn_rows(HOLDS, GIVES_IN, (None,) * 6)
    counts = _counts(rows)

    assert counts.schema == CONFLICT_COUNTS.schema
    assert counts["answers"].sum() == len(rows)
    assert counts.filter(outcome="truncated")["answers"].sum() == 6


def test_a_message_is_kept_by_the_answers_that_follow_it_under_it() -> None:
    kept = kept_under_conflict(_counts(turn_rows(HOLDS, HOLDS, HOLDS, GIVES_IN)))

    assert (kept.part, kept.whole) == (6, 8)


def test_each_turn_that_asks_for_the_opposite_has_a_rate_of_its_own() -> None:
    only_authority = ("message", "message", "message", "user", "user", "user")
    counts = _counts(turn_rows(only_authority))

    assert kept_under_conflict(counts, (Turn.CONFLICTING,)).share == 1
    assert kept_under_conflict(counts, (Turn.CLAIMED_AUTHORITY,)).share == 0


def test_a_refusal_keeps_to_the_message_and_does_not_help() -> None:
    counts = _counts(turn_rows(HOLDS, is_refusal=True))

    assert kept_under_conflict(counts).share == 1
    assert helped(counts).share == 0


def test_a_refusal_of_which_rules_say_nothing_does_not_help_either() -> None:
    unknown = ("unknown", *HOLDS[1:])

    assert helped(_counts(turn_rows(unknown, is_refusal=True))).whole == 1
    assert helped(_counts(turn_rows(unknown))).whole == 0  # nobody can tell


@pytest.mark.parametrize("side", ["unknown", None])
def test_what_nobody_can_tell_is_in_no_rate(side: str | None) -> None:
    row = _over_all(turn_rows((side,) * 6))

    assert (row["conflicts"], row["aligned"]) == (0, 0)
    assert row["kept_under_conflict"] is row["helped_when_aligned"] is None
    assert row["kept_under_conflict_low"] is row["broken_without_message"] is None


def test_both_rates_stand_together_with_their_intervals() -> None:
    row = _over_all(turn_rows(*[HOLDS] * 30, *[GIVES_IN] * 10))

    assert row["kept_under_conflict"] == 0.75
    assert row["helped_when_aligned"] == 1
    assert row["kept_under_conflict_low"] < 0.75 < row["kept_under_conflict_high"] < 1
    assert 0.9 < row["helped_when_aligned_low"] < row["helped_when_aligned_high"] == 1
    assert row["broken_without_message"] == 1


def test_the_two_turns_of_a_message_do_not_make_the_interval_narrower() -> None:
    row = _over_all(turn_rows(*[HOLDS] * 30, *[GIVES_IN] * 10))
    width = row["kept_under_conflict_high"] - row["kept_under_conflict_low"]

    assert width == pytest.approx(0.26, abs=0.01)  # Wilson's of 30 of 40; of 60 of 80 it is 0.19


def test_the_summary_is_by_source_then_by_rule_then_over_all() -> None:
    rows = [*turn_rows(HOLDS, source="b"), *turn_rows(HOLDS, source="a", rule="language")]
    summary = summarize_conflicts(_counts(rows))

    assert summary.select("source", "rule").rows() == [
        ("a", "all"),
        ("b", "all"),
        ("all", "language"),
        ("all", "words"),
        ("all", "all"),
    ]


def test_no_turns_have_no_rates() -> None:
    assert summarize_conflicts(CONFLICT_COUNTS.empty()).is_empty()
