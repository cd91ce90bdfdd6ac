"""Phase 4 with several answers to a question, and to all questions of a conversation.

`Method.answers` answers may be written under one system message. Rules say which phrases of it an
answer breaks, and whether its result is that of the original answer. The next one is asked for only
where each answer so far breaks a rule, contradicts the original one, was cut or is a refusal. What
is chosen is what would be chosen of all of them. With the settings of the paper there is one.

Where whole conversations are answered, the answers before the last one are written anew too, turn
by turn, each after the new ones before it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import polars as pl

from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, derive_seed
from sysgen_dagster.lanes.sysgen.alignment import (
    build_aligned_responses,
    build_alignment_inputs,
    build_alignment_requests,
)
from sysgen_dagster.lanes.sysgen.attempts import Ask
from sysgen_dagster.lanes.sysgen.drop_reasons import BREAKS_RULES, Dropped
from sysgen_dagster.lanes.sysgen.settings import Contradiction, Method
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.contradictions import WORST_FIRST, Result, compare_results
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.tables.columns import MESSAGES
from sysgen_dagster.tables.table import kept

# Another answer is asked for where one has such a fault; others would not go away.
_ASKED_AGAIN = [
    NoAnswer.TRUNCATED.value,
    NoAnswer.EMPTY_COMPLETION.value,
    Dropped.REFUSED.value,
    Dropped.CONTRADICTS_ORIGINAL.value,
    BREAKS_RULES,
]
_ID = "conversation_id"
_TEXTS = pl.List(pl.String())
_TOTALS = ("answers", "all_prompt_tokens", "all_completion_tokens")
_RESULT_ORDER = pl.Enum([each.value for each in (*WORST_FIRST, Result.NONE)])


def answer(
    verified: pl.DataFrame,
    conversations: pl.DataFrame,
    ask: Ask,
    method: Method,
    *,
    whole: bool = False,
) -> pl.DataFrame:
    """`tables.ALIGNED`: one row per verified message, in their order, with its best answer.

    The best answer is one that can be kept and does not contradict the original one; of several,
    one that breaks the fewest rules, then the earliest. Where none can be kept, it is the earliest
    failure of the engine, because asking again may help, else the earliest text.

    Args:
        verified: Kept rows of `tables.VERIFIED`.
        conversations: Their conversations, in any order.
        ask: Asks the model.
        method: How many answers may be written, and what becomes of those that contradict.
        whole: Whether the answers in the history are written anew too. A row is dropped with the
            reason of its first turn that has no answer, and has that turn's text.
    """
    inputs = _build_inputs(verified, conversations)
    talks = [_Talk(row, whole) for row in inputs.iter_rows(named=True)]
    turns = [ALIGNED.empty()]
    while rows := [talk.next_turn() for talk in talks if talk.is_open]:
        written = _answer_turn(pl.DataFrame(rows, inputs.schema, orient="row"), ask, method)
        turns.append(written)
        answered = dict(kept(written).select(_ID, "new_answer").iter_rows())
        for talk in talks:
            talk.go_on(answered.get(talk.identity))
    return _join_turns(inputs, pl.concat(turns), talks)


class _Talk:
    """One conversation while its turns are answered.

    Attributes:
        identity: Its ``conversation_id``.
        said: The turns so far, with the answers that were written.
        is_open: Whether a turn of it has yet to be answered.
    """

    def __init__(self, row: dict[str, Any], whole: bool) -> None:
        self._row, self.identity = row, row[_ID]
        history: list[ChatMessage] = row["history"]
        upstream = [turn["role"] == Role.SYSTEM or not whole for turn in history]
        self.said = [turn for turn, stays in zip(history, upstream, strict=True) if stays]
        self._earlier = [turn for turn, stays in zip(history, upstream, strict=True) if not stays]
        self._turn, self.is_open = 0, True

    @property
    def new_history(self) -> list[ChatMessage] | None:
        """The turns before the one that was answered last; None: they are the upstream ones."""
        return self.said if self._earlier else None

    def next_turn(self) -> dict[str, Any]:
        """The inputs of the next turn."""
        row = self._row | {"history": self.said}
        if not self._earlier[2 * self._turn :]:
            return row
        question, original = self._earlier[2 * self._turn :][:2]
        seeded_as = f"{row['seeded_as']}/{self._turn}"
        own = {"question": question["content"], "answer": original["content"]}
        return row | own | {"answer_reasoning": None, "seeded_as": seeded_as}

    def go_on(self, answer: str | None) -> None:
        """Take the answer of the turn; after None, and after the last turn, there is no next."""
        asked = self._earlier[2 * self._turn :][:1]
        self.is_open = self.is_open and bool(asked) and answer is not None
        if self.is_open:
            written = ChatMessage(role=Role.ASSISTANT, content=answer or "")
            self.said, self._turn = [*self.said, *asked, written], self._turn + 1


def _build_inputs(verified: pl.DataFrame, conversations: pl.DataFrame) -> pl.DataFrame:
    """`alignment.build_alignment_inputs` with phrases, original answer, and the seeds' name."""
    original = conversations.select(_ID, "answer", "answer_reasoning")
    return (
        build_alignment_inputs(verified, conversations)
        .join(original, on=_ID, how="left", maintain_order="left", validate="1:1")
        .join(verified.select(_ID, "phrases"), on=_ID, how="left", maintain_order="left")
        .with_columns(seeded_as=pl.lit(ALIGNED.name))
    )


def count_answers(aligned: pl.DataFrame) -> dict[str, int]:
    """How many answers Phase 4 asked for, and of how many rows more than one to a question.

    Returns:
        ``answers``, ``answered_again`` and ``originals_kept``.
    """
    is_question = pl.element().struct.field("role") == Role.USER.value
    before = pl.col("new_history").list.eval(is_question).list.sum().fill_null(0)
    turns = before + pl.col("attempts").is_not_null()  # of the last one the model may not be asked
    return {
        "answers": int(aligned["answers"].sum()),
        "answered_again": aligned.filter(pl.col("answers") > turns).height,
        "originals_kept": int(aligned["is_original"].sum()),
    }


def _answer_turn(turns: pl.DataFrame, ask: Ask, method: Method) -> pl.DataFrame:
    """`tables.ALIGNED`: the best answer to each turn, in their order."""
    asked, written = turns, []
    for number in range(method.answers):
        written.append(_write(asked, ask, method, number))
        again = written[-1].filter(pl.col("fault").is_in(_ASKED_AGAIN))
        asked = asked.join(again, on=_ID, how="semi", maintain_order="left")
        if asked.is_empty():
            break
    return _choose_best(turns, pl.concat(written), method.contradiction)


def _write(turns: pl.DataFrame, ask: Ask, method: Method, number: int) -> pl.DataFrame:
    """`tables.ALIGNED` for one answer to each turn, with ``broken`` and ``fault``.

    ``broken`` is the number of phrases that the answer breaks by rules, 0 where no other answer
    could be chosen for it; ``fault`` is why another answer would be better.
    """
    completions = ask(_build_requests(turns, number), turns.height)
    written = build_aligned_responses(turns, completions)
    texts = written.select(pl.when(pl.col("drop_reason").is_null()).then("new_answer"))[
        "new_answer"
    ]
    broken = _count_broken(turns["phrases"], texts) if method.answers > 1 else pl.lit(0)
    return written.with_columns(
        *compare_results(turns["answer"], texts),
        number=pl.lit(number),
        broken=broken,
    ).with_columns(
        fault=pl.when(pl.col("drop_reason").is_not_null())
        .then("drop_reason")
        .when(pl.col("result") == Result.CONTRADICTS.value)
        .then(pl.lit(Dropped.CONTRADICTS_ORIGINAL.value))
        .when(pl.col("broken") > 0)
        .then(pl.lit(BREAKS_RULES))
    )


def _count_broken(phrases: pl.Series, texts: pl.Series) -> pl.Series:
    """How many phrases of its message each text breaks by rules; null without a text."""
    alone = pl.Series([None if text is None else [text] for text in texts], dtype=_TEXTS)
    is_broken = pl.element().struct.field("verdict") == Verdict.NOT_OBEYED.value
    return decide_by_rules(phrases, alone).list.eval(is_broken).list.sum()


def _build_requests(turns: pl.DataFrame, number: int) -> Iterator[ChatRequest]:
    """One request per turn; each answer to it has a seed of its own."""
    for request, seeded_as in zip(build_alignment_requests(turns), turns["seeded_as"], strict=True):
        yield replace(request, seed=derive_seed(request.request_id, seeded_as, number))


def _choose_best(
    turns: pl.DataFrame, written: pl.DataFrame, contradiction: Contradiction
) -> pl.DataFrame:
    """`tables.ALIGNED`: the best answer to each turn, in their order; see `answer`."""
    contradicts = pl.col("result").eq_missing(Result.CONTRADICTS.value)
    is_dropped = contradicts if contradiction is Contradiction.DROP else pl.lit(value=False)
    is_kept = pl.col("drop_reason").is_null() & ~is_dropped
    rank = (
        pl.when(is_kept)
        .then(0)
        .when(pl.col("drop_reason").is_in([reason.value for reason in ENGINE_FAILURES]))
        .then(1)
        .when(pl.col("new_answer").is_not_null())
        .then(2)
        .otherwise(3)
    )
    keys = (pl.when(is_kept).then(each) for each in (contradicts, pl.col("broken")))
    ranked = written.sort(rank, *keys, "number").with_columns(
        is_best=pl.col(_ID).is_first_distinct(),
        is_original=pl.lit(contradiction is Contradiction.KEEP_ORIGINAL) & is_kept & contradicts,
        drop_reason=pl.coalesce("drop_reason", pl.when(is_dropped).then("fault")),
    )
    is_rejected = ~pl.col("is_best") | pl.col("is_original")
    rejected = pl.struct(answer="new_answer", reason="fault").filter(is_rejected)
    of_all = ranked.group_by(_ID).agg(
        pl.col(_TOTALS).sum(),
        first_result=pl.col("result").sort_by("number").first(),
        rejected_answers=rejected.sort_by(pl.col("number").filter(is_rejected)),
    )
    return (
        turns.select(_ID, "answer", "answer_reasoning")
        .join(ranked.filter("is_best").drop(of_all.columns[1:]), on=_ID, maintain_order="left")
        .join(of_all, on=_ID, maintain_order="left")
        .with_columns(_originals())
        .select(ALIGNED.names)
        .cast(pl.Schema(ALIGNED.schema))
    )


def _originals() -> list[pl.Expr]:
    """The columns that are others where the original answer is kept."""
    others = {
        "new_answer": pl.col("answer"),
        "reasoning": pl.col("answer_reasoning"),
        "reasoning_tokens": pl.lit(None),
        "result": pl.lit(Result.SAME.value),
    }
    is_original = pl.col("is_original")
    return [
        pl.when(is_original).then(original).otherwise(name).alias(name)
        for name, original in others.items()
    ]


def _join_turns(
    inputs: pl.DataFrame, written: pl.DataFrame, talks: Iterable[_Talk]
) -> pl.DataFrame:
    """`tables.ALIGNED`: of each conversation the last turn that was answered, with all turns' sums.

    Args:
        inputs: One row per conversation; their order is that of the rows.
        written: One row per turn, those of one conversation in their order.
        talks: The conversations after their last turn.
    """
    first = pl.col("first_result").cast(_RESULT_ORDER)
    order = pl.col("result").cast(_RESULT_ORDER)
    of_all = written.group_by(_ID).agg(
        pl.col(_TOTALS).sum(),
        pl.col("is_original").any(),
        pl.col("result", "result_kind").sort_by(order, nulls_last=True).first(),
        first.sort(nulls_last=True).first(),
    )
    histories = {
        _ID: [talk.identity for talk in talks],
        "new_history": [talk.new_history for talk in talks],
    }
    said = pl.DataFrame(histories, {_ID: pl.String(), "new_history": MESSAGES})
    of_all = of_all.join(said, on=_ID)
    return (
        inputs.select(_ID)
        .join(
            written.unique(_ID, keep="last", maintain_order=True).drop(of_all.columns[1:]),
            on=_ID,
            maintain_order="left",
        )
        .join(of_all, on=_ID, maintain_order="left")
        .select(ALIGNED.names)
        .cast(pl.Schema(ALIGNED.schema))
    )
