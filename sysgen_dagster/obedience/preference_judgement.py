"""Asks a judge whether the original or the new answer is better, as in the paper's Figure 3.

The judge is not shown the system message: it judges how well an answer serves the user. The paper
shows the original answer first in every pair. Here each pair is judged in both orders, so that a
judge's preference for a position can be measured and does not decide.
"""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.obedience import judge_verdicts
from sysgen_dagster.obedience.stated_verdicts import read_verdict
from sysgen_dagster.obedience.tables import JUDGED_PREFERENCES
from sysgen_dagster.obedience.verdict_clauses import PREFERENCES, TIE, A, B

PROMPT = load_prompt("judge_preference")

ORIGINAL, NEW = "original", "new"
# Which answer is shown first, as "A"; ORIGINAL is the paper's order.
ORDERS = (ORIGINAL, NEW)
_OTHER = {ORIGINAL: NEW, NEW: ORIGINAL}
_HELD_TO = judge_verdicts.build_constraint([A, B, TIE])


def build_preference_requests(rows: pl.DataFrame) -> Iterator[ChatRequest]:
    """Two requests per row, one for each of `ORDERS`: ``<conversation_id>#original`` and ``#new``.

    `rows` has ``conversation_id``, ``question``, ``history``, ``answer`` and ``new_answer``. No
    text is shortened, because a verdict on half an answer says little.
    """
    for row in rows.iter_rows(named=True):
        conversation_id = row["conversation_id"]
        turns = judge_verdicts.drop_system_turns(row["history"])
        answers = {ORIGINAL: row["answer"], NEW: row["new_answer"]}
        texts = [row["question"], *answers.values(), *(turn["content"] for turn in turns)]
        mark, seed = separating_mark(texts), derive_seed(conversation_id, JUDGED_PREFERENCES.name)
        for first in ORDERS:
            messages = PROMPT.render(
                mark=mark,
                history=turns,
                question=row["question"],
                answer_a=answers[first],
                answer_b=answers[_OTHER[first]],
            )
            request_id, sampling = f"{conversation_id}#{first}", judge_verdicts.SAMPLING
            yield ChatRequest(request_id, messages, sampling, seed, constraint=_HELD_TO)


def build_judged_preferences(
    rows: pl.DataFrame, completions: pl.DataFrame, judge: str, is_generator: bool
) -> pl.DataFrame:
    """The table of verdicts, two rows per row of `rows`, one for each of `ORDERS`.

    Args:
        rows: The rows that were judged; ``conversation_id`` and ``source`` are used.
        completions: `chat.completions.COMPLETIONS` of `build_preference_requests`.
        judge: The name of the judge in the catalogue.
        is_generator: Whether the judge also wrote the new answers.

    Returns:
        `tables.JUDGED_PREFERENCES`. ``verdict`` says which answer is better. It is ``Unreadable``
        if the judge's text does not end in a verdict, or was cut. It is null, and ``drop_reason``
        says why, if there is no text.
    """
    pairs = rows.select("conversation_id", "source").join(
        pl.DataFrame({"shown_first": ORDERS}), how="cross", maintain_order="left_right"
    )
    asked = pairs.with_columns(request_id=pl.format("{}#{}", "conversation_id", "shown_first"))
    answered = add_completions(asked, completions, PROMPT, "request_id")
    said = answered.select("text", "shown_first", "finish_reason")
    verdicts = [_parse_verdict(*row) for row in said.iter_rows()]
    return answered.with_columns(
        pl.Series("verdict", verdicts, dtype=pl.String),
        verdict_text=pl.col("text"),
        judge=pl.lit(judge),
        judge_is_generator=pl.lit(is_generator),
    ).select(JUDGED_PREFERENCES.names)


def summarize_preferences(judged: pl.DataFrame) -> pl.DataFrame:
    """Win rates of the new answers: one row per source, alphabetically, then one for ``all``.

    An answer wins if it is preferred in both orders; otherwise there is a tie, as in Zheng et al.
    (arXiv 2306.05685). Rates are over the conversations with a readable verdict in both orders, and
    null if there are none.

    The interval is Wilson's on the score, in which a tie is half a win. It needs no random seed,
    does not shrink to a point if one side wins everything, and is rather too wide: scores that can
    be one half vary less than the wins and losses that Wilson's formula assumes.

    Args:
        judged: `tables.JUDGED_PREFERENCES`.

    Returns:
        ``source``; ``conversations``, the number judged in both orders; ``not_judged``, the number
        of other conversations; ``new_wins``, ``original_wins`` and ``ties``, which sum to
        ``conversations``; ``inconsistent``, the ties with different verdicts in the two orders;
        ``win_rate`` of the new answers with its 95 % interval, ``win_rate_low`` and
        ``win_rate_high``; ``first_shown_share``, how often the answer shown first was preferred
        (0.5: no bias); ``paper_order_rate``, how often the new answer was preferred with the
        original shown first, as in the paper. In the last two a tie counts one half.
    """
    first, second, score = pl.col("shown_first"), pl.col("shown_second"), pl.col("score")
    measures = {
        "conversations": score.count(),
        "not_judged": score.null_count(),
        "new_wins": (score == 1).sum(),
        "original_wins": (score == 0).sum(),
        "ties": score.is_between(0, 1, closed="none").sum(),
        "inconsistent": (first != second).sum(),
        "win_rate": score.mean(),
        "first_shown_share": ((first + 1 - second) / 2).mean(),
        "paper_order_rate": second.mean(),
    }
    summary = judge_verdicts.aggregate_by_source(_score_conversations(judged), measures)
    return judge_verdicts.add_interval(summary, "win_rate")


def _parse_verdict(text: str | None, shown_first: str, finish_reason: str | None) -> str | None:
    """Which answer the judge prefers; None if there is no text."""
    if text is None:
        return None
    name = read_verdict(text, PREFERENCES, finish_reason)
    verdicts = {A: shown_first, B: _OTHER[shown_first], TIE: TIE}
    return verdicts[name] if name else judge_verdicts.UNREADABLE


def _score_conversations(judged: pl.DataFrame) -> pl.DataFrame:
    """One row per conversation: the points of the new answer in each order, and its ``score``.

    ``shown_first`` has the points where the new answer was shown first, ``shown_second`` those
    where it was shown second: 1 for a win, 0 for a loss, one half for a tie. All three columns are
    null unless both orders have a readable verdict.
    """
    points = {NEW: 1.0, TIE: 0.5, ORIGINAL: 0.0}
    earned = pl.col("verdict").replace_strict(points, default=None, return_dtype=pl.Float64)
    orders = {
        "shown_first": earned.filter(pl.col("shown_first") == NEW).first(),
        "shown_second": earned.filter(pl.col("shown_first") == ORIGINAL).first(),
    }
    both = pl.sum_horizontal(*orders, ignore_nulls=False)
    score = pl.when(both == 2).then(1.0).when(both == 0).then(0.0).otherwise(0.5)
    return (
        judged.group_by("source", "conversation_id")
        .agg(**orders)
        .with_columns(pl.when(both.is_not_null()).then(pl.col(*orders)))
        .with_columns(score=pl.when(both.is_not_null()).then(score))
    )
