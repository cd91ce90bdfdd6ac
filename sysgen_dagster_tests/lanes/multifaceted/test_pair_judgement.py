"""A judge on an answer and a sibling's, in both orders."""

import polars as pl
import pytest

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.lanes.multifaceted.pair_judgement import (
    build_judged_pairs,
    build_requests,
    decide,
)
from sysgen_dagster.lanes.multifaceted.tables import JUDGED_PAIRS
from sysgen_dagster_tests.lanes.multifaceted.frames import Model, Reply

PAIR = pl.DataFrame(
    {
        "conversation_id": ["own-0-0#1"],
        "source": ["own"],
        "system_message": ["Be brief with beginners."],
        "question": ["Why?"],
        "answer": ["The own answer."],
        "rejected_set": ["own-0-0#0"],
        "rejected_answer": ["What a sibling says."],
    }
)


def _judge(own_first: Reply, sibling_first: Reply) -> pl.DataFrame:
    def answer(request: ChatRequest) -> Reply:
        return own_first if request.request_id.endswith("/own") else sibling_first

    completions = Model(answer).ask(build_requests(PAIR), 2)
    return build_judged_pairs(PAIR, completions, "a-judge", is_generator=False)


def test_the_judge_sees_message_request_and_both_answers_in_both_orders() -> None:
    first, second = (each.messages[-1]["content"] for each in build_requests(PAIR))

    for text in ("Be brief with beginners.", "Why?", "The own answer.", "What a sibling says."):
        assert text in first
        assert text in second
    assert first.index("The own") < first.index("What a")
    assert second.index("The own") > second.index("What a")


def test_a_verdict_is_stored_as_whose_answer_it_prefers() -> None:
    judged = _judge("It is.\n\nVerdict: A", "It is.\n\nVerdict: A")

    assert judged.schema == pl.Schema(JUDGED_PAIRS.schema)
    assert judged.select("shown_first", "verdict").rows() == [("own", "own"), ("sibling",) * 2]
    assert judged["judge"].to_list() == ["a-judge"] * 2


NO_ANSWER: Reply = {"text": None, "failed_because": "timeout"}
CUT_ANSWER: Reply = {"text": "A is better. Next I look at", "finish_reason": CUT}


@pytest.mark.parametrize(
    ("own_first", "sibling_first", "reason"),
    [
        pytest.param("Verdict: A", "Verdict: B", None, id="own-in-both"),
        pytest.param("Verdict: B", "Verdict: A", "rejected_preferred", id="sibling-in-both"),
        pytest.param("Verdict: A", "Verdict: A", "order_decides", id="the-first-in-both"),
        pytest.param("Verdict: A", "Verdict: tie", "order_decides", id="own-once-and-a-tie"),
        pytest.param("Verdict: tie", "Verdict: tie", "tie", id="ties"),
        pytest.param("Verdict: A", "Who knows.", "not_judged", id="one-without-a-verdict"),
        pytest.param(NO_ANSWER, "Verdict: B", "not_judged", id="one-without-a-reply"),
        pytest.param(CUT_ANSWER, "Verdict: B", "not_judged", id="one-that-was-cut"),
    ],
)
def test_a_pair_is_made_only_where_the_own_answer_is_preferred_in_both_orders(
    own_first: Reply, sibling_first: Reply, reason: str | None
) -> None:
    decided = decide(_judge(own_first, sibling_first))

    assert decided["not_paired"].to_list() == [reason]
    assert decided.select("conversation_id", "rejected_set").row(0) == ("own-0-0#1", "own-0-0#0")


def test_a_request_that_failed_has_its_reason_and_no_verdict() -> None:
    judged = _judge(NO_ANSWER, "Verdict: B")
    assert judged.select("verdict", "drop_reason").rows() == [(None, "timeout"), ("own", None)]
