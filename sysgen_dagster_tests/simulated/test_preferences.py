"""The simulated answers to the second lane's requests."""

from dataclasses import replace
from random import Random

import pytest

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.lanes.multifaceted import (
    message_faults,
    preference_messages,
    preference_sets,
)
from sysgen_dagster.lanes.multifaceted.likeness import most_alike
from sysgen_dagster.lanes.multifaceted.replies import read_reply
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS, load_taxonomy
from sysgen_dagster.simulated.material import load_material
from sysgen_dagster.simulated.preferences import (
    name_preference,
    write_preference_message,
    write_preference_set,
)
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster.simulated.reading import Phase, recognise
from sysgen_dagster.simulated.writer import write_answer
from sysgen_dagster_tests.lanes.multifaceted.frames import instructions
from sysgen_dagster_tests.lanes.multifaceted.instructions import settings
from sysgen_dagster_tests.simulated.conversations import request

SOUND = replace(PROFILES["phi-4"], malformed=0.0, unknown_tag=0.0, stray_text=0.0)
INSTRUCTION = "How do tides work in narrow bays?"


def _asked() -> list[list[ChatMessage]]:
    inputs = preference_sets.build_inputs(instructions(INSTRUCTION), settings())
    requests = preference_sets.build_requests(inputs, 0, settings())
    return [list(each.messages) for each in requests]


def _turn(messages: list[ChatMessage], phase: Phase) -> str:
    found, turn = recognise(messages)
    assert found is phase
    return turn


def test_a_set_is_about_the_four_aspects_that_are_asked_for_and_about_the_instruction() -> None:
    for messages in _asked():
        reply = write_preference_set(_turn(messages, Phase.WRITE_SET), SOUND, Random(0))
        found = read_reply(reply)

        assert list(found) == list(DIMENSIONS)
        rows = [{"dimension": name, "subdimension": "x", **parts} for name, parts in found.items()]
        assert preference_sets.find_fault(rows, settings()) is None
        assert NOTICE in found["style"]["description"]


def test_the_request_is_known_where_the_model_has_no_system_role() -> None:
    system, user = _asked()[0]
    folded: list[ChatMessage] = [
        {"role": user["role"], "content": f"{system['content']}\n\n{user['content']}"}
    ]

    assert recognise(folded)[0] is Phase.WRITE_SET


def test_sets_are_malformed_as_often_as_the_profile_says() -> None:
    turn = _turn(_asked()[0], Phase.WRITE_SET)
    profile = replace(SOUND, malformed=0.25)
    broken = 0
    for number in range(400):
        found = read_reply(write_preference_set(turn, profile, Random(number)))
        rows = [
            {"dimension": name, "subdimension": "x", "preference": None, "description": None}
            | dict(found.get(name, {}))
            for name in DIMENSIONS
        ]
        broken += preference_sets.find_fault(rows, settings()) is not None

    assert 70 < broken < 130


def test_every_subdimension_has_words_of_its_own_and_others_have_some() -> None:
    texts = load_material("preferences.yaml")
    shipped = [name for names in load_taxonomy().values() for name in names]

    assert [*texts] == shipped
    own = settings(subdimensions={"style": {"humour": "the answer makes one smile a little"}})
    turn = _turn(_asked()[0], Phase.WRITE_SET)
    aspect = "Style, humour: the answer makes one smile a little"
    changed = "\n".join(
        aspect if line.startswith("Style, ") else line for line in turn.splitlines()
    )
    found = read_reply(write_preference_set(changed, SOUND, Random(0)))

    assert own.taxonomy["style"]["humour"] in found["style"]["description"]
    assert found["style"]["preference"] == "humour above all"
    rows = [{"dimension": name, "subdimension": "x", **parts} for name, parts in found.items()]
    assert preference_sets.find_fault(rows, own) is None


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_made_up_descriptions_of_a_dimension_are_not_too_alike(dimension: str) -> None:
    texts = load_material("preferences.yaml")
    said = [texts[name]["description"] for name in load_taxonomy()[dimension]]

    for at, text in enumerate(said):
        assert most_alike(text, said[:at]) < settings().most_alike / 2


def _descriptions() -> list[str]:
    texts = load_material("preferences.yaml")
    return [
        texts[name]["description"].replace("{topic}", "tides")
        for name in ("clarity", "novice", "depth", "safety")
    ]


def _message(profile_changes: dict[str, float], number: int = 0) -> str:
    messages = message_faults.PROMPT.render(mark="0a1b2c3d", descriptions=_descriptions())
    turn = _turn(messages, Phase.WRITE_MESSAGE)
    return write_preference_message(turn, replace(SOUND, **profile_changes), Random(number))


LABELS = message_faults.label_pattern(load_taxonomy())


def test_a_message_is_one_paragraph_of_all_descriptions_as_long_as_the_paper_s() -> None:
    message = preference_messages.read_message(_message({}))

    assert message_faults.find_fault(message, _descriptions(), LABELS, (682, 1_370)) is None
    assert message.count("tides") == 4


def test_as_often_as_a_profile_says_a_message_names_labels_or_is_announced() -> None:
    named = preference_messages.read_message(_message({"unknown_tag": 1.0}))
    announced = _message({"stray_text": 1.0})

    assert message_faults.find_fault(named, _descriptions(), LABELS, (1, 9_999)) == "names_taxonomy"
    assert announced != preference_messages.read_message(announced)
    assert preference_messages.read_message(announced) == _message({})


def _constrained(messages: list[ChatMessage]) -> list[dict[str, object]]:
    """What a model that never keeps to a form writes under the grammar, as a set."""
    held = {"structured_outputs": {"grammar": preference_sets.GRAMMAR}}
    answer = write_answer(request(messages, 1_024, **held), replace(SOUND, malformed=1.0))
    found = read_reply(answer.text)
    return [{"dimension": name, "subdimension": "x", **found.get(name, {})} for name in DIMENSIONS]


def test_under_the_grammar_no_set_is_malformed() -> None:
    free = write_answer(request(_asked()[0], 1_024), replace(SOUND, malformed=1.0)).text
    [whole, *_] = (_constrained(messages) for messages in _asked())

    assert preference_sets.find_fault(whole, settings()) is None
    assert "\n".join(f"{each['preference']}" for each in whole) not in free


def test_the_grammar_binds_whatever_is_asked() -> None:
    question: list[ChatMessage] = [{"role": Role.USER, "content": "How do tides work?"}]

    assert preference_sets.find_fault(_constrained(question), settings()) is None


def test_an_answer_under_a_message_of_ours_names_what_each_description_asks_for() -> None:
    reply = write_preference_set(_turn(_asked()[0], Phase.WRITE_SET), SOUND, Random(0))
    descriptions = [parts["description"] for parts in read_reply(reply).values()]
    turn = message_faults.PROMPT.render(mark="0a1b2c3d", descriptions=descriptions)[1]
    message = write_preference_message(turn["content"], SOUND, Random(0))
    chat: list[ChatMessage] = [
        {"role": Role.SYSTEM, "content": message},
        {"role": Role.USER, "content": INSTRUCTION},
    ]
    under, alone = (write_answer(request(each), SOUND).text for each in (chat, chat[1:]))

    assert all(name_preference(each) in under for each in descriptions)
    assert "Kept in mind" not in alone
