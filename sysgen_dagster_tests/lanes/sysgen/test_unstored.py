"""A row whose newest answer is not stored yet."""

from typing import Any

from sysgen_dagster.lanes.sysgen.stories import Story, build_stories
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.lanes.sysgen.unstored import NOT_STORED, with_answer
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import Table
from sysgen_dagster_tests.lanes.sysgen.shards import Row, Shard

TAGGED = "<<Role>>You are kind.<</Role>>\n<<Task>>Answer.<</Task>>"


def story(upto: Table, **columns: Any) -> Story:
    rows = Shard([Row("1", columns=columns)])
    [built] = build_stories([rows], "phi-4", ["1"], upto=upto)
    return built


def test_a_message_is_told_as_the_model_wrote_it() -> None:
    told = with_answer(story(CONVERSATIONS), ANNOTATED, TAGGED, None)
    assert (told["annotated_message"], told["drop_reason"]) == (TAGGED, None)
    assert NOT_STORED in told["flags"]


def test_verdicts_are_read_for_each_tag_of_the_message() -> None:
    told = with_answer(story(FILTERED, tagged_message=TAGGED), VERIFIED, "<<Role>>: Bad", None)
    assert [(each["tag"], each["verdict"]) for each in told["verdicts"]] == [
        ("Role", "Bad"),
        ("Task", "Unreadable"),
    ]


def test_an_answer_stands_under_the_message_without_what_was_removed() -> None:
    removed = [{"tag": "Role", "text": "You are kind.", "verdict": "Bad"}]
    before = story(VERIFIED, tagged_message=TAGGED, removed=removed)
    told = with_answer(before, ALIGNED, "Here it is.", None)
    assert (told["system_message"], told["new_answer"]) == ("Answer.", "Here it is.")


def test_rules_look_at_an_answer_before_it_is_stored() -> None:
    phrases = [{"tag": "Format", "text": "Answer in at most two words."}]
    told = with_answer(story(VERIFIED, phrases=phrases), ALIGNED, "One, two, three.", None)
    assert [each["verdict"] for each in told["obedience"]] == ["not_obeyed"]


def test_a_failure_is_told_with_its_reason() -> None:
    told = with_answer(story(CONVERSATIONS), ANNOTATED, None, "timeout")
    assert (told["stopped_at"], told["drop_reason"]) == (ANNOTATED.name, "timeout")
