"""What is wrong with a message."""

import pytest

from sysgen_dagster.lanes.multifaceted.message_faults import find_fault, label_pattern
from sysgen_dagster.lanes.multifaceted.taxonomy import load_taxonomy

LABELS = label_pattern(load_taxonomy())
DESCRIPTIONS = [
    "A plan for a day at sea fits on one page and has no introduction.",
    "Charts have been read for years, so nautical terms stand as they are.",
    "Each claim about the tide comes with its reason, down to the moon's pull.",
    "Storms and currents that endanger a small boat are named before the route.",
]
SOUND = (
    "You are a pilot of these waters. Whatever is planned, you put it on a single page and never "
    "introduce it. You speak to somebody who reads a chart at a glance, without explaining terms. "
    "Where you claim something of tides, you give the reasons for it. First of all you warn of "
    "currents and storms."
)


def _fault(message: str, descriptions: list[str] = DESCRIPTIONS) -> str | None:
    return find_fault(message, descriptions, LABELS, (100, 2_000))


def test_a_message_that_says_all_four_in_other_words_has_no_fault() -> None:
    assert _fault(SOUND) is None


@pytest.mark.parametrize("left_out", range(4))
def test_a_message_with_no_word_of_one_description_leaves_it_out(left_out: int) -> None:
    others = [text for at, text in enumerate(DESCRIPTIONS) if at != left_out]

    assert _fault(f"{' '.join(others)} You are kind to everybody who asks.") == "leaves_out_wish"


def test_words_that_all_descriptions_have_are_no_sign_of_any() -> None:
    about_tea = [f"{text} It is about tea." for text in DESCRIPTIONS]

    assert _fault(
        f"You are somebody who talks about tea{' all day' * 2}. {'x' * 99}", about_tea
    ) == ("leaves_out_wish")


CHINESE = [
    "关于潮汐的计划不超过一页,没有开场白。",
    "读者多年来一直看海图,航海术语不用解释。",
    "每个说法都给出原因,直到月球的引力。",
    "在路线之前先说明对小船有危险的风暴。",
]
CHINESE_MESSAGE = (
    "你是熟悉这片水域的领航员。无论安排什么,都写在一页之内,直接进入正题。你面对的人看得懂海图,"
    "所以行话照用。凡是说到潮水,你都讲清原因。出发之前,你首先提醒风暴和急流。"
)


def test_a_message_in_a_script_without_blanks_is_read_by_its_characters() -> None:
    refusal = "抱歉,我现在还写不出来,请您把具体的内容发给我看看,收到以后我马上就动手,谢谢您的理解。"

    assert _fault(CHINESE_MESSAGE, CHINESE) is None
    assert _fault(refusal, CHINESE) == "leaves_out_wish"


def test_a_message_in_chinese_is_as_long_as_english_that_says_as_much() -> None:
    assert len(CHINESE_MESSAGE) < 100
    assert find_fault(CHINESE_MESSAGE, CHINESE, LABELS, (180, 270)) is None


@pytest.mark.parametrize(
    "message",
    [
        "Sorry, I can only write this once I see the wishes.",
        "I'm sorry, but I can't help with that.",
        "I\u2019m afraid that is not possible.",
        "My apologies, this goes too far.",
        "I cannot write this message.",
        "Thank you for asking. However, I can't assist with it.",
        "As an AI language model, I am unable to do so.",
        "Please provide the four wishes.",
        "I do not see any descriptions.",
    ],
)
def test_a_reply_that_declines_is_no_message(message: str) -> None:
    assert _fault(f"{message} {SOUND}") == "declines"


@pytest.mark.parametrize(
    "message",
    [
        "Please provide each answer on one page.",
        "You are a guard. I cannot be bribed, you say.",
        "You never apologise, and say \u201cI can't help with that\u201d where the law forbids it.",
        "The reader has never sailed. We do not need long words.",
    ],
)
def test_a_message_that_speaks_of_declining_is_one(message: str) -> None:
    assert _fault(f"{message} {SOUND}") is None


@pytest.mark.parametrize(
    "message",
    [
        "You are a helpful assistant. " * 20,
        f"{SOUND} {SOUND}",
        f"{SOUND} You stay calm whatever comes. You stay calm whatever comes!",
        f"{SOUND} Remember: {SOUND[33:].replace('. ', ', and ')}",
        "你是一个乐于助人的助手。" * 20,
    ],
)
def test_a_sentence_that_stands_there_twice_is_a_loop(message: str) -> None:
    assert _fault(message) == "repeats_itself"


def test_short_sentences_may_come_again() -> None:
    assert _fault(f"Be brief. {SOUND} Be brief.") is None


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (f"{SOUND}\n\nMore.", "not_one_paragraph"),
        (f"- {SOUND}\n- More.", "not_one_paragraph"),
        (f"{SOUND} You are a person with 4 wishes.", "speaks_of_task"),
        (f"{SOUND} Keep to the wishes outlined.", "speaks_of_task"),
        (f"{SOUND} Think of wish 1, 2, 3, and 4.", "speaks_of_task"),
        (f"{SOUND} Meet the descriptions provided.", "speaks_of_task"),
        (f"{SOUND} For the third wish, name dangers.", "speaks_of_task"),
        (f"{SOUND} You answer the wishes you provide.", "speaks_of_task"),
        (SOUND[:99], "message_length"),
    ],
)
def test_other_faults_have_reasons_of_their_own(message: str, reason: str) -> None:
    assert _fault(message) == reason


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
        "You value harmlessness, informativeness, style and background knowledge in each answer.",
        "Hold the four axes of style, background knowledge, informativeness and harmlessness.",
        "The category informativeness matters to you.",
        "Keep to the dimension of harmlessness.",
        "Keep to the category of background knowledge.",
        "Match their style, tone and background knowledge.",
        '"Depth": say why.',
    ],
)
def test_a_name_of_the_taxonomy_that_stands_as_a_label_is_found(text: str) -> None:
    assert LABELS.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "Keep a warm tone and a plain style.",
        "Style, tone and depth follow the question.",
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
