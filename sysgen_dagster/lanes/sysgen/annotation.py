"""Phase 1: the model writes a tagged system message for each conversation, S = M(. | P, Q, A).

Here are the requests, and the table that one attempt at every conversation gives. `attempts` calls
both, once or several times.
"""

from collections.abc import Iterator, Mapping
from functools import partial

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.chat.messages import LEAST_LEFT, ChatMessage, ChatRequest, Role, derive_seed
from sysgen_dagster.chat.prompts import Prompt, load_prompt, separating_mark
from sysgen_dagster.lanes.sysgen import paper
from sysgen_dagster.lanes.sysgen.settings import Demonstrations
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED, REJECTED
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES

PROMPTS: Mapping[Demonstrations, Prompt] = {
    Demonstrations.IN_ONE_TEXT: load_prompt("phase1_annotate_system_message"),
    Demonstrations.AS_TURNS: load_prompt("phase1_annotate_as_turns"),
}
# The paper's.
PROMPT = PROMPTS[Demonstrations.IN_ONE_TEXT]
SAMPLING = paper.SAMPLING[1]

# Of a repair, so that it ends before the token limit: the marks of a section are at most 10 tokens,
# and its phrase at most 70 at two characters a token (English has four, code and Russian more than
# two). Of 150 messages of real models nine in ten have no more phrases, and one phrase in a hundred
# is longer.
MOST_SECTIONS, LONGEST_PHRASE = 6, 140
# EBNF as xgrammar reads it. A text that it accepts has no malformed boundary, since a phrase holds
# no bracket.
_SECTIONS = "\n".join(f'{tag.lower()} ::= "<<{tag}>>" text "<</{tag}>>"' for tag in TAG_NAMES)
REPAIR_GRAMMAR = rf"""root ::= section ("\n" section){{0,{MOST_SECTIONS - 1}}}
section ::= {" | ".join(TAG_NAMES).lower()}
{_SECTIONS}
text ::= [^<>\r\n\t ] [^<>\r\n]{{2,{LONGEST_PHRASE - 1}}}
"""
# xgrammar and llama.cpp read it alike; no JSON schema says the same.
_REPAIR = Constraint({"grammar": REPAIR_GRAMMAR}, grammar=REPAIR_GRAMMAR)
# A phrase of a repair that the grammar ended and not the model, most likely within a sentence.
ENDED_BY_GRAMMAR = rf">>[^<>]{{{LONGEST_PHRASE}}}<<"


def build_annotation_requests(
    conversations: pl.DataFrame, attempt: int = 0, repair: bool = False, prompt: Prompt = PROMPT
) -> Iterator[ChatRequest]:
    """One request per conversation: the prompt with history, question and original answer.

    The original answer may be shortened where the request is too long for the model: it is mostly
    the longest field, while the system message has to fit history and question in full.

    Args:
        conversations: ``conversation_id``, ``history``, ``question``, ``answer``.
        attempt: The number of the attempt, from 0; each has a seed of its own.
        repair: Whether the model is held to `REPAIR_GRAMMAR`.
        prompt: One of `PROMPTS`.
    """
    wanted = ("conversation_id", "history", "question", "answer")
    for conversation_id, history, question, answer in conversations.select(wanted).iter_rows():
        before = [*history, {"role": Role.USER, "content": question}]
        mark = separating_mark([answer, *(turn["content"] for turn in before)])
        is_long = len(answer) > LEAST_LEFT
        yield ChatRequest(
            conversation_id,
            _render_prompt(prompt, before, answer, mark),
            SAMPLING,
            derive_seed(conversation_id, ANNOTATED.name, attempt),
            constraint=_REPAIR if repair else None,
            shortened=partial(_render_shortened, prompt, before, answer, mark) if is_long else None,
            shortenable=len(answer) if is_long else 0,
        )


def _render_prompt(
    prompt: Prompt, before: list[ChatMessage], answer: str, mark: str
) -> list[ChatMessage]:
    turns = [*before, {"role": Role.ASSISTANT, "content": answer}]
    return prompt.render(mark=mark, messages=turns)


def _render_shortened(
    prompt: Prompt, before: list[ChatMessage], answer: str, mark: str, left: int
) -> list[ChatMessage]:
    """The prompt with `left` characters of the answer: half from its start, half from its end."""
    if left >= len(answer):
        return _render_prompt(prompt, before, answer, mark)
    head, tail = answer[: (left + 1) // 2], answer[len(answer) - left // 2 :]
    note = f"[... {len(answer) - left:,} characters left out ...]"
    return _render_prompt(prompt, before, f"{head}\n{note}\n{tail}", mark)


def build_annotated_messages(
    conversations: pl.DataFrame,
    completions: pl.DataFrame,
    attempt: int = 0,
    repair: bool = False,
    prompt: Prompt = PROMPT,
) -> pl.DataFrame:
    """`tables.ANNOTATED` after one attempt: one row per conversation, in their order.

    A message that was cut at the token limit is kept: Phase 2 finds its unclosed tag. `attempt`,
    `repair` and `prompt` are those of the requests that the completions answer.
    """
    was_asked = pl.col("attempts").is_not_null()
    return (
        add_completions(conversations, completions, prompt)
        .with_columns(
            annotated_message="text",
            sample=pl.when(was_asked).then(pl.lit(attempt, dtype=pl.UInt32)),
            repaired=pl.when(was_asked).then(repair),
            rejected=pl.lit([], dtype=REJECTED),
        )
        .select(ANNOTATED.names)
    )
