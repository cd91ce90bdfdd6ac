"""The requests and tokens of a phase so far, counted from stored rows."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.analysis.measured_work import (
    COLUMNS,
    JUDGED_COLUMNS,
    measure_judging,
    measure_work,
)
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, VERIFIED
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster.tables.table import Table

# Conversations, requests, tokens in and tokens out.
Work = tuple[float, float, float, float]


def stored(table: Table, *rows: dict[str, Any]) -> pl.DataFrame:
    answered = {"source": "metamath", "attempts": 1, "prompt_tokens": 100, "completion_tokens": 10}
    first = {"sample": 0, "rejected": []} if table == ANNOTATED else {}
    records = [
        {"conversation_id": str(number), **answered, **first, **row}
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(records, schema=table.schema).select(COLUMNS[table])


def measured(
    table: Table, annotated: list[dict[str, Any]], answered: list[dict[str, Any]] | None = None
) -> dict[str, Work]:
    """By source, what a phase took for these rows of Phase 1."""
    first = stored(ANNOTATED, *annotated)
    rows = first if answered is None else stored(table, *answered)
    work = measure_work(table.name, first, rows)
    assert set(work["phase"]) <= {table.name}
    figures = ("conversations", "requests", "prompt_tokens", "completion_tokens")
    return {source: work.filter(source=source).select(figures).row(0) for source in work["source"]}


def test_every_conversation_that_phase_1_was_asked_about_counts_by_source() -> None:
    assert measured(ANNOTATED, [{}, {}, {"source": "capybara", "prompt_tokens": 70}]) == {
        "metamath": (2, 2, 200, 20),
        "capybara": (1, 1, 70, 10),
    }


def test_a_later_phase_took_nothing_for_a_conversation_that_did_not_reach_it() -> None:
    assert measured(ALIGNED, [{}, {}], [{"completion_tokens": 30}])["metamath"] == (2, 1, 100, 30)


def test_what_a_pilot_left_out_is_still_to_be_done() -> None:
    left_out = {"sample": None, "attempts": None, "prompt_tokens": None, "completion_tokens": None}
    assert measured(ANNOTATED, [{}, {**left_out, "drop_reason": "beyond_limit"}]) == {
        "metamath": (1, 1, 100, 10)
    }


def test_a_conversation_that_was_too_long_to_be_sent_is_done_and_took_nothing() -> None:
    too_long = {"attempts": 0, "prompt_tokens": None, "completion_tokens": None}
    assert measured(ANNOTATED, [{**too_long, "drop_reason": "too_long"}]) == {
        "metamath": (1, 0, 0, 0)
    }


@pytest.mark.parametrize("reason", ENGINE_FAILURES)
@pytest.mark.parametrize("table", [ANNOTATED, ALIGNED], ids=lambda table: table.name)
def test_a_conversation_that_the_engine_failed_is_still_to_be_done(
    table: Table, reason: str
) -> None:
    rows = [{}, {"prompt_tokens": None, "completion_tokens": None, "drop_reason": reason}]
    answered = None if table == ANNOTATED else rows
    annotated = rows if table == ANNOTATED else [{}, {}]
    assert measured(table, annotated, answered) == {"metamath": (1, 1, 100, 10)}


def test_a_row_that_was_dropped_for_its_text_was_asked_for_all_the_same() -> None:
    assert measured(ALIGNED, [{}], [{"drop_reason": "refused"}])["metamath"] == (1, 1, 100, 10)


def test_the_other_attempts_at_a_conversation_count_as_much_as_the_best() -> None:
    rejected = [{"message": "x", "reason": "malformed_boundary"}] * 2
    assert measured(ANNOTATED, [{"rejected": rejected}])["metamath"] == (1, 3, 300, 30)


def test_messages_that_were_judged_to_choose_among_them_count_in_phase_3() -> None:
    reasons = ["judged_lower", "malformed_boundary", "judged_lower"]
    rejected = [{"message": "x", "reason": reason} for reason in reasons]
    work = measured(VERIFIED, [{"rejected": rejected}, {}], [{}, {}])
    # Three to choose among, then the one that was chosen; and the other conversation's one.
    assert work["metamath"] == (2, 4 + 1, 500, 50)


def test_nothing_stored_is_nothing_measured() -> None:
    assert measured(ANNOTATED, []) == {}


def test_all_answers_of_phase_4_count_with_their_own_tokens() -> None:
    several = {"answers": 3, "all_prompt_tokens": 290, "all_completion_tokens": 25}

    assert measured(ALIGNED, [{}, {}], [several, {}])["metamath"] == (2, 4, 390, 35)


def test_a_judge_took_nothing_for_rows_without_an_open_phrase_and_failed_ones_are_to_be_done() -> (
    None
):
    asked = {"attempts": 1, "prompt_tokens": 500, "completion_tokens": 20}
    rows = [
        {"conversation_id": "0", **asked},
        {"conversation_id": "1"},
        {"conversation_id": "2", "attempts": 3, "failure": "too slow"},
        {"conversation_id": "3", "attempts": 0, "failure": "too long"},
    ]
    judged = pl.DataFrame(rows, schema=OBEDIENCE.schema).select(JUDGED_COLUMNS)
    work = measure_judging(stored(ANNOTATED, {}, {}, {}, {}, {}), judged)

    assert work.rows() == [("metamath", "obedience", 4, 1, 500, 20)]
