"""System messages from preference sets."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.lanes.multifaceted.preference_messages import (
    read_message,
    write_messages,
)
from sysgen_dagster.lanes.multifaceted.preference_sets import write_preference_sets
from sysgen_dagster.lanes.multifaceted.tables import PREFERENCE_MESSAGES
from sysgen_dagster_tests.lanes.multifaceted.frames import (
    Model,
    Reply,
    distinct,
    instructions,
    taking_up,
    words,
)
from sysgen_dagster_tests.lanes.multifaceted.instructions import settings

PARAGRAPH = (
    "You answer somebody who has sailed for years and dislikes long openings. Begin with what "
    "matters, keep to plain words, and say at once where a storm could make a plan dangerous. "
    "Whatever you state about tides should be right, and where tables differ you say so."
)
SETS = write_preference_sets(instructions("How do tides work?"), Model(distinct()).ask, settings())


def _write(model: Model, **fields: Any) -> pl.DataFrame:
    return write_messages(SETS, model.ask, settings(**fields))


def test_every_set_has_a_message_of_one_paragraph() -> None:
    rows = _write(Model(taking_up(PARAGRAPH)))

    assert rows.schema == pl.Schema(PREFERENCE_MESSAGES.schema)
    assert rows["conversation_id"].to_list() == SETS["conversation_id"].to_list()
    assert rows["drop_reason"].null_count() == 3
    assert all(each.startswith(PARAGRAPH) for each in rows["system_message"])


def test_the_model_sees_the_descriptions_and_neither_instruction_nor_names() -> None:
    model = Model(lambda _: PARAGRAPH)
    _write(model)
    shown = model.asked[0][0].messages[-1]["content"]

    preferences = SETS["preference_set"][0]
    assert all(each["description"] in shown for each in preferences)
    assert "How do tides work?" not in shown
    assert not any(each["subdimension"] in shown for each in preferences)
    assert not any(each["preference"] in shown for each in preferences)


@pytest.mark.parametrize(
    "reply",
    [
        PARAGRAPH,
        f"\n\n{PARAGRAPH}\n",
        f"Here is the system message:\n\n{PARAGRAPH}",
        f"**System message:** {PARAGRAPH}",
        f"System prompt:\n{PARAGRAPH}",
        f'"{PARAGRAPH}"',
        f"\u201c{PARAGRAPH}\u201d",
        f"```\n{PARAGRAPH}\n```",
        f"Sure:\n\n```text\n{PARAGRAPH}\n```",
        f"**{PARAGRAPH}**",
        f"Of course! Here it is:\n{PARAGRAPH}",
        f"\u4ee5\u4e0b\u662f\u7cfb\u7edf\u6d88\u606f\uff1a\n\n{PARAGRAPH}",
        PARAGRAPH.replace(". ", ".\n"),
        PARAGRAPH.replace(". ", ".  "),
    ],
)
def test_what_stands_around_a_paragraph_is_left_away(reply: str) -> None:
    assert read_message(reply) == PARAGRAPH


@pytest.mark.parametrize(
    "reply",
    [
        "You are a chef. You follow these rules:\nalways be brief and kind.",
        "Eres un chef. Sigues estas reglas:\nsé breve y amable.",
        "\u4f60\u662f\u53a8\u5e08\u3002\u4f60\u9075\u5b88\u4ee5\u4e0b\u89c4\u5219\uff1a\n\u7b80\u77ed\u3002",
        "Be a chef and follow these rules:\nalways be brief and kind.",
        "**You are concise.** You never raise your **voice**",
        '"Less is more" is your motto, and you never say "maybe"',
    ],
)
def test_what_belongs_to_a_message_stays_in_it(reply: str) -> None:
    assert read_message(reply) == reply.replace("\n", " ")


BAD: dict[str, tuple[Reply, str]] = {
    "a refusal": ("I'm sorry, but I can't help with that request.", "declines"),
    "two paragraphs": (f"{PARAGRAPH}\n\n{PARAGRAPH}", "not_one_paragraph"),
    "labels": (f"Style: {PARAGRAPH}", "names_taxonomy"),
    "the task": (f"{PARAGRAPH} You cover all four wishes.", "speaks_of_task"),
    "the example": (
        f"You take no word of the trade for granted, and where one is needed. {PARAGRAPH}",
        "repeats_prompt",
    ),
    "a loop": (f"{PARAGRAPH} {PARAGRAPH}", "repeats_itself"),
    "a line": ("Answer well.", "message_length"),
    "none of the descriptions": (f"{PARAGRAPH} {words(99, many=50)}", "leaves_out_wish"),
    "a reply that was cut": ({"text": PARAGRAPH, "finish_reason": "length"}, "truncated"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_message_with_a_fault_is_asked_for_again_and_then_dropped_with_its_reason(
    fault: str,
) -> None:
    reply, reason = BAD[fault]
    model = Model(lambda _: reply)
    rows = _write(model, attempts=2)

    assert len(model.asked) == 2
    assert set(rows["drop_reason"]) == {reason}
    assert rows["reply"][0] == (reply["text"] if isinstance(reply, dict) else reply)
    assert rows["system_message"].null_count() == 0  # it shows what was wrong


def test_the_first_sound_message_takes_the_place_of_one_with_a_fault() -> None:
    sound, replies = taking_up(PARAGRAPH), iter(["Answer well."])
    rows = _write(Model(lambda request: next(replies, "") or sound(request)), attempts=3)

    assert rows.select("drop_reason", "attempt").rows() == [(None, 1), (None, 0), (None, 0)]


def test_how_long_a_message_may_be_is_a_setting() -> None:
    model = Model(taking_up("Answer well."))

    assert _write(model)["drop_reason"].null_count() == 3
    assert set(_write(model, message_characters=[5, 20])["drop_reason"]) == {"message_length"}
