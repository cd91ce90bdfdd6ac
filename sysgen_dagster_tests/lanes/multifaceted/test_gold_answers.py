"""Answers under the messages."""

import polars as pl
import pytest

from sysgen_dagster.chat.messages import Role
from sysgen_dagster.lanes.multifaceted.gold_answers import (
    build_gold_answers,
    build_inputs,
    build_requests,
)
from sysgen_dagster.lanes.multifaceted.tables import GOLD_ANSWERS
from sysgen_dagster_tests.lanes.multifaceted.frames import Model, Reply, instructions

ASKED = instructions("Why?", "How?")
MESSAGES = pl.DataFrame(
    {
        "conversation_id": ["own-0-0#0", "own-0-0#2", "own-1-0#1"],
        "source": ["own"] * 3,
        "system_message": ["Be brief.", "Be kind.", "Be plain."],
    }
)


def _answer(reply: Reply) -> pl.DataFrame:
    inputs = build_inputs(MESSAGES, ASKED)
    completions = Model(lambda _: reply).ask(build_requests(inputs), inputs.height)
    return build_gold_answers(inputs, completions)


def test_the_instruction_is_asked_under_each_of_its_messages() -> None:
    requests = list(build_requests(build_inputs(MESSAGES, ASKED)))

    assert [[turn["content"] for turn in each.messages] for each in requests] == [
        ["Be brief.", "Why?"],
        ["Be kind.", "Why?"],
        ["Be plain.", "How?"],
    ]
    assert [turn["role"] for turn in requests[0].messages] == [Role.SYSTEM, Role.USER]


def test_every_message_has_a_row_with_message_instruction_and_answer() -> None:
    rows = _answer("Because.")

    assert rows.schema == pl.Schema(GOLD_ANSWERS.schema)
    shown = rows.select("conversation_id", "question", "answer", "drop_reason").rows()
    assert shown[1] == ("own-0-0#2", "Why?", "Because.", None)
    assert rows.height == 3


@pytest.mark.parametrize(
    ("reply", "reason", "answer"),
    [
        ({"text": "Becau", "finish_reason": "length"}, "truncated", "Becau"),
        ({"text": None, "failed_because": "timeout"}, "timeout", None),
        ({"text": "\n"}, "empty_completion", None),
        ("I cannot help with that.", None, "I cannot help with that."),
    ],
)
def test_a_row_without_a_whole_answer_is_dropped_with_its_reason(
    reply: Reply, reason: str | None, answer: str | None
) -> None:
    assert _answer(reply).select("drop_reason", "answer").row(0) == (reason, answer)
