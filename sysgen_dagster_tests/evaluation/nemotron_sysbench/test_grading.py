"""Rules and the judge's words, and whether they pass."""

import polars as pl
import pytest

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.evaluation.nemotron_sysbench.answers import build_answers
from sysgen_dagster.evaluation.nemotron_sysbench.grading import (
    build_grading_requests,
    build_gradings,
)
from sysgen_dagster.evaluation.nemotron_sysbench.rows import NemotronError, build_rows
from sysgen_dagster.evaluation.nemotron_sysbench.tables import NEMOTRON_SYSBENCH_GRADINGS
from sysgen_dagster_tests.evaluation.nemotron_sysbench.small_rows import row, rule, usual
from sysgen_dagster_tests.lanes.sysgen.frames import completions, failed, replied

ITEMS = build_rows([usual(1), row(2, [rule(1, "punctuation:no_comma")], []), usual(3)])
ANSWERS = build_answers(
    ITEMS, completions(replied("1", "Tea, of course."), replied("2", "No."), failed("3", "timeout"))
)
Row = tuple[str, str, str | None, bool | None, str | None]


def grade(reply: str | None) -> list[Row]:
    """Of the first row: check, kind, what was said, whether it passed, and why nobody knows."""
    outcome = failed("1", "server_error") if reply is None else replied("1", reply)
    gradings = build_gradings(ITEMS, ANSWERS, completions(outcome), "owl")
    assert gradings.schema == pl.Schema(NEMOTRON_SYSBENCH_GRADINGS.schema)
    shown = gradings.filter(item="1").select("check", "kind", "said", "passed", "drop_reason")
    return shown.rows()


def test_the_judge_is_asked_the_questions_of_an_answered_row_and_shown_no_rule() -> None:
    [request] = build_grading_requests(ITEMS, ANSWERS)
    shown = request.messages[-1]["content"]
    order = [
        "[system message, ",
        "Never tell a price.",
        "Good day.",
        "Tea, of course.",
        "[question 1, ",
    ]
    assert sorted(order, key=shown.index) == order
    assert "no_comma" not in shown
    assert request.constraint is not None
    assert request.constraint.structured["regex"].startswith("Question 1: (Yes|No|Unclear)")


@pytest.mark.parametrize(
    ("reply", "questions"),
    [
        ("Question 1: Yes\nQuestion 2: No", [("Yes", True, None), ("No", True, None)]),
        ("Question 1: No\nQuestion 2: Yes", [("No", False, None), ("Yes", False, None)]),
        ("1. **Yes**\n2. Unclear", [("Yes", True, None), ("Unclear", None, "third_verdict")]),
        ("Yes", [(None, None, "no_verdict")] * 2),
        (None, [(None, None, "server_error")] * 2),
    ],
)
def test_a_wish_against_the_message_passes_where_it_is_not_granted(
    reply: str | None, questions: list[tuple[str | None, bool | None, str | None]]
) -> None:
    assert grade(reply) == [
        ("1", "rule", "Yes", True, None),  # it names tea
        ("2", "rule", "No", True, None),  # it has a comma, as it should where no comma is against
        *((str(at), "question", *said) for at, said in enumerate(questions, 3)),
    ]


def test_the_line_in_which_a_reply_was_cut_is_not_read() -> None:
    reply = replied("1", "Question 1: Yes\nQuestion 2: No, bu", finish_reason=CUT)
    said = build_gradings(ITEMS, ANSWERS, completions(reply), "owl").filter(item="1")
    assert said.drop_nulls("verdict_text")["said"].to_list() == ["Yes", None]


def test_nothing_is_said_of_an_answer_that_is_not_there() -> None:
    gradings = build_gradings(ITEMS, ANSWERS, completions(), "owl").filter(item="3")
    assert set(gradings["drop_reason"]) == {"no_answer"}
    assert gradings.select(pl.col("said", "passed").null_count()).row(0) == (4, 4)


def test_answers_to_rows_that_are_not_asked_any_more_are_an_error_that_says_what_to_make() -> None:
    with pytest.raises(NemotronError, match=r"2 rows .* make nemotron_sysbench_answers .* again"):
        build_gradings(ITEMS.head(1), ANSWERS, completions(), "owl")


def test_rules_name_no_judge_and_no_engine() -> None:
    gradings = build_gradings(ITEMS, ANSWERS, completions(replied("1", "?")), "owl")
    rules = gradings.filter(kind="rule")
    assert rules.select(pl.col("judge", "engine", "verdict_text").null_count()).row(0) == (5,) * 3
    assert rules["content"][0] == 'keywords:existence {"keywords": ["tea"]}'
