"""The labels that the rules of refusals are held to: by whom, how many, and what is held out."""

from collections import Counter
from collections.abc import Sequence

import polars as pl
import pytest

from sysgen_dagster.obedience.agreement import cohen_kappa
from sysgen_dagster_tests.lanes.sysgen.labelled_refusals import (
    ANSWER,
    HELD_OUT,
    READ_TWICE,
    REFUSAL,
    Measured,
    read_labelled,
    read_twice,
)


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return read_labelled()


def test_two_readers_agree(rows: pl.DataFrame) -> None:
    assert (cohen_kappa(read_twice(rows)) or 0) > 0.9


def test_both_readers_read_every_row_of_the_halves_that_were_read_twice(rows: pl.DataFrame) -> None:
    twice = rows.filter(pl.col("half").is_in(READ_TWICE))
    assert twice.height >= 365
    assert twice["second_reader"].null_count() == 0


def test_enough_was_labelled(rows: pl.DataFrame) -> None:
    labels = Counter(rows["label"].to_list())

    assert labels[REFUSAL] >= 140
    assert labels[ANSWER] >= 500


@pytest.mark.parametrize("halves", [READ_TWICE[:-1], [HELD_OUT]], ids=" ".join)
def test_no_message_of_what_was_read_twice_stands_in_another_half(
    rows: pl.DataFrame, halves: Sequence[str]
) -> None:
    here = pl.col("half").is_in(halves)
    elsewhere = set(rows.filter(~here)["system_message"])
    assert set(rows.filter(here)["system_message"]) & elsewhere == set()


def test_ids_are_unique_and_words_are_known(rows: pl.DataFrame) -> None:
    assert rows["id"].is_unique().all()
    said = {*rows["first_reader"], *rows["second_reader"].drop_nulls()}
    assert said == {REFUSAL, ANSWER, "unclear"}


def test_refusals_are_of_many_kinds_of_messages(rows: pl.DataFrame) -> None:
    refusals = rows.filter(pl.col("half").is_in(READ_TWICE), label=REFUSAL)
    under_one = Counter(refusals["system_message"]).most_common(1)[0][1]
    assert under_one <= refusals.height / 5


def made_up(*said: tuple[str, str, str | None]) -> pl.DataFrame:
    """Rows of an answer and what each reader says of it."""
    rows = [
        {
            "id": str(n),
            "question": "?",
            "answer": answer,
            "first_reader": one,
            "second_reader": other,
        }
        for n, (answer, one, other) in enumerate(said)
    ]
    agreed = pl.col("second_reader").is_null() | pl.col("second_reader").eq(pl.col("first_reader"))
    return pl.DataFrame(rows).with_columns(label=pl.when(agreed).then("first_reader"))


def test_a_measure_names_what_was_missed_and_what_was_wrong() -> None:
    measured = Measured.of(
        made_up(
            ("I can't help with that.", REFUSAL, REFUSAL),
            ("Nope, never in my life.", REFUSAL, None),
            ("I must decline.", ANSWER, ANSWER),
            ("It is 12.", ANSWER, ANSWER),
        )
    )
    assert (measured.recall.part, measured.recall.whole, measured.missed) == (1, 2, ["1"])
    assert (measured.precision.part, measured.precision.whole, measured.wrong) == (1, 2, ["2"])
    assert measured.answers == 2


def test_what_readers_differ_on_or_leave_open_counts_neither_way() -> None:
    measured = Measured.of(
        made_up(
            ("I can't help with that.", REFUSAL, ANSWER),
            ("I must decline.", "unclear", "unclear"),
        )
    )
    assert (measured.recall.whole, measured.precision.whole, measured.answers) == (0, 0, 0)
