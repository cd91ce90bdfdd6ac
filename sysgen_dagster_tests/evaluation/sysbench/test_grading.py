"""Checklists as the judge is asked about them, and what its replies come to."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.catalog.evaluation import History
from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.evaluation.sysbench.benchmark import SysBenchError, read_sessions
from sysgen_dagster.evaluation.sysbench.grading import (
    CONSTRAINTS,
    build_grading_requests,
    build_gradings,
)
from sysgen_dagster.evaluation.sysbench.rounds import build_answers
from sysgen_dagster.evaluation.sysbench.scores import build_items
from sysgen_dagster.evaluation.sysbench.tables import SYSBENCH_GRADINGS
from sysgen_dagster_tests.evaluation.sysbench.small_benchmark import session, write_benchmark
from sysgen_dagster_tests.lanes.sysgen.frames import completions, failed, replied

KEPT = "Constraint 1: Kept\nConstraint 2: Kept"


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return read_sessions(write_benchmark(tmp_path_factory.mktemp("b") / "b.json", session(1)))


@pytest.fixture(scope="module")
def answers(items: pl.DataFrame) -> pl.DataFrame:
    """Answers to all turns but the last, whose server fails."""
    outcomes = [*(replied(f"1/{turn}", f"answer {turn}") for turn in range(1, 5))]
    return build_answers(items, completions(*outcomes, failed("1/5", "timeout")), History.OWN)


def test_one_request_shows_the_judge_a_turn_with_all_of_its_constraints(
    items: pl.DataFrame, answers: pl.DataFrame
) -> None:
    requests = [*build_grading_requests(items, answers)]
    assert [each.request_id for each in requests] == ["1/1", "1/2", "1/3", "1/4"]
    shown = requests[1].messages[-1]["content"]
    order = [
        "你是第1号店",
        "第1款怎么样",
        "answer 1",
        "第2款怎么样",
        "answer 2",
        "[constraint 1, ",
        "[constraint 2, ",
    ]
    assert sorted(order, key=shown.index) == order
    assert shown.index("以“OK”结尾", shown.index("[constraint 2, "))
    assert "answer 3" not in shown


def test_a_server_that_can_is_held_to_a_closed_list_of_words(
    items: pl.DataFrame, answers: pl.DataFrame
) -> None:
    held_to = next(build_grading_requests(items, answers)).constraint
    assert held_to is not None
    assert held_to.structured == {
        "regex": r"Constraint 1: (Kept|Broken|Unclear)\nConstraint 2: (Kept|Broken|Unclear)"
    }
    assert not held_to.is_needed


def grade(items: pl.DataFrame, answers: pl.DataFrame, *replies: str | None) -> pl.DataFrame:
    outcomes = [
        failed(f"1/{turn}", "server_error") if text is None else replied(f"1/{turn}", text)
        for turn, text in enumerate(replies, 1)
    ]
    return build_gradings(items, answers, completions(*outcomes), "owl")


def test_every_constraint_of_every_turn_has_a_row_with_a_verdict_or_a_reason(
    items: pl.DataFrame, answers: pl.DataFrame
) -> None:
    mixed = "Constraint 1: Broken\nConstraint 2: Unclear"
    gradings = grade(items, answers, KEPT, mixed, "It depends.", None)

    assert gradings.schema == pl.Schema(SYSBENCH_GRADINGS.schema)
    assert gradings.select("turn", "number", "said", "satisfied", "drop_reason").rows() == [
        (1, 1, "Kept", True, None),
        (1, 2, "Kept", True, None),
        (2, 1, "Broken", False, None),
        (2, 2, "Unclear", None, "third_verdict"),
        (3, 1, None, None, "no_verdict"),
        (3, 2, None, None, "no_verdict"),
        (4, 1, None, None, "server_error"),
        (4, 2, None, None, "server_error"),
        (5, 1, None, None, "no_answer"),
        (5, 2, None, None, "no_answer"),
    ]
    assert set(gradings["judge"]) == {"owl"}
    assert gradings["type"].to_list() == ["content", "style"] * 5


def test_the_line_in_which_a_reply_was_cut_is_not_read(
    items: pl.DataFrame, answers: pl.DataFrame
) -> None:
    reply = replied("1/1", "Constraint 1: Kept\nConstraint 2: Kept, bu", finish_reason=CUT)
    gradings = build_gradings(items, answers, completions(reply), "owl")
    assert gradings.filter(turn=1)["said"].to_list() == ["Kept", None]


def test_what_nobody_knows_is_left_out_of_scores_and_its_reason_stays(
    items: pl.DataFrame, answers: pl.DataFrame
) -> None:
    found = build_items(grade(items, answers, KEPT, KEPT, KEPT, None))
    turns = found.filter(metric="ISR", of="total")
    assert turns["value"].to_list() == [1, 1, 1, None, None]
    assert turns["drop_reason"].to_list() == [None, None, None, "server_error", "no_answer"]
    assert set(turns["cluster"]) == {"1"}
    assert turns["item"].to_list() == [f"1/{turn}" for turn in range(1, 6)]
    rounds = found.filter(of="total").filter(pl.col("metric").str.starts_with("R"))
    assert rounds["value"].to_list() == [1, 1, 1, None, None]


def test_without_a_judge_s_reply_to_anything_nothing_is_imputed(
    items: pl.DataFrame, answers: pl.DataFrame
) -> None:
    found = build_items(grade(items, answers))
    assert found["value"].null_count() == found.height
    assert found["drop_reason"].null_count() == 0


def test_answers_to_sessions_that_are_not_asked_any_more_are_an_error_that_says_what_to_make(
    items: pl.DataFrame, answers: pl.DataFrame
) -> None:
    others = items.with_columns(session=pl.lit("9"))
    with pytest.raises(SysBenchError, match=r"4 turns .* make sysbench_answers .* again"):
        [*build_grading_requests(others, answers)]
    with pytest.raises(SysBenchError, match="5 turns"):
        grade(others, answers)


@given(
    st.text() | st.lists(st.sampled_from([*"12 :\n|", "Constraint", "Kept", "Broken"])).map("".join)
)
def test_no_reply_is_taken_for_a_verdict_that_it_does_not_hold(text: str) -> None:
    verdicts = CONSTRAINTS.parse(text, 2, "stop")
    assert len(verdicts) == 2
    assert all(
        verdict is None or verdict.lower() in text.lower() or "not" in text for verdict in verdicts
    )
