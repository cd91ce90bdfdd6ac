"""What is thought and what is said, in every form in which one text holds both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.reasoning import Reply, join_reasoning, split_reasoning

HARMONY = (
    "<|channel|>analysis<|message|>Two and two.<|end|>"
    "<|start|>assistant<|channel|>final<|message|>Four.<|return|>"
)
COHERE = "<|START_THINKING|>Two and two.<|END_THINKING|><|START_RESPONSE|>Four.<|END_RESPONSE|>"
OPEN_THINKER = (
    "<|begin_of_thought|>Two and two.<|end_of_thought|>"
    "<|begin_of_solution|>Four.<|end_of_solution|>"
)
FORMS = {
    "block": "<think>\nTwo and two.\n</think>\n\nFour.",
    "block_without_line_breaks": "<think>Two and two.</think>Four.",
    "block_that_the_template_opened": "Two and two.\n</think>\n\nFour.",
    "opened_by_the_template_on_one_line": "Two and two.</think>Four.",
    "other_name": "<thinking>Two and two.</thinking>\nFour.",
    "upper_case": "<THINK>Two and two.</THINK>\nFour.",
    "name_with_prefix": "<seed:think>Two and two.</seed:think>Four.",
    "bars": "<|think|>Two and two.<|/think|>Four.",
    "square_brackets": "[THINK]Two and two.[/THINK]Four.",
    "triangles": "\u25c1think\u25b7Two and two.\u25c1/think\u25b7Four.",
    "thought_at_the_start": "<thought>\nTwo and two.\n</thought>\n\nFour.",
    "channels": HARMONY,
    "channels_without_special_tokens": "analysisTwo and two.assistantfinalFour.",
    "gemma": "<|channel>thought\nTwo and two.<channel|>Four.",
    "medgemma": "<unused94>thought\nTwo and two.<unused95>Four.",
    "cohere": COHERE,
    "open_thinker": OPEN_THINKER,
    "apertus": "<|inner_prefix|>Two and two.<|inner_suffix|>Four.",
    "granite": "Here is my thought process: Two and two. Here is my response: Four.",
    "answer_in_a_block_too": "<think>Two and two.</think>\n<answer>\nFour.\n</answer>",
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS.keys())
def test_thoughts_are_told_from_the_answer(content: str) -> None:
    assert split_reasoning(content) == Reply("Four.", "Two and two.")


@pytest.mark.parametrize(
    "content",
    [
        "<think>Two and",
        "<|channel|>analysis<|message|>Two and",
        "analysisTwo and",
        "<|channel>thought\nTwo and",
        "[THINK]Two and",
        "Here is my thought process: Two and",
    ],
)
def test_a_thought_without_an_end_leaves_no_answer(content: str) -> None:
    assert split_reasoning(content) == Reply("", "Two and")


@pytest.mark.parametrize(
    "content",
    ["<think>\n\n</think>\n\nFour.", "<think></think>Four.", "<|channel>thought\n<channel|>Four."],
)
def test_an_empty_thought_is_none(content: str) -> None:
    assert split_reasoning(content) == Reply("Four.", None)


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        ("<think>One.</think>\n<think>Two.</think>\nFour.", "Four.", "One.\n\nTwo."),
        (
            "<think>One.</think>\nFirst.\n<think>Two.</think>\nLast.",
            "First.\n\nLast.",
            "One.\n\nTwo.",
        ),
        ("<think>One.</think>Two.</think>Four.", "Four.", "One.\n\nTwo."),
        ("<think>I write <think> twice.</think>Four.", "Four.", "I write <think> twice."),
        ("<think>```\ncode\n</think>Four.", "Four.", "```\ncode"),
        ("```\ncode\n</think>\n\n```\nfour\n```", "```\nfour\n```", "```\ncode"),
    ],
)
def test_thoughts_may_come_several_times(content: str, text: str, reasoning: str) -> None:
    assert split_reasoning(content) == Reply(text, reasoning)


def test_a_draft_in_a_thought_is_not_the_answer() -> None:
    content = "<think><<Role>>You are a cook.<</Role>></think>\n<<Role>>You are a chef.<</Role>>"
    assert split_reasoning(content).text == "<<Role>>You are a chef.<</Role>>"


@pytest.mark.parametrize(
    "content",
    [
        "Four.",
        "",
        "  Four.  ",
        "Put <think> before what you think.",
        "The model ends it with `</think>` and goes on.",
        "The mark </think> ends a thought.",
        "The template is:\n```\n<think>\nWhat is thought.\n</think>\n```\nIt is short.",
        "The analysis shows that the assistant is final.",
        "An <answer> holds <reasoning> in XML.",
        "<Role>You think</Role>",
        "if a <think and b>c",
    ],
)
def test_a_text_that_only_speaks_of_thoughts_is_unchanged(content: str) -> None:
    assert split_reasoning(content) == Reply(content, None)


PIECES = st.sampled_from(
    [
        *("<think>", "</think>", "<answer>", "</answer>", "<|end|>", "analysis", "Four."),
        *("<|channel|>final<|message|>", "<|channel|>analysis<|message|>"),
        *("\n", " ", "`", "```\n", "a", "["),
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_letter_of_the_answer_or_the_thoughts_is_invented(content: str) -> None:
    reply = split_reasoning(content)
    assert len(reply.text) + len(reply.reasoning or "") <= len(content) + 2 * content.count("<")
    assert reply.reasoning is None or reply.reasoning.strip()
    if reply.reasoning is None and "<" not in content:
        assert reply.text == content


def test_joined_thoughts_are_paragraphs() -> None:
    assert join_reasoning([" One.\n", None, " ", "Two."]) == "One.\n\nTwo."
    assert join_reasoning([None, ""]) is None
