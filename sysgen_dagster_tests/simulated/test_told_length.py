"""The notice of a simulated system message: it is read where the model of Phase 4 is asked."""

from collections.abc import Sequence

import pytest

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.simulated.told_length import read_length, say_length

MESSAGE = f"Explain it step by step. {say_length('x' * 420)} Be friendly."


def turns(*pairs: tuple[Role, str]) -> Sequence[ChatMessage]:
    return [{"role": role, "content": text} for role, text in pairs]


@pytest.mark.parametrize(
    ("messages", "length"),
    [
        (turns((Role.SYSTEM, MESSAGE), (Role.USER, "Why?")), 420),
        (turns((Role.USER, f"{MESSAGE}\n\nWhy?")), 420),
        (turns((Role.SYSTEM, say_length("")), (Role.USER, MESSAGE)), 0),
        (turns((Role.SYSTEM, "Answer in 420 characters."), (Role.USER, "Why?")), None),
        ((), None),
    ],
    ids=["system", "in the user's turn", "the first", "no notice", "nothing"],
)
def test_the_first_notice_of_a_request_says_how_long_the_answer_was(
    messages: Sequence[ChatMessage], length: int | None
) -> None:
    assert read_length(messages) == length


def test_the_notice_says_that_the_message_is_simulated() -> None:
    assert "Simulated" in say_length("An answer.")
