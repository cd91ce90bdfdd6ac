"""Instructions with their sets, as they are shown."""

from sysgen_dagster.lanes.multifaceted import stories
from sysgen_dagster.lanes.multifaceted.tables import PREFERENCE_SETS
from sysgen_dagster_tests.lanes.multifaceted.stored import MODEL, Stored, rows


def test_an_instruction_is_told_with_all_of_its_sets() -> None:
    [told] = stories.build_stories(Stored(), MODEL, ["chats-a-0"])

    assert (told["question"], told["source"], told["engine"]) == ("Why a?", "chats", "simulated")
    assert [each["answer"] for each in told["sets"]] == ["So.", "Thus."]
    assert [len(each["preferences"]) for each in told["sets"]] == [4, 4]
    assert [each["drop_reason"] for each in told["sets"]] == [None, None]


def test_a_set_that_was_dropped_says_where_and_why_and_has_nothing_after() -> None:
    [told] = stories.build_stories(Stored(), MODEL, ["coding-b-0"])
    _, gone = told["sets"]

    assert (gone["stopped_at"], gone["drop_reason"]) == ("preference messages", "names_taxonomy")
    assert gone["system_message"] is gone["answer"] is None


def test_of_an_answer_the_beginning_is_told() -> None:
    [told] = stories.build_stories(Stored(), MODEL, ["coding-b-0"])

    assert told["sets"][0]["answer"] == "a" * 700 + " [200 more characters]"


def test_up_to_a_step_nothing_of_later_ones_is_told() -> None:
    [told] = stories.build_stories(Stored(), MODEL, ["chats-a-0"], upto=PREFERENCE_SETS)

    assert [each["system_message"] for each in told["sets"]] == [None, None]


def test_whole_instructions_are_chosen_and_one_with_a_dropped_set() -> None:
    assert stories.choose_instructions(Stored(), 4) == ["chats-a-0", "coding-b-0"]
    assert stories.choose_instructions(Stored(), 1) == ["coding-b-0"]
    assert stories.choose_instructions(Stored(), 1, upto=PREFERENCE_SETS) == ["chats-a-0"]


def test_excluded_instructions_and_those_that_a_pilot_left_out_are_not_chosen() -> None:
    assert stories.choose_instructions(Stored(), 4, excluded=["chats-a-0"]) == ["coding-b-0"]
    pilot = rows(
        PREFERENCE_SETS,
        {"conversation_id": "chats-a-0#0", "source": "chats", "drop_reason": "beyond_limit"},
    )
    shard = Stored(preference_sets=pilot)
    assert stories.choose_instructions(shard, 4, upto=PREFERENCE_SETS) == []
