"""Findings: named faults of a row."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.analysis.findings import (
    FINDINGS,
    count_findings,
    list_flags,
    summarize_findings,
)
from sysgen_dagster.analysis.tables import QUALITY_COUNTS, ROW_QUALITY

CLEAN: dict[str, Any] = {
    "conversation_id": "a-1",
    "source": "a",
    "answer_chars": 10,
    "new_answer_chars": 20,
    "final_answer": "4",
    "new_final_answer": "4",
    "final_answer_same": True,
    "python_blocks": 1,
    "python_blocks_parsed": 1,
    "new_python_blocks": 2,
    "new_python_blocks_parsed": 2,
    "content_copied_share": 0.1,
    "final_answer_leaked": False,
    "foreign_equation": False,
    "prompt_copied_share": 0.2,
    "prompt_phrases_copied": 0,
    "repaired": False,
    "languages_match": True,
    "repeated_share": 0.0,
    "personal_data": [],
}


def quality(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([CLEAN | row for row in rows], schema=ROW_QUALITY.schema)


def aligned(*reasons: str | None) -> pl.DataFrame:
    schema = {"source": pl.String, "drop_reason": pl.String}
    return pl.DataFrame([("a", reason) for reason in reasons], schema=schema, orient="row")


def test_a_clean_row_has_no_flags() -> None:
    assert list_flags(quality({})).to_list() == [[]]


EMAIL = {"kind": "e-mail", "where": "question", "matches": 2}


@pytest.mark.parametrize(
    ("row", "flag"),
    [
        ({"final_answer_same": False, "new_final_answer": "5"}, "final_answer_differs"),
        ({"final_answer_same": None, "new_final_answer": None}, "final_answer_missing"),
        ({"final_answer_leaked": True}, "final_answer_leaked"),
        ({"content_copied_share": 0.5}, "content_copied"),
        ({"foreign_equation": True}, "foreign_equation"),
        ({"prompt_copied_share": 0.5}, "copied_from_prompt"),
        ({"repaired": True}, "repaired"),
        ({"new_python_blocks_parsed": 1}, "python_does_not_parse"),
        ({"python_blocks_parsed": 0}, "original_python_does_not_parse"),
        ({"languages_match": False}, "languages_differ"),
        ({"repeated_share": 0.5}, "repetitive"),
        ({"personal_data": [EMAIL]}, "personal_data"),
    ],
)
def test_each_finding_is_a_flag_of_its_row(row: dict[str, Any], flag: str) -> None:
    assert list_flags(quality(row, {})).to_list() == [[flag], []]


def test_one_phrase_of_the_prompt_is_enough_and_a_message_of_short_phrases_cannot_be_copied() -> (
    None
):
    rows = quality({"prompt_phrases_copied": 1}, {"prompt_copied_share": None})
    assert list_flags(rows).to_list() == [["copied_from_prompt"], []]
    counts = count_findings(rows, aligned()).filter(finding="copied_from_prompt")
    assert counts.select("rows", "of_rows").row(0) == (1, 1)


def test_every_finding_is_tested_above() -> None:
    [test] = test_each_finding_is_a_flag_of_its_row.pytestmark  # type: ignore[attr-defined]
    assert {flag for _, flag in test.args[1]} == FINDINGS.keys()


def test_a_null_measure_is_no_finding() -> None:
    unknown = dict.fromkeys(CLEAN.keys() - {"conversation_id", "source", "personal_data"})
    assert list_flags(quality(unknown)).to_list() == [[]]


def test_counts_are_of_the_rows_in_which_a_finding_can_arise() -> None:
    rows = quality({"final_answer_same": False}, {}, {"final_answer_same": None})
    counts = count_findings(rows, aligned())
    assert counts.schema == QUALITY_COUNTS.schema
    row = counts.filter(finding="final_answer_differs").select("source", "rows", "of_rows").row(0)
    assert row == ("a", 1, 2)


def test_refused_and_truncated_answers_are_counted_of_all_rows_of_phase_4() -> None:
    counts = count_findings(quality({}), aligned("refused", "truncated", "truncated", None))
    for finding, rows in (("refused", 1), ("truncated", 2)):
        assert counts.filter(finding=finding).select("rows", "of_rows").row(0) == (rows, 4)


def test_personal_data_is_counted_by_kind_and_place_too() -> None:
    counts = count_findings(quality({"personal_data": [EMAIL]}, {}), aligned())
    found = counts.filter(finding="personal_data: e-mail in question")
    assert found.select("rows", "of_rows").row(0) == (1, 2)


def test_no_rows_give_no_counts_and_no_error() -> None:
    assert count_findings(quality().clear(), aligned()).is_empty()
    assert list_flags(quality().clear()).to_list() == []


def test_the_summary_adds_the_sources_up() -> None:
    rows = quality({"repeated_share": 0.9}, {"source": "b"})
    summary = summarize_findings(count_findings(rows, aligned()))
    assert summary.filter(finding="repetitive").row(0) == ("repetitive", 1, 2, 0.5)
