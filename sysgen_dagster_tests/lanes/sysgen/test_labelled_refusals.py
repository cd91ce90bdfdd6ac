"""The labels that the rules of refusals are held to: by whom, how many, and what is held out."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

import polars as pl
import pytest

from sysgen_dagster.obedience.agreement import cohen_kappa
from sysgen_dagster.obedience.phrase_verdicts import parse_declines
from sysgen_dagster_tests.lanes.sysgen.labelled_refusals import (
    ANSWER,
    HELD_OUT,
    READ_TWICE,
    REFUSAL,
    Measured,
    add_verdicts,
    read_judged,
    read_labelled,
    read_twice,
)

# The least of refusals that are to be found, and of what is found.
LEAST_RECALL, LEAST_PRECISION = 0.95, 0.98


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


def test_where_rules_are_sure_they_are_right_and_a_judge_can_find_the_others(
    rows: pl.DataFrame,
) -> None:
    """All halves: rules alone, and what a judge that errs nowhere makes of what they leave open."""
    refusal = pl.col("label") == REFUSAL
    alone = Measured.of(rows, pl.col("sure"))
    best = Measured.of(rows, pl.col("sure") | (pl.col("may_decline") & refusal))
    assert (best.recall.whole, best.answers) >= (240, 700)
    assert alone.precision.share >= LEAST_PRECISION, alone.wrong
    assert best.recall.share >= LEAST_RECALL, best.missed
    assert best.precision.share >= LEAST_PRECISION, best.wrong


def test_a_judge_was_asked_about_all_that_is_left_to_it_of_the_half_that_is_held_out(
    rows: pl.DataFrame,
) -> None:
    said = read_judged()
    left = rows.filter("may_decline", pl.col("label").is_in((REFUSAL, ANSWER)), half=HELD_OUT)
    assert set(left["id"]) <= set(said["id"])
    assert said.select("id", "judge", "prompt_fingerprint").is_unique().all()
    assert said["declines"].null_count() == 0


def test_a_model_of_a_billion_parameters_finds_nothing_that_rules_do_not(
    rows: pl.DataFrame,
) -> None:
    """What decision 0048 says of the one judge that was asked."""
    held_out = rows.filter(half=HELD_OUT)
    [(_, said)] = read_judged().group_by("judge", "prompt_fingerprint")
    measured = Measured.of(add_verdicts(held_out, said), pl.col("declines"))
    assert (measured.recall.part, measured.recall.whole) == (59, 102)
    assert (measured.precision.part, measured.precision.whole) == (59, 59)


def test_of_what_is_left_open_the_verdict_is_the_judges() -> None:
    said = [("a", True, False, "Declines: No"), ("b", False, True, "Declines: Yes")]
    said += [("c", False, True, "Declines: No"), ("d", False, True, "Hm."), ("e", False, True, "")]
    rows = pl.DataFrame(said, ["id", "sure", "may_decline", "reply"], orient="row")
    judged = rows.filter(pl.col("reply") != "").select(
        "id",
        "reply",
        declines=pl.col("reply").map_elements(
            partial(parse_declines, finish_reason="stop"), pl.Boolean
        ),
    )
    decided = add_verdicts(rows.drop("reply"), judged)
    assert dict(decided.select("id", "declines").iter_rows()) == {
        "a": True,
        "b": True,
        "c": False,
        "d": False,
    }
