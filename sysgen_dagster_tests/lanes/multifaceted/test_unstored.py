"""A set whose newest reply is not stored yet."""

from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.stories import build_stories
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
)
from sysgen_dagster.lanes.multifaceted.unstored import with_reply
from sysgen_dagster_tests.lanes.multifaceted.stored import MODEL, Stored

SETTINGS = Multifaceted.model_validate({"sources": {"chats": {"path": "a", "instruction": "q"}}})
ID = "chats-a-0"


def test_the_record_is_that_of_the_instruction_with_the_one_set() -> None:
    [story] = build_stories(Stored(), MODEL, [ID], upto=PREFERENCE_MESSAGES)
    told = with_reply(story, GOLD_ANSWERS, f"{ID}#1", "It is so.", None, SETTINGS)
    assert told is not None
    assert (told["id"], told["question"]) == (f"{ID}#1", "Why a?")
    assert [each["answer"] for each in told["sets"]] == ["It is so."]
    assert [each["system_message"] for each in told["sets"]] == ["n" * 700]


def test_a_set_that_is_not_drawn_or_not_stored_is_not_told() -> None:
    [begun] = build_stories(Stored(), MODEL, [ID], upto=INSTRUCTIONS)
    assert begun["sets"] == []
    assert with_reply(begun, PREFERENCE_SETS, f"{ID}#3", "A", None, SETTINGS) is None
    assert with_reply(begun, PREFERENCE_MESSAGES, f"{ID}#0", "A", None, SETTINGS) is None
