"""System messages from preference sets."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.lanes.multifaceted.preference_messages import (
    label_pattern,
    read_message,
    write_messages,
)
from sysgen_dagster.lanes.multifaceted.preference_sets import write_preference_sets
from sysgen_dagster.lanes.multifaceted.tables import PREFERENCE_MESSAGES
from sysgen_dagster.lanes.multifaceted.taxonomy import load_taxonomy
from sysgen_dagster_tests.lanes.multifaceted.frames import (
    Model,
    Reply,
    distinct,
    in_turn,
    instructions,
)
from sysgen_dagster_tests.lanes.multifaceted.instructions import settings

PARAGRAPH = (
    "You answer somebody who has sailed for years and dislikes long openings. Begin with what "
    "matters, keep to plain words, and say at once where a storm could make a plan dangerous. "
    "Whatever you state about tides should be right, and where tables differ you say so. "
) * 2
SETS = write_preference_sets(instructions("How do tides work?"), Model(distinct()).ask, settings())


def _write(model: Model, **fields: Any) -> pl.DataFrame:
    return write_messages(SETS, model.ask, settings(**fields))


def test_every_set_has_a_message_of_one_paragraph() -> None:
    rows = _write(Model(lambda _: PARAGRAPH))

    assert rows.schema == pl.Schema(PREFERENCE_MESSAGES.schema)
    assert rows["conversation_id"].to_list() == SETS["conversation_id"].to_list()
    assert set(rows["system_message"]) == {PARAGRAPH.strip()}


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
        f'"{PARAGRAPH.strip()}"',
        f"\u201c{PARAGRAPH.strip()}\u201d",
        f"```\n{PARAGRAPH.strip()}\n```",
        f"Sure:\n\n```text\n{PARAGRAPH.strip()}\n```",
        PARAGRAPH.replace(". ", ".\n"),
        PARAGRAPH.replace(". ", ".  "),
    ],
)
def test_what_stands_around_a_paragraph_is_left_away(reply: str) -> None:
    assert read_message(reply) == PARAGRAPH.strip()


BAD: dict[str, tuple[Reply, str]] = {
    "two paragraphs": (f"{PARAGRAPH}\n\n{PARAGRAPH}", "not_one_paragraph"),
    "a list": (f"{PARAGRAPH}\n- {PARAGRAPH}\n- More.", "not_one_paragraph"),
    "a numbered list": (f"1. {PARAGRAPH}\n2. {PARAGRAPH}", "not_one_paragraph"),
    "a remark after it": (f"{PARAGRAPH}\n\nI hope this helps!", "not_one_paragraph"),
    "labels": (f"Style: {PARAGRAPH}", "names_taxonomy"),
    "the task": (f"{PARAGRAPH.strip()} You cover all four wishes.", "speaks_of_task"),
    "its material": (f"Meet the descriptions provided. {PARAGRAPH}", "speaks_of_task"),
    "the example": (
        f"You take no word of the trade for granted, and where one is needed. {PARAGRAPH}",
        "repeats_prompt",
    ),
    "a line": ("Answer well.", "message_length"),
    "a flood": (PARAGRAPH * 20, "message_length"),
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
    assert rows["reply"][0] == reply
    assert rows["system_message"].null_count() == 0  # it shows what was wrong


def test_the_first_sound_message_takes_the_place_of_one_with_a_fault() -> None:
    rows = _write(Model(in_turn("Answer well.", PARAGRAPH)), attempts=3)

    assert rows.select("drop_reason", "attempt").rows() == [(None, 1), (None, 0), (None, 0)]


def test_a_message_that_was_cut_is_dropped_as_such() -> None:
    rows = _write(Model(lambda _: {"text": PARAGRAPH, "finish_reason": "length"}))

    assert set(rows["drop_reason"]) == {"truncated"}


def test_how_long_a_message_may_be_is_a_setting() -> None:
    rows = _write(Model(lambda _: "Answer well."), message_characters=[5, 20])

    assert rows["drop_reason"].null_count() == 3


LABELS = label_pattern(load_taxonomy())


@pytest.mark.parametrize(
    "text",
    [
        "Style: be brief.",
        "Be kind. Tone: warm.",
        "**Clarity** matters: be plain.",
        "Be plain (clarity) and kind.",
        "Be plain [Background knowledge].",
        "As for the style dimension, be brief.",
        "Mind the harmlessness preference of the user.",
        "Keep to the user's informativeness preferences.",
        "The subdimension is depth.",
        "Their background_knowledge is that of a novice.",
        "- **Tone:** warm",
        '"Depth": say why.',
    ],
)
def test_a_name_of_the_taxonomy_that_stands_as_a_label_is_found(text: str) -> None:
    assert LABELS.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "Keep a warm tone and a plain style.",
        "Write with clarity, and with safety in mind.",
        "Their background knowledge is small.",
        "Aim at one thing above all, depth: say why it is so.",
        "The basic idea (as every expert knows) comes first.",
        "A novice will ask: what is a tide?",
        "In three dimensions the tide looks otherwise.",
        "Format tables as the user does.",
    ],
)
def test_the_same_words_in_a_sentence_are_no_labels(text: str) -> None:
    assert not LABELS.search(text)
