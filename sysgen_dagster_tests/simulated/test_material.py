"""The words that the simulated model writes with, and their slots."""

from random import Random

import pytest

from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.simulated.material import fill, load_material, pick
from sysgen_dagster_tests.simulated.conversations import QUESTIONS


def test_phrases_are_varied_free_of_marks_and_possible_without_a_topic() -> None:
    for language, domains in load_material("phrases.yaml").items():
        for domain in domains.values():
            assert domain.keys() == {*TAG_NAMES, "leaks"}
            for tag in TAG_NAMES:
                assert len(domain[tag]) >= (5 if language == "en" else 2)
                assert any("{topic}" not in phrase for phrase in domain[tag])
                assert not any("<<" in phrase for phrase in domain[tag])


@pytest.mark.parametrize("name", ["phrases.yaml", "answers.yaml", "stop_words.yaml"])
def test_there_are_words_for_each_of_the_nine_languages(name: str) -> None:
    assert QUESTIONS.keys() <= load_material(name).keys()


def test_only_the_named_slots_are_filled_and_other_braces_stay() -> None:
    template = '{"a": {a}, "b": {b}, {}, {a }}'
    assert fill(template, {"a": "1", "c": "3"}) == '{"a": 1, "b": {b}, {}, {a }}'


def test_a_variant_with_a_topic_is_picked_only_where_there_is_one() -> None:
    variants = ["On {topic}.", "In general."]

    def picked(**slots: str) -> set[str]:
        return {pick(variants, Random(seed), slots) for seed in range(20)}

    assert picked() == picked(topic="") == {"In general."}
    assert picked(topic="salt") == {"On salt.", "In general."}
