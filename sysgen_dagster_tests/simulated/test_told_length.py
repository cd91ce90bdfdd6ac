"""The notice of a simulated system message: it is read where the model of Phase 4 is asked."""

import re
from collections.abc import Sequence
from statistics import fmean

import pytest

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.simulated.told_length import read_length, read_result, say_length

MESSAGE = f"Explain it step by step. {say_length('x' * 420)} Be friendly."
LENGTHS = range(25, 18_000, 7)


def turns(*pairs: tuple[Role, str]) -> Sequence[ChatMessage]:
    return [{"role": role, "content": text} for role, text in pairs]


def told(length: int) -> int:
    read = read_length(turns((Role.SYSTEM, say_length("x" * length))))
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("messages", "length"),
    [
        (turns((Role.SYSTEM, MESSAGE), (Role.USER, "Why?")), 420),
        (turns((Role.USER, f"{MESSAGE}\n\nWhy?")), 420),
        (turns((Role.SYSTEM, say_length("")), (Role.USER, MESSAGE)), 30),
        (turns((Role.SYSTEM, "Answer in about seventy words."), (Role.USER, "Why?")), None),
        ((), None),
    ],
    ids=["system", "in the user's turn", "the first", "no notice", "nothing"],
)
def test_the_first_notice_of_a_request_says_how_long_the_answer_was(
    messages: Sequence[ChatMessage], length: int | None
) -> None:
    assert read_length(messages) == length


def test_what_is_told_is_nearly_the_length_and_on_average_neither_more_nor_less() -> None:
    ratios = [told(length) / length for length in LENGTHS]
    assert min(ratios) > 0.7
    assert max(ratios) < 1.4
    assert fmean(ratios) == pytest.approx(1.0, abs=0.03)


def test_the_notice_says_in_words_alone_that_the_message_is_simulated() -> None:
    """A number in digits could be taken for the result of a sum that the message gives away."""
    said = {say_length("x" * length) for length in LENGTHS}
    assert all(re.fullmatch(r"\(Simulated message: [a-z ]+\.\)", each) for each in said)


@pytest.mark.parametrize("result", ["5", "-7", "1/3", "1200", "-12/35"])
def test_the_result_of_an_answer_is_told_in_words_and_read_again(result: str) -> None:
    notice = say_length(f"It follows. The answer is: {result}")

    assert re.fullmatch(r"\(Simulated message: [a-z ]+\.\)", notice)
    assert read_result(turns((Role.SYSTEM, f"Be kind. {notice} Be brief."))) == result
    assert read_length(turns((Role.SYSTEM, notice))) == 30


@pytest.mark.parametrize("answer", ["It was 1912.", "The answer is: (3, 5\\pi)", "", "9" * 13])
def test_of_an_answer_whose_result_is_no_number_none_is_told(answer: str) -> None:
    assert read_result(turns((Role.SYSTEM, say_length(answer)))) == ""


def test_without_a_notice_no_result_is_known() -> None:
    assert read_result(turns((Role.SYSTEM, "The answer is: 5"))) is None
