"""Two columns as a question and its answer, and texts that are chats."""

from typing import Any

import pytest

from sysgen_dagster.sources.pair_columns import pairs, prompts, transcripts
from sysgen_dagster.sources.seen import Seen


def words(row: dict[str, Any]) -> list[dict[str, str]]:
    return [dict(found.words) for found in pairs(Seen([row]), {})]


@pytest.mark.parametrize(
    ("columns", "question", "answer"),
    [
        (("instruction", "response"), "instruction", "response"),
        (("query", "response"), "query", "response"),
        (("problem", "solution"), "problem", "solution"),
        (("prompt", "completion"), "prompt", "completion"),
        (("input", "output"), "input", "output"),
        (("inputs", "targets"), "inputs", "targets"),
        (("Prompt", "Response"), "Prompt", "Response"),
        (("user", "assistant"), "user", "assistant"),
        (("input_text", "output_text"), "input_text", "output_text"),
        (("user_prompt", "assistant_response"), "user_prompt", "assistant_response"),
        (("problem", "answer", "solution"), "problem", "solution"),
        (("question", "answer", "response"), "question", "response"),
        (("prompt", "instruction", "output"), "instruction", "output"),
        (("prompt", "chosen", "rejected"), "prompt", "chosen"),
    ],
)
def test_the_likeliest_pair_comes_first(
    columns: tuple[str, ...], question: str, answer: str
) -> None:
    found = words(dict.fromkeys(columns, "some text"))[0]
    assert (found["question"], found["answer"]) == (question, answer)


@pytest.mark.parametrize(
    "columns", [("question",), ("answer",), ("prompt", "rejected"), ("a", "b")]
)
def test_one_half_alone_is_no_pair(columns: tuple[str, ...]) -> None:
    assert words(dict.fromkeys(columns, "some text")) == []


@pytest.mark.parametrize(
    ("question", "more"),
    [("instruction", "input"), ("question", "context"), ("instruction", "context")],
)
def test_what_a_question_is_about_belongs_to_it(question: str, more: str) -> None:
    assert words({question: "x", more: "y", "output": "z"})[0]["input"] == more
    assert "input" not in words({question: "x", more: "", "output": "z"})[0]
    assert "input" not in words({"prompt": "x with y", more: "y", "output": "z"})[0]


def test_a_prompt_of_turns_may_have_an_answer_in_text_or_in_turns() -> None:
    ask, tell = {"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}
    for answer in ("y", [tell], tell):
        [found] = prompts(Seen([{"prompt": [ask], "completion": answer}]), {})
        assert found.shape.kind == "prompt_completion"
    assert list(prompts(Seen([{"prompt": [ask], "completion": [ask, tell]}]), {})) == []
    assert list(prompts(Seen([{"messages": [ask, tell], "completion": "y"}]), {})) == []


@pytest.mark.parametrize(
    "text",
    [
        "### Human: x ### Assistant: y",
        "\n\nHuman: x\n\nAssistant: y",
        "### Instruction:\nx\n\n### Response:\ny",
        "User: x\nAssistant: y",
        "<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\ny<|im_end|>",
    ],
)
def test_a_text_with_marks_of_both_is_a_chat(text: str) -> None:
    found = next(transcripts(Seen([{"it": text}]), {}, "it"))
    assert {found.words[role] in text for role in ("user", "assistant")} == {True}


@pytest.mark.parametrize("text", ["x", "### Human: x", 7, '{"Human:": 1}'])
def test_a_text_without_marks_of_both_is_none(text: Any) -> None:
    assert list(transcripts(Seen([{"it": text}]), {}, "it")) == []
