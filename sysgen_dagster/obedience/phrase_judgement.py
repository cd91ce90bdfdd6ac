"""Asks a judge about the phrases that rules leave open, all those of a row in one request.

Of an answer that may be a refusal, the same request asks whether it declines.

Belongs here: the request, and the table that rules and judge fill together. Does not: how a reply
is read (`phrase_verdicts`), and what rules say (`by_rules`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from sysgen_dagster.chat.completions import COMPLETIONS, add_completions
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, Sampling, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.obedience.judge_verdicts import drop_system_turns
from sysgen_dagster.obedience.phrase_verdicts import (
    Judged,
    build_constraint,
    parse_declines,
    parse_phrase_verdicts,
)
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.obedience.tables import OBEDIENCE

PROMPT = load_prompt("judge_obedience")
# Temperature 0 makes judgements repeatable. A verdict is a line of about eight tokens; 512 leave
# room for sixty of them, or for a judge that says why all the same.
SAMPLING = Sampling(temperature=0.0, max_tokens=512)

MEANS = {
    Judged.KEPT: Verdict.OBEYED,
    Judged.BROKEN: Verdict.NOT_OBEYED,
    Judged.UNCLEAR: Verdict.UNKNOWN,
}


def list_answers(rows: pl.DataFrame) -> pl.Series:
    """The texts that were written under the message of each row: of earlier turns, then the last.

    `rows` has ``new_answer`` and may have ``new_history``, which is null where only the last answer
    was written under the message.
    """
    last = pl.concat_list("new_answer")
    if "new_history" not in rows.columns:
        return rows.select(answers=last).to_series()
    turn = pl.element()
    written = turn.filter(turn.struct.field("role") == Role.ASSISTANT).struct.field("content")
    earlier = pl.col("new_history").list.eval(written)
    return rows.select(answers=pl.concat_list(earlier.fill_null([]), last)).to_series()


def is_left_to_judge() -> pl.Expr:
    """Whether a phrase of the row is open, or its answer may decline what the user asks."""
    verdicts = pl.col("phrases").list.eval(pl.element().struct.field("verdict"))
    is_open = verdicts.list.contains(Verdict.UNKNOWN.value)
    return is_open.fill_null(value=False) | pl.col("may_decline").fill_null(value=False)


def build_phrase_requests(rows: pl.DataFrame) -> Iterator[ChatRequest]:
    """One request for each row that is left to the judge; its id is the ``conversation_id``.

    Args:
        rows: ``conversation_id``, ``system_message``, ``history``, ``question``, ``new_answer``,
            ``phrases`` as `by_rules.decide_by_rules` gives them, ``may_decline``; perhaps
            ``new_history``. No text is shortened, because a verdict on half an answer says little.
    """
    for row in rows.filter(is_left_to_judge()).iter_rows(named=True):
        phrases = [row["phrases"][at]["text"] for at in open_places(row["phrases"] or [])]
        asks_declines = bool(row["may_decline"])
        turns = _name_turns(row)
        texts = [row["system_message"], *phrases, *(turn["content"] for turn in turns)]
        messages = PROMPT.render(
            mark=separating_mark(texts),
            system_message=row["system_message"],
            phrases=phrases,
            turns=turns,
            asks_declines=asks_declines,
        )
        seed = derive_seed(row["conversation_id"], OBEDIENCE.name)
        held_to = build_constraint(len(phrases), asks_declines=asks_declines)
        yield ChatRequest(row["conversation_id"], messages, SAMPLING, seed, constraint=held_to)


def _name_turns(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """The conversation as the judge is shown it: a name and a text for each turn."""
    written: list[ChatMessage] | None = row.get("new_history")
    answers = "earlier answer" if written is not None else "earlier turn of the assistant"
    names = {Role.USER: "earlier turn of the user", Role.ASSISTANT: answers}
    before = drop_system_turns(row["history"] if written is None else written)
    return [
        *({"name": names[Role(turn["role"])], "content": turn["content"]} for turn in before),
        {"name": "question", "content": row["question"]},
        {"name": "answer", "content": row["new_answer"]},
    ]


def build_obedience(
    decided: pl.DataFrame,
    completions: pl.DataFrame | None = None,
    judge: str | None = None,
    is_generator: bool | None = None,
) -> pl.DataFrame:
    """`tables.OBEDIENCE`: one row per row of `decided`, in their order.

    Args:
        decided: ``conversation_id``, ``source``, ``may_decline``, and ``phrases`` as
            `by_rules.decide_by_rules` gives them.
        completions: `chat.completions.COMPLETIONS` of `build_phrase_requests`, for all rows or for
            some; None: rules alone decide.
        judge: The name of the judge in the catalogue.
        is_generator: Whether the judge also wrote the answers.
    """
    replies = pl.DataFrame(schema=COMPLETIONS) if completions is None else completions
    asked = decided.select("conversation_id", "source", "phrases", "may_decline")
    answered = add_completions(asked, replies, PROMPT)
    said = answered.select("text", "finish_reason", "phrases").rows()
    judged = [_add_verdicts(text, ending, rows, judge) for text, ending, rows in said]
    phrases = pl.Series("phrases", judged, OBEDIENCE.schema["phrases"])
    declines = pl.Series("declines", [_declines(*each[:2]) for each in said], pl.Boolean())
    verdicts = pl.col("phrases").list.eval(pl.element().struct.field("verdict"))
    was_asked = pl.col("attempts").is_not_null()
    of_judge = {"judge": judge, "judge_is_generator": is_generator}
    return (
        answered.with_columns(phrases, declines=pl.when("may_decline").then(declines))
        .with_columns(
            verdicts.list.count_matches(verdict.value)
            .fill_null(0)
            .cast(pl.UInt32)
            .alias(verdict.value)
            for verdict in Verdict
        )
        .with_columns(
            pl.when(was_asked).then(pl.lit(value, dtype=OBEDIENCE.schema[name])).alias(name)
            for name, value in of_judge.items()
        )
        .with_columns(
            verdict_text=pl.col("text"),
            judged=pl.lit(None, dtype=OBEDIENCE.schema["judged"]),
            prompt_fingerprint=pl.when(was_asked).then("prompt_fingerprint"),
        )
        .select(OBEDIENCE.names)
    )


def _add_verdicts(
    text: str | None,
    finish_reason: str | None,
    phrases: list[dict[str, Any]] | None,
    judge: str | None,
) -> list[dict[str, Any]] | None:
    """The phrases of a row, the open ones with the judge's verdict where it gave a plain one."""
    if phrases is None or text is None:
        return phrases
    places = open_places(phrases)
    judged = list(phrases)
    verdicts = parse_phrase_verdicts(text, len(places), finish_reason)
    for at, said in zip(places, verdicts, strict=True):
        if said and MEANS[said] is not Verdict.UNKNOWN:
            judged[at] = {**phrases[at], "verdict": MEANS[said].value, "by": judge}
    return judged


def _declines(text: str | None, finish_reason: str | None) -> bool | None:
    return None if text is None else parse_declines(text, finish_reason)


def open_places(phrases: Sequence[dict[str, Any]]) -> list[int]:
    """The places of the phrases that rules leave open."""
    return [at for at, phrase in enumerate(phrases) if phrase["verdict"] == Verdict.UNKNOWN]
