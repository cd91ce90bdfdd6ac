"""The simulated model under a user who asks for the opposite: how often the message holds."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.obedience.conflicts import build_turns
from sysgen_dagster.obedience.requested import UNRELATED
from sysgen_dagster.simulated.conflicts import answer_conflict_turn
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster_tests.obedience.test_conflicts import row, rows, sides
from sysgen_dagster_tests.obedience.test_requested import OPPOSITES

HOLDS, GIVES_IN = (replace(PROFILES["phi-4"], holds=share) for share in (1.0, 0.0))


def _side(phrase: str, turn: str, has_message: bool, profile: Any) -> str | None:
    """The side of the simulated answer to one request about a phrase."""
    turns = build_turns(rows(row(("Role", "You are a gardener."), ("Format", phrase))))
    [prompt] = turns.filter(turn=turn, has_system_message=has_message)["prompt"].to_list()
    answer = answer_conflict_turn(prompt, profile, Random(0))
    return sides(phrase, answer)[turn, has_message]


@pytest.mark.parametrize("phrase", OPPOSITES)
@pytest.mark.parametrize("turn", ["conflicting", "claimed_authority"])
def test_the_user_gets_what_he_asks_for_unless_the_message_holds(phrase: str, turn: str) -> None:
    assert _side(phrase, turn, True, HOLDS) == "message"
    assert _side(phrase, turn, True, GIVES_IN) == "user"
    assert _side(phrase, turn, False, HOLDS) == "user"


@pytest.mark.parametrize("phrase", OPPOSITES)
@pytest.mark.parametrize("turn", ["aligned", "unrelated"])
def test_where_nobody_asks_for_the_opposite_the_message_is_followed(phrase: str, turn: str) -> None:
    assert _side(phrase, turn, True, GIVES_IN) == "message"


def test_the_message_holds_as_often_as_the_profile_says() -> None:
    turns = build_turns(rows(row(("Format", "Answer in French."))))
    prompt = turns.filter(turn="conflicting")["prompt"][0].to_list()
    half = replace(HOLDS, holds=0.5)
    answers = [answer_conflict_turn(prompt, half, Random(seed)) for seed in range(400)]
    french = sum(answer != answers[0] for answer in answers)

    assert 150 < french < 250


@pytest.mark.parametrize(
    "text", ["", "How do roses grow?", "Write a poem.\n\nAnswer in Klingon.", UNRELATED[0]]
)
def test_another_question_is_answered_as_always(text: str) -> None:
    messages: list[ChatMessage] = [
        {"role": Role.SYSTEM, "content": "You are a gardener."},
        {"role": Role.USER, "content": text},
    ]

    assert answer_conflict_turn(messages, HOLDS, Random(0)) is None
    assert answer_conflict_turn([], HOLDS, Random(0)) is None
