"""Which conversations go with excluded ones, and how their texts leave the source's table."""

import polars as pl
import pytest

from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.exclusions import digest_of, goes_with, row_of, rows_of, without_texts
from sysgen_dagster_tests.lanes.sysgen.frames import exchanges, input_output_source, upstream

ENTRY = input_output_source()
TALKS = [
    exchanges(("Who?", "Me."), ("Why?", "So.")),
    exchanges(("Where?", "Here.")),
    exchanges(("Who?", "Me."), ("Why?", "So.")),
]
FIRST = upstream(ENTRY, *TALKS[:2])
COPY = upstream(ENTRY, TALKS[2], first_row=2, occurrence=1)
ROWS = pl.concat([FIRST, COPY])
MADE = build_conversations(ROWS, ENTRY)
IDS = MADE["conversation_id"].to_list()


@pytest.mark.parametrize(
    ("listed", "gone"),
    [([], []), ([0], [0, 1, 3, 4]), ([1], [0, 1, 3, 4]), ([2], [2]), ([4], [3, 4])],
)
def test_the_other_turns_of_a_row_and_its_later_copies_go_with_it(
    listed: list[int], gone: list[int]
) -> None:
    ids = [IDS[position] for position in listed]
    expected = [IDS[position] for position in gone]
    assert MADE.filter(goes_with(ids))["conversation_id"].to_list() == expected


@pytest.mark.parametrize("listed", [[0], [2], [4], [0, 2]])
def test_rows_without_their_texts_are_the_same_conversations(listed: list[int]) -> None:
    excluded = [IDS[position] for position in listed]
    emptied = without_texts(ROWS, ENTRY, excluded)
    again = build_conversations(emptied, ENTRY, excluded)
    wanted = build_conversations(ROWS, ENTRY, excluded)

    assert emptied.schema == ROWS.schema
    assert emptied["source_row"].to_list() == ROWS["source_row"].to_list()
    assert again.drop("duplicate_of").equals(wanted.drop("duplicate_of"))
    gone = wanted.filter(drop_reason="excluded")["source_row"].unique()
    left = emptied.filter(pl.col("source_row").is_in(gone.implode()))
    assert left.select(list(ENTRY.columns)).null_count().row(0) == (left.height,) * 2


def test_without_a_list_rows_stay_as_they_are() -> None:
    assert without_texts(ROWS, ENTRY, ()).equals(ROWS)


def test_a_row_is_named_by_its_conversation_without_the_turn() -> None:
    assert rows_of(["mine-12ab-0", "mine-12ab-13"]) == ["mine-12ab", "mine-12ab"]
    frame = pl.DataFrame({"id": ["mine-12ab-13", None]})
    assert frame.select(row_of("id"))["id"].to_list() == ["mine-12ab", None]


def test_a_digest_is_of_the_ids_in_whatever_order() -> None:
    assert digest_of(["a", "b"]) == digest_of(("b", "a")) != digest_of(["a"])
    assert digest_of([]) == "none"
