"""A judge's word on whether the new answer keeps to its system message, as in the paper's Figure 5.

The paper names the three verdicts and does not publish its prompt.
"""

from collections.abc import Iterator
from enum import StrEnum

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
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT

PROMPT = load_prompt("judge_alignment")


class Alignment(StrEnum):
    """What a judge can say."""

    ALIGNED = "Aligned"
    NOT_ALIGNED = "Not aligned"
    UNKNOWN = "Unknown"


_VERDICTS = build_verdict_pattern(
    ALIGNED="Aligned", NOT_ALIGNED="Not[ -]?aligned", UNKNOWN="Unknown"
)


def build_alignment_judgement_requests(rows: pl.DataFrame) -> Iterator[ChatRequest]:
    """One request per row.

    `rows` has ``conversation_id``, ``system_message``, ``question``, ``history`` and
    ``new_answer``. The texts are not cut: a judge that saw half an answer would judge something
    else.
    """
    wanted = ("conversation_id", "system_message", "question", "history", "new_answer")
    for conversation_id, system_message, question, history, answer in rows.select(
        wanted
    ).iter_rows():
        turns = spoken_turns(history)
        texts = [system_message, question, answer, *(turn["content"] for turn in turns)]
        messages = PROMPT.render(
            mark=separating_mark(texts),
            system_message=system_message,
            history=turns,
            question=question,
            answer=answer,
        )
        yield ChatRequest(
            conversation_id, messages, SAMPLING, derive_seed(conversation_id, JUDGED_ALIGNMENT.name)
        )


def build_judged_alignment(
    rows: pl.DataFrame, completions: pl.DataFrame, judge: str, is_generator: bool
) -> pl.DataFrame:
    """One row per row, in their order.

    Args:
        rows: What was asked about; ``conversation_id`` and ``source`` are used.
        completions: The replies to `build_alignment_judgement_requests`.
        judge: The model that was asked.
        is_generator: Whether it wrote what it judges.

    Returns:
        `tables.JUDGED_ALIGNMENT`. A verdict is ``Unreadable`` where the judge did not end in one,
        and null beside a ``drop_reason`` where it gave no text.
    """
    asked = rows.select("conversation_id", "source")
    answered = add_completions(asked, completions, PROMPT)
    return answered.with_columns(
        pl.Series("verdict", map(_verdict, answered["text"]), dtype=pl.String),
        verdict_text=pl.col("text"),
        **judged_by(judge, is_generator),
    ).select(JUDGED_ALIGNMENT.names)


def summarize_alignment(judged: pl.DataFrame) -> pl.DataFrame:
    """One row per source in their alphabetical order, then ``all``, of `judged_alignment`.

    Returns:
        ``source``; ``conversations`` with a readable verdict and ``not_judged``, the others;
        ``aligned``, ``not_aligned`` and ``unknown``, which sum to the conversations; then for each
        of the three ``<verdict>_share`` and, as ``<verdict>_share_low`` and ``_high``, its 95 %
        Wilson interval. Shares are null where no conversation has a readable verdict.
    """
    by_source = judged.group_by("source").agg(**_counts()).sort("source")
    everything = judged.select(source=pl.lit("all"), **_counts())
    summary = pl.concat([by_source, everything])
    for verdict in Alignment:
        name = verdict.name.lower()
        share = pl.when(pl.col("conversations") > 0).then(pl.col(name) / pl.col("conversations"))
        summary = with_interval(summary.with_columns(share.alias(f"{name}_share")), f"{name}_share")
    return summary


def _verdict(text: str | None) -> str | None:
    if text is None:
        return None
    said = parse_verdict(text, _VERDICTS)
    return Alignment[said].value if said else UNREADABLE


def _counts() -> dict[str, pl.Expr]:
    """The counts of the summary, over rows of `tables.JUDGED_ALIGNMENT`."""
    verdict = pl.col("verdict")
    is_readable = verdict.is_in([each.value for each in Alignment]).fill_null(value=False)
    counts = {
        "conversations": is_readable.sum(),
        "not_judged": (~is_readable).sum(),
        **{each.name.lower(): (verdict == each.value).sum() for each in Alignment},
    }
    return {name: count.cast(pl.UInt32) for name, count in counts.items()}
