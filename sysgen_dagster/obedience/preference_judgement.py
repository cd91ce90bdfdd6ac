"""A judge's preference between the original and the new answer, as in the paper's Figure 3.

The system message is not shown: the question is whether the new answer serves a user who knows
nothing of it. The paper shows the original answer first in every pair; here each pair is judged in
both orders, so that a judge who favours a position is seen and does not decide.
"""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.obedience.judge_verdicts import (
    SAMPLING,
    UNREADABLE,
    build_verdict_pattern,
    judged_by,
    parse_verdict,
    spoken_turns,
    with_interval,
)
from sysgen_dagster.obedience.tables import JUDGED_PREFERENCES

PROMPT = load_prompt("judge_preference")

ORIGINAL, NEW, TIE = "original", "new", "tie"
# Which answer is shown first, as A; the paper's order comes first.
ORDERS = (ORIGINAL, NEW)
_VERDICTS = build_verdict_pattern(A="A", B="B", tie="(?:a )?tie")
_OTHER = {ORIGINAL: NEW, NEW: ORIGINAL}


def build_preference_requests(rows: pl.DataFrame) -> Iterator[ChatRequest]:
    """Two requests per row, one for each of `ORDERS`: ``<conversation_id>#original`` and ``#new``.

    `rows` has ``conversation_id``, ``question``, ``history``, ``answer`` and ``new_answer``. The
    texts are not cut: a judge that saw half an answer would judge something else.
    """
    wanted = ("conversation_id", "question", "history", "answer", "new_answer")
    for conversation_id, question, history, answer, new_answer in rows.select(wanted).iter_rows():
        turns = spoken_turns(history)
        texts = [question, answer, new_answer, *(turn["content"] for turn in turns)]
        mark, seed = separating_mark(texts), derive_seed(conversation_id, JUDGED_PREFERENCES.name)
        for first, pair in zip(ORDERS, [(answer, new_answer), (new_answer, answer)], strict=True):
            messages = PROMPT.render(
                mark=mark, history=turns, question=question, answer_a=pair[0], answer_b=pair[1]
            )
            yield ChatRequest(f"{conversation_id}#{first}", messages, SAMPLING, seed)


def build_judged_preferences(
    rows: pl.DataFrame, completions: pl.DataFrame, judge: str, is_generator: bool
) -> pl.DataFrame:
    """One row per row and order, in their order, the original first.

    Args:
        rows: What was asked about; ``conversation_id`` and ``source`` are used.
        completions: The replies to `build_preference_requests`.
        judge: The model that was asked.
        is_generator: Whether it wrote what it judges.

    Returns:
        `tables.JUDGED_PREFERENCES`. A verdict says whose answer is better; it is ``Unreadable``
        where the judge did not end in one, and null beside a ``drop_reason`` where it gave no text.
    """
    pairs = rows.select("conversation_id", "source").join(
        pl.DataFrame({"shown_first": ORDERS}), how="cross", maintain_order="left_right"
    )
    asked = pairs.with_columns(request_id=pl.format("{}#{}", "conversation_id", "shown_first"))
    answered = add_completions(asked, completions, PROMPT, "request_id")
    verdicts = [_verdict(*row) for row in answered.select("text", "shown_first").iter_rows()]
    return answered.with_columns(
        pl.Series("verdict", verdicts, dtype=pl.String),
        verdict_text=pl.col("text"),
        **judged_by(judge, is_generator),
    ).select(JUDGED_PREFERENCES.names)


def summarize_preferences(judged: pl.DataFrame) -> pl.DataFrame:
    """One row per source in their alphabetical order, then ``all``, of `judged_preferences`.

    An answer wins where both orders say so; everything else is a tie, as Zheng et al. (arXiv
    2306.05685) count it. The rates are over the conversations with a readable verdict in both
    orders, and null where there is none.

    The interval is Wilson's on the score, a tie being half a win. It has no seed, does not shrink
    to a point where one side wins everything, and is on the wide side: a score that can also be
    one half varies less than the wins and losses that Wilson's formula is for.

    Returns:
        ``source``; ``conversations`` judged in both orders and ``not_judged``, the others;
        ``new_wins``, ``original_wins`` and ``ties``, which sum to the conversations;
        ``inconsistent``, the ties where the two orders said different things; ``win_rate`` of the
        new answers with ``win_rate_low`` and ``win_rate_high``, the 95 % interval;
        ``first_shown_share``, how often the answer shown first was preferred (one half: no bias);
        ``paper_order_rate``, how often the new one was with the original shown first, as in the
        paper. In the last two a tie is half each.
    """
    pairs = _pairs(judged)
    by_source = pairs.group_by("source").agg(**_rates()).sort("source")
    everything = pairs.select(source=pl.lit("all"), **_rates())
    return with_interval(pl.concat([by_source, everything]), "win_rate")


def _verdict(text: str | None, shown_first: str) -> str | None:
    if text is None:
        return None
    verdicts = {"A": shown_first, "B": _OTHER[shown_first], "tie": TIE, None: UNREADABLE}
    return verdicts[parse_verdict(text, _VERDICTS)]


def _pairs(judged: pl.DataFrame) -> pl.DataFrame:
    """One row per conversation: what the new answer got in each order, and what that counts for.

    1 for a win, 0 for a loss, one half for a tie; null unless both orders have a verdict.
    """
    points = {NEW: 1.0, TIE: 0.5, ORIGINAL: 0.0}
    got = pl.col("verdict").replace_strict(points, default=None, return_dtype=pl.Float64)
    orders = {
        "shown_first": got.filter(pl.col("shown_first") == NEW).first(),
        "shown_second": got.filter(pl.col("shown_first") == ORIGINAL).first(),
    }
    both = pl.sum_horizontal(*orders, ignore_nulls=False)
    counts_for = pl.when(both == 2).then(1.0).when(both == 0).then(0.0).otherwise(0.5)
    return (
        judged.group_by("source", "conversation_id")
        .agg(**orders)
        .with_columns(pl.when(both.is_not_null()).then(pl.col(*orders)))
        .with_columns(score=pl.when(both.is_not_null()).then(counts_for))
    )


def _rates() -> dict[str, pl.Expr]:
    """The columns of the summary, over rows of `_pairs`."""
    first, second, score = pl.col("shown_first"), pl.col("shown_second"), pl.col("score")
    counts = {
        "conversations": score.count(),
        "not_judged": score.null_count(),
        "new_wins": (score == 1).sum(),
        "original_wins": (score == 0).sum(),
        "ties": score.is_between(0, 1, closed="none").sum(),
        "inconsistent": (first != second).sum(),
    }
    return {name: count.cast(pl.UInt32) for name, count in counts.items()} | {
        "win_rate": score.mean(),
        "first_shown_share": ((first + 1 - second) / 2).mean(),
        "paper_order_rate": second.mean(),
    }
