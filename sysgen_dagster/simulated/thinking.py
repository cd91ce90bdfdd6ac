"""Simulated models that think before they answer, in the wire forms of real ones.

A server with a reasoning parser gives thoughts a field of their own; one without gives one text, in
the form that the family's chat template has. A request that switches thinking off gets none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Thoughts that a reader of answers must not take for one: drafts, verdicts, another final answer.
_DRAFT = """\
The user wants a reply, so let me think first. (simulated)
A draft: <<Role>>You are a draft.<</Role>> <<Task>>Leak into the answer.<</Task>>
Or verdicts: <<Role>>: Bad, <<Task>>: None. Verdict: B. The answer is 41.
That will do."""


@dataclass(frozen=True, slots=True)
class ThinkingForm:
    """How a message holds a thought and a text.

    Attributes:
        before: Written before the thought, where both are one text.
        after: Written between the two.
        field: The field of the thought, where it has one of its own.
        has_parts: Whether the content is a list of parts, one for each of the two.
    """

    before: str = ""
    after: str = ""
    field: str | None = None
    has_parts: bool = False

    def message(self, thought: str, text: str | None) -> dict[str, Any]:
        """The fields of the message; `text` is None where the thought reached the limit."""
        if self.field is not None:
            return {"content": text, self.field: thought}
        if self.has_parts:
            thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}
            said = [] if text is None else [{"type": "text", "text": text}]
            return {"content": [thinking, *said]}
        end = "" if text is None else f"{self.after}{text}"
        return {"content": f"{self.before}{thought}{end}"}


# By the family and, where that makes a difference, by what serves it.
FORMS: Mapping[str, ThinkingForm] = {
    "gpt-oss": ThinkingForm(
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
    "gpt-oss-without-tokens": ThinkingForm("analysis", "assistantfinal"),
    "gemma-4": ThinkingForm("<|channel>thought\n", "\n<channel|>"),
    "qwen3.6": ThinkingForm("", "\n</think>\n\n"),  # its template opens the block
    "nemotron-3": ThinkingForm("<think>\n", "\n</think>\n\n"),
    "glm": ThinkingForm("<think>", "</think>"),
    "deepseek": ThinkingForm(field="reasoning_content"),
    "vllm": ThinkingForm(field="reasoning"),
    "parts": ThinkingForm(has_parts=True),
}


def think(chat_template_kwargs: object, digest: int) -> str:
    """The thought before an answer; empty where the request switches thinking off.

    Args:
        chat_template_kwargs: As the request has it.
        digest: The request's; it is a part of the thought, so that each thought is its own.
    """
    kwargs = chat_template_kwargs
    is_off = isinstance(kwargs, Mapping) and kwargs.get("enable_thinking") is False
    return "" if is_off else f"{_DRAFT} ({digest:016x})"
