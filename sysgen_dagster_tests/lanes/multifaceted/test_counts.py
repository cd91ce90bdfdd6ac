"""What the steps of the second lane kept, what sets are about, how long messages are."""

import polars as pl
import pytest

from sysgen_dagster.lanes.multifaceted import counts
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
)
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS
from sysgen_dagster_tests.lanes.multifaceted.stored import Stored, rows

SHARDS = [Stored(), Stored()]


def test_every_row_of_a_step_is_kept_or_dropped_with_its_reason_over_all_shards() -> None:
    counted = counts.count_outcomes({PREFERENCE_MESSAGES: SHARDS, GOLD_ANSWERS: SHARDS[:1]})

    assert counted.rows() == [
        ("preference messages", 2, 8, 6, 0.75, "names taxonomy 2"),
        ("gold answers", 1, 3, 3, 1.0, ""),
    ]


def test_what_a_pilot_left_out_is_in_no_figure() -> None:
    left_out = rows(PREFERENCE_SETS, {"conversation_id": "a#0", "drop_reason": "beyond_limit"})

    counted = counts.count_outcomes({PREFERENCE_SETS: [Stored(preference_sets=left_out)]})

    assert counted.rows() == [("preference sets", 1, 0, 0, None, "")]


def test_of_each_source_is_said_what_was_not_taken_and_why() -> None:
    selection = pl.DataFrame(
        {
            "source": ["chats", "chats", "coding"],
            "drop_reason": [None, "duplicate_instruction", None],
        }
    )

    assert counts.count_by_source(selection).rows() == [
        ("chats", 2, 1, 0.5, "duplicate instruction 1"),
        ("coding", 1, 1, 1.0, ""),
    ]


def test_subdimensions_are_counted_in_kept_sets_by_dimension_the_most_frequent_first() -> None:
    about = counts.count_subdimensions(SHARDS)

    assert about["dimension"].unique(maintain_order=True).to_list() == list(DIMENSIONS)
    assert about.row(0) == ("style", "clarity", 4, 0.5)
    assert about.group_by("dimension").agg(pl.col("sets").sum())["sets"].to_list() == [8] * 4


def test_lengths_are_counted_in_bins_and_equal_messages_are_found() -> None:
    messages = counts.measure_messages(SHARDS)

    assert counts.count_lengths(messages).rows() == [
        (700, 750, 4, pytest.approx(2 / 3)),
        (800, 850, 2, pytest.approx(1 / 3)),
    ]
    assert messages["digest"].n_unique() == 3


def test_published_figures_stand_beside_ours_and_what_is_not_published_is_null() -> None:
    about, messages = counts.count_subdimensions(SHARDS[:1]), counts.measure_messages(SHARDS[:1])

    compared = counts.compare_with_paper(SHARDS[:1], about, messages, pairs=1)

    assert {figure: both for figure, *both in compared.rows()} == {
        "instructions": [2, 65_666],
        "rows": [3, 196_998],
        "rows an instruction": [1.5, 3],
        "preferences a set": [4, 4],
        "different messages, as a share": [1, None],
        "characters of the shortest message": [700, 682],
        "characters of the median message": [700, None],
        "characters of the longest message": [812, 1_370],
        "preference pairs": [1, 65_142],
        "preference pairs an instruction": [0.5, 0.992],
    }


def test_without_a_row_there_are_figures_of_the_paper_alone() -> None:
    empty = [
        Stored(
            **{
                table.name.removeprefix("multifaceted/"): table.empty()
                for table in (INSTRUCTIONS, PREFERENCE_SETS, PREFERENCE_MESSAGES, GOLD_ANSWERS)
            }
        )
    ]

    about, messages = counts.count_subdimensions(empty), counts.measure_messages(empty)
    compared = counts.compare_with_paper(empty, about, messages, pairs=None)

    assert about.is_empty()
    assert counts.count_lengths(messages).is_empty()
    assert compared["paper"].count() == 8
    assert compared.filter(pl.col("ours") > 0).is_empty()
