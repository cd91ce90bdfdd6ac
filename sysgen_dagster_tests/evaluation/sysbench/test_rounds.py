"""Rounds over sessions, without a server between: what is asked in each, and what stops."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.evaluation import History
from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.evaluation.sysbench.benchmark import SysBenchError, read_sessions
from sysgen_dagster.evaluation.sysbench.rounds import (
    ROUNDS,
    build_answers,
    build_round,
    require_references,
)
from sysgen_dagster.evaluation.sysbench.tables import SYSBENCH_ANSWERS
from sysgen_dagster_tests.evaluation.sysbench.small_benchmark import session, write_benchmark
from sysgen_dagster_tests.lanes.sysgen.frames import completions, failed, replied

# What a subject says to a request; None: its server fails.
Answer = Callable[[str], str | None]


@pytest.fixture
def items(tmp_path: Path) -> pl.DataFrame:
    return read_sessions(write_benchmark(tmp_path / "bench.json", session(1), session(2)))


def play(
    items: pl.DataFrame, answer: Answer, history: History = History.OWN
) -> tuple[list[list[ChatRequest]], pl.DataFrame]:
    """The requests of each round, and the answers."""
    done, asked = pl.DataFrame(schema=COMPLETIONS), []
    for turn in ROUNDS:
        requests = [*build_round(items, turn, done, history)]
        outcomes = [
            failed(each.request_id, "timeout") if text is None else replied(each.request_id, text)
            for each in requests
            for text in [answer(each.request_id)]
        ]
        done = pl.concat([done, completions(*outcomes)])
        asked.append(requests)
    return asked, build_answers(items, done, history)


def test_a_round_holds_the_same_turn_of_every_session(items: pl.DataFrame) -> None:
    rounds, answers = play(items, lambda name: f"answer to {name}")
    assert [[each.request_id for each in requests] for requests in rounds] == [
        [f"1/{turn}", f"2/{turn}"] for turn in ROUNDS
    ]
    assert answers.schema == pl.Schema(SYSBENCH_ANSWERS.schema)
    assert answers["answer"].to_list() == [f"answer to {s}/{t}" for s in (1, 2) for t in ROUNDS]
    assert {each.sampling.temperature for requests in rounds for each in requests} == {0}


def test_the_history_is_what_the_subject_has_answered(items: pl.DataFrame) -> None:
    rounds, answers = play(items, lambda name: f"answer to {name}")
    chat = rounds[2][0].messages
    assert [each["role"] for each in chat] == ["system", *["user", "assistant"] * 2, "user"]
    assert [chat[2]["content"], chat[4]["content"]] == ["answer to 1/1", "answer to 1/2"]
    assert answers["asked"].to_list()[2] == [*chat]


def test_the_history_may_be_the_references_whatever_the_subject_says(items: pl.DataFrame) -> None:
    rounds, answers = play(items, lambda name: None if name == "1/1" else "x", History.REFERENCE)
    assert rounds[1][0].messages[2]["content"] == "第1款雨伞很好。OK"
    assert answers["drop_reason"].to_list() == ["timeout", *[None] * 9]


@pytest.mark.parametrize("lost", [None, "", " \n", "\u200b"], ids=["failed", "", "blank", "zero"])
def test_a_session_without_an_answer_stops_there_and_the_others_go_on(
    items: pl.DataFrame, lost: str | None
) -> None:
    rounds, answers = play(items, lambda name: lost if name == "1/3" else "x")
    assert [len(requests) for requests in rounds] == [2, 2, 2, 1, 1]
    reason = "timeout" if lost is None else "empty_completion"
    assert answers["drop_reason"].to_list() == [
        *[None, None, reason, "earlier_turn_failed", "earlier_turn_failed"],
        *[None] * 5,
    ]
    assert answers["asked"].is_null().to_list() == [False] * 3 + [True] * 2 + [False] * 5


def test_a_session_that_is_not_translated_is_not_asked(items: pl.DataFrame) -> None:
    lost = pl.when(pl.col("session") == "2").then(pl.lit("not_translated"))
    translated = items.with_columns(drop_reason=lost, attempts=pl.lit(3), model=pl.lit("owl"))
    rounds, answers = play(translated, lambda _: "x")
    assert [len(requests) for requests in rounds] == [1] * 5
    assert answers["drop_reason"].to_list() == [None] * 5 + ["not_translated"] * 5


def test_references_that_a_sheet_lacks_are_named_before_anything_is_asked(
    items: pl.DataFrame,
) -> None:
    require_references(items)
    last = pl.when(pl.col("turn") < 5).then("reference")
    require_references(items.with_columns(reference=last))  # nothing follows the last turn
    first = pl.when(pl.col("turn") < 3).then("reference")
    with pytest.raises(SysBenchError, match=r"turn 3 of session 1 .* nor have 3 others"):
        require_references(items.with_columns(reference=first))
