"""Phase 1: the model writes a tagged system message for each conversation.

What is asked, and the table that one attempt at every row gives; `attempts` makes several.
"""

from collections.abc import Iterator
from functools import partial

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import (
    LEAST_LEFT,
    ChatMessage,
    ChatRequest,
    Role,
    derive_seed,
)
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.lanes.sysgen.paper import ANNOTATION_SAMPLING
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED, REJECTED
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES

PROMPT = load_prompt("phase1_annotate_system_message")
SAMPLING = ANNOTATION_SAMPLING

# EBNF as xgrammar reads it. What it accepts has no malformed boundary, since a phrase holds no
# bracket. It ends: a model that may go on for ever reaches the token limit, and a text that is cut
# there is malformed again.
_SECTIONS = "\n".join(f'{tag.lower()} ::= "<<{tag}>>" text "<</{tag}>>"' for tag in TAG_NAMES)
REPAIR_GRAMMAR = rf"""root ::= section ("\n" section){{0,7}}
section ::= {" | ".join(TAG_NAMES).lower()}
{_SECTIONS}
text ::= [^<>\r\n\t ] [^<>\r\n]{{2,299}}
"""


def build_annotation_requests(
    conversations: pl.DataFrame, attempt: int = 0, repair: bool = False
) -> Iterator[ChatRequest]:
    """One request per conversation: the prompt over its history, question and original answer.

    An attempt differs from another by its seed; to `repair` is to ask under `REPAIR_GRAMMAR`. Where
    a request is too long for the model, the answer may be cut: it is one field, and mostly the
    longest, while history and question are what the system message has to fit.
    """
    wanted = ("conversation_id", "history", "question", "answer")
    for conversation_id, history, question, answer in conversations.select(wanted).iter_rows():
        before = [*history, {"role": Role.USER, "content": question}]
        mark = separating_mark([answer, *(turn["content"] for turn in before)])
        can_be_cut = len(answer) > LEAST_LEFT
        yield ChatRequest(
            conversation_id,
            _prompt(before, answer, mark),
            SAMPLING,
            derive_seed(conversation_id, ANNOTATED.name, attempt),
            constraint={"grammar": REPAIR_GRAMMAR} if repair else {},
            shortened=partial(_shortened_prompt, before, answer, mark) if can_be_cut else None,
            shortenable=len(answer) if can_be_cut else 0,
        )


def _prompt(before: list[ChatMessage], answer: str, mark: str) -> list[ChatMessage]:
    turns = [*before, {"role": Role.ASSISTANT, "content": answer}]
    return PROMPT.render(mark=mark, messages=turns)


def _shortened_prompt(
    before: list[ChatMessage], answer: str, mark: str, left: int
) -> list[ChatMessage]:
    """The prompt with so many characters left of the answer, of its beginning and its end."""
    if left >= len(answer):
        return _prompt(before, answer, mark)
    head, tail = answer[: (left + 1) // 2], answer[len(answer) - left // 2 :]
    left_out = f"[... {len(answer) - left:,} characters left out ...]"
    return _prompt(before, f"{head}\n{left_out}\n{tail}", mark)


def build_annotated_messages(
    conversations: pl.DataFrame, completions: pl.DataFrame, attempt: int = 0, repair: bool = False
) -> pl.DataFrame:
    """Phase 1's table: one row per conversation, the message as the model wrote it.

    A message that was cut at the token limit stays: Phase 2 sees its open tag.
    """
    answered = add_completions(conversations, completions, PROMPT)
    was_asked = pl.col("attempts").is_not_null()
    return answered.with_columns(
        annotated_message=pl.col("text"),
        sample=pl.when(was_asked).then(pl.lit(attempt, dtype=pl.UInt32)),
        repaired=pl.when(was_asked).then(pl.lit(repair)),
        rejected=pl.lit([], dtype=REJECTED),
    ).select(ANNOTATED.names)
