"""What in a text could pass for the structure of a chat: control tokens, lines of our prompts.

Servers and trainers turn a chat into tokens as one string, so ``<|im_start|>system`` within a
question begins a turn of its own. Rows that hold such a thing are marked, by a check, and stay as
they are: questions about tokenizers are among them, and a changed text is another question.
"""

import re
from collections.abc import Iterable

import polars as pl

from sysgen_dagster.chat.prompts import Prompt

# Those that begin or end a turn or a text, as the published chat templates write them: Llama 3,
# Phi, Qwen and most others; DeepSeek; Gemma; Llama 2 and Mistral. <s> is not among them: in HTML it
# strikes a text out, and in a chat it begins no turn.
CONTROL_TOKENS = (
    r"<\|[A-Za-z0-9_]{2,40}\|>",
    r"<\x{ff5c}[^<>\x{ff5c}\s]{2,40}\x{ff5c}>",
    r"<(?:start|end)_of_turn>",
    r"<</?SYS>>",
    r"\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS)\]",
)
# The lines between which our prompts show texts.
_MARKED_LINE = r"(?m:^\[(?:end of )?[a-zA-Z ]{4,50}, [0-9a-f]{8}\]$)"


def structure_pattern(prompts: Iterable[Prompt], *more: str) -> str:
    """A pattern for Polars: control tokens, lines of these prompts, and `more` patterns."""
    closing = "|".join(dict.fromkeys(re.escape(prompt.closing_line) for prompt in prompts))
    return "|".join([*CONTROL_TOKENS, _MARKED_LINE, f"(?m:^(?:{closing})$)", *more])


def find_structure(text: pl.Expr, pattern: str) -> pl.Expr:
    """What of a `structure_pattern` a text holds, each once, in the order in which it comes up."""
    return text.str.extract_all(pattern).list.unique(maintain_order=True)
