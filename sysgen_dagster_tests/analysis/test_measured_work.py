"""What the stored rows say that was asked of a model."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.analysis.expected_work import PHASES
from sysgen_dagster.analysis.measured_work import COLUMNS, measure_work
from sysgen_dagster.lanes.sysgen.tables import TABLES
from sysgen_dagster.tables.table import by_name

FIRST, THIRD, FOURTH = PHASES


def table(phase: str, *rows: dict[str, Any]) -> pl.DataFrame:
    answered = {"source": "metamath", "attempts": 1, "prompt_tokens": 100, "completion_tokens": 10}
    first = {"sample": 0, "rejected": [], "annotated_message": "x" * 40} if phase == FIRST else {}
    told = [
        {"conversation_id": str(number), **answered, **first, **row}
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(told, schema=by_name(TABLES)[phase].schema).select(COLUMNS[phase])


def measured(**rows: list[dict[str, Any]]) -> dict[str, list[tuple[float, float, float]]]:
    """Requests, tokens in and tokens out of each conversation, by phase."""
    phases = dict(zip(("first", "third", "fourth"), PHASES, strict=True))
    tables = [table(phase, *rows.get(name, [])) for name, phase in phases.items()]
    work = measure_work(*tables)
    figures = ("requests", "prompt_tokens", "completion_tokens")
    return {phase: work.filter(phase=phase).select(figures).rows() for phase in PHASES}


def test_a_row_counts_in_every_phase_that_it_reached() -> None:
    work = measured(first=[{}, {}], third=[{}, {"completion_tokens": 30}], fourth=[{}])
    assert work[FIRST] == [(1, 100, 10), (1, 100, 10)]
    assert work[THIRD] == [(1, 100, 10), (1, 100, 30)]
    assert work[FOURTH] == [(1, 100, 10), (0, 0, 0)]


def test_what_a_pilot_left_out_does_not_count() -> None:
    assert measured(first=[{}, {"sample": None, "attempts": None}])[FIRST] == [(1, 100, 10)]


def test_a_request_that_was_never_sent_is_none_and_one_without_an_answer_has_no_tokens() -> None:
    failed = {"prompt_tokens": None, "completion_tokens": None, "annotated_message": None}
    work = measured(first=[{**failed, "attempts": 0}, {**failed, "attempts": 5}])
    assert work[FIRST] == [(0, 0, 0), (1, 0, 0)]


def test_other_samples_had_the_same_prompt_and_are_counted_by_their_characters() -> None:
    rejected = [{"message": "x" * 80, "reason": "malformed_boundary"}]
    work = measured(first=[{"rejected": rejected}])
    assert work[FIRST] == [(2, 200, 10 + 20)]


def test_messages_that_a_judge_compared_were_judged_in_phase_1_too() -> None:
    rejected = [{"message": None, "reason": "timeout"}, {"message": "", "reason": "judged_lower"}]
    work = measured(first=[{"rejected": rejected}], third=[{"prompt_tokens": 70}])
    assert work[FIRST] == [pytest.approx((1 + 2 + 2, 300 + 2 * 70, 10 + 2 * 10))]


def test_nothing_stored_is_nothing_measured() -> None:
    assert measured() == {phase: [] for phase in PHASES}
