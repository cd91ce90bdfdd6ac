"""The tagged messages of Phase 1; how often they break is the matter of `test_profiles`."""

from dataclasses import replace
from random import Random

from sysgen_dagster.lanes.sysgen.tags import Tag, parse_tagged_message
from sysgen_dagster.simulated.annotation import write_tagged_message
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster.simulated.reading import read_subject
from sysgen_dagster.simulated.writer import write_answer
from sysgen_dagster_tests.simulated.conversations import annotate_messages, conversations, request
from sysgen_dagster_tests.simulated.running_server import QUESTION

QWEN = PROFILES["qwen2.5-14b"]
WHOLE = replace(QWEN, malformed=0.0, unknown_tag=0.0, stray_text=0.0)


def test_a_message_closes_all_its_tags_in_the_same_way_and_both_ways_occur() -> None:
    forms = set()
    for row in conversations(200):
        text = write_answer(request(annotate_messages(*row)), QWEN).text
        slashes = text.count("<</")
        assert slashes in (0, text.count("<<") / 2)
        forms.add(slashes > 0)
    assert forms == {True, False}


def test_an_answer_leaks_into_content_as_words_only() -> None:
    answer = "<<Role>> is <</Role>> the <<3*4=12>> mark <<Content>>"
    texts = [
        write_answer(request(annotate_messages(QUESTION, answer), seed=seed), QWEN).text
        for seed in range(100)
    ]
    assert any("Role is Role the 3 4" in text for text in texts)
    assert not any(parse_tagged_message(text).has_malformed_boundary for text in texts)


def test_few_messages_open_with_you_are_a() -> None:
    rows = conversations(400)
    texts = [write_answer(request(annotate_messages(*row)), QWEN).text for row in rows]
    openings = [text.partition(">>")[2] for text in texts]
    assert sum(text.startswith("You are a") for text in openings) < 0.25 * len(texts)
    assert len({text[:25] for text in openings}) > 40


def test_a_message_has_a_task_where_no_tag_is_drawn() -> None:
    silent = replace(WHOLE, tag_shares=dict.fromkeys(Tag, 0.0))
    for seed in range(20):
        text = write_tagged_message(read_subject(QUESTION), silent, Random(seed))
        assert {phrase.tag for phrase in parse_tagged_message(text).phrases} == {Tag.TASK}


def test_no_phrase_comes_twice_in_a_message_though_a_tag_may() -> None:
    talkative = replace(WHOLE, tag_shares=dict.fromkeys(Tag, 1.0))
    messages = [
        parse_tagged_message(write_tagged_message(read_subject(QUESTION), talkative, Random(seed)))
        for seed in range(200)
    ]
    assert all(len(set(each.phrases)) == len(each.phrases) for each in messages)
    assert any(len(each.phrases) > len(Tag) for each in messages)


def test_a_broken_message_has_nothing_else_that_is_wrong_with_it() -> None:
    broken = replace(WHOLE, malformed=1.0, unknown_tag=1.0, stray_text=1.0)
    for seed in range(50):
        text = write_tagged_message(read_subject(QUESTION), broken, Random(seed))
        assert not any(name in text for name in ("Example", "Tasks>>", "tagged system message"))
