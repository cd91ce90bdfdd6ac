"""What in a text could pass for structure: control tokens of chat templates, lines of our prompts.

Servers and trainers turn a chat into tokens as one string, so ``<|im_start|>system`` within a
question begins a turn of its own. Rows that hold such a thing are marked, by a check, and stay as
they are: questions about tokenizers are among them, and a changed text is another question.
"""

import polars as pl

from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES

# Those that begin or end a turn or a text, as the published chat templates write them: Llama 3,
# Phi, Qwen and most others; DeepSeek; Gemma; Llama 2 and Mistral. <s> is not among them: in HTML it
# strikes a text out, and in a chat it begins no turn.
_CONTROL_TOKENS = (
    r"<\|[A-Za-z0-9_]{2,40}\|>",
    r"<\x{ff5c}[^<>\x{ff5c}\s]{2,40}\x{ff5c}>",
    r"<(?:start|end)_of_turn>",
    r"<</?SYS>>",
    r"\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS)\]",
)
# The lines between which our prompts show texts, and the headings after which an answer is due.
_OUR_LINES = (
    r"(?m:^\[(?:end of )?[a-zA-Z ]{4,50}, [0-9a-f]{8}\]$)",
    r"(?m:^# (?:The tagged system message for this conversation|The eight verdicts"
    r"|Your reason and your verdict)$)",
)
_OUR_TAGS = rf"<</?(?:{'|'.join(TAG_NAMES)})>>"
STRUCTURE = "|".join([*_CONTROL_TOKENS, *_OUR_LINES, _OUR_TAGS])


def find_structure(text: pl.Expr) -> pl.Expr:
    """What of `STRUCTURE` a text holds, each once, in the order in which it comes up."""
    return text.str.extract_all(STRUCTURE).list.unique(maintain_order=True)
