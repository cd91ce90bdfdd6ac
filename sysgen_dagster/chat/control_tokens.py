"""Finds text that a model could take for chat structure: control tokens and lines of our prompts.

Servers and trainers turn a chat into tokens as one string, so ``<|im_start|>system`` within a
question begins a new turn. A check reports rows with such text. The text is not changed, because
questions about tokenizers contain it legitimately.
"""

import re
from collections.abc import Iterable

import polars as pl

from sysgen_dagster.chat.prompts import Prompt

# Tokens that begin or end a turn or a text in published chat templates. By line: Llama 3, Phi, Qwen
# and most others; DeepSeek; Gemma; Llama 2; Llama 2 and Mistral. <s> is left out: it is also HTML
# (strikethrough), and in a chat it does not begin a turn.
CONTROL_TOKENS = (
    r"<\|[A-Za-z0-9_]{2,40}\|>",
    r"<\x{ff5c}[^<>\x{ff5c}\s]{2,40}\x{ff5c}>",
    r"<(?:start|end)_of_turn>",
    r"<</?SYS>>",
    r"\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS)\]",
)
# Our prompts put each text between two lines like "[answer, 1a2b3c4d]" and
# "[end of answer, 1a2b3c4d]".
_MARKED_LINE = r"(?m:^\[(?:end of )?[a-zA-Z ]{4,50}, [0-9a-f]{8}\]$)"


def structure_pattern(prompts: Iterable[Prompt], *more: str) -> str:
    """A Polars regex that matches control tokens, lines of `prompts`, and the patterns `more`."""
    closing = "|".join(dict.fromkeys(re.escape(prompt.closing_line) for prompt in prompts))
    return "|".join([*CONTROL_TOKENS, _MARKED_LINE, f"(?m:^(?:{closing})$)", *more])


def find_structure(text: pl.Expr, pattern: str) -> pl.Expr:
    """The distinct matches of a `structure_pattern` in a text, in order of first appearance."""
    return text.str.extract_all(pattern).list.unique(maintain_order=True)
