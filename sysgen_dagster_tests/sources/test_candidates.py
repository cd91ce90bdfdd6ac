"""Usual names of columns, and what a candidate says."""

import pytest

from sysgen_dagster.sources.candidates import (
    ANSWERS,
    CHATS,
    QUESTIONS,
    REJECTED,
    SYSTEMS,
    THOUGHTS,
    in_order,
    shown,
    system_of,
)
from sysgen_dagster.sources.seen import Seen
from sysgen_dagster.sources.shapes import plain_name


@pytest.mark.parametrize("names", [ANSWERS, CHATS, QUESTIONS, REJECTED, SYSTEMS, THOUGHTS])
def test_usual_names_are_plain_and_stand_once(names: tuple[str, ...]) -> None:
    assert [plain_name(name) for name in names] == list(names)
    assert len(set(names)) == len(names)


def test_nothing_that_was_rejected_is_an_answer() -> None:
    assert not set(REJECTED) & {*ANSWERS, *CHATS, *QUESTIONS}


def test_columns_come_in_the_order_of_the_usual_names() -> None:
    assert in_order(["answer", "x", "Output", "answer "], ANSWERS) == [
        "Output",
        "answer",
        "answer ",
    ]


def test_the_column_of_system_messages_is_the_one_that_is_said_or_a_usual_one() -> None:
    seen = Seen([{"persona": "You know.", "system": "You are.", "system_prompt": "You do."}])
    assert system_of(seen, {}) == "system"
    assert system_of(seen, {"system": "persona"}) == "persona"
    assert system_of(Seen([{"system": None}]), {}) is None


def test_a_name_is_shown_in_quotes_and_does_nothing() -> None:
    assert shown('a "b"\x1b') == r'"a \"b\"\\x1b"'
