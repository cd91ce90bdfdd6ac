"""Asks a judge whether the new answer keeps to its system message, as in the paper's Figure 5.

The paper names the three verdicts but does not publish its prompt; ours is our own.
"""

from collections.abc import Iterator
from enum import StrEnum

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.obedience import judge_verdicts
from sysgen_dagster.obedience.stated_verdicts import read_verdict
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT
from sysgen_dagster.obedience.verdict_clauses import ALIGNMENTS

PROMPT = load_prompt("judge_alignment")


class Alignment(StrEnum):
    """The verdicts that the judge can give, by the names of `ALIGNMENTS`."""

    ALIGNED = "Aligned"
    NOT_ALIGNED = "Not aligned"
    UNKNOWN = "Unknown"


_HELD_TO = judge_verdicts.build_constraint([verdict.value for verdict in Alignment])


def build_alignment_judgement_requests(rows: pl.DataFrame) -> Iterator[ChatRequest]:
    """One request per row; its id is the ``conversation_id``.

    `rows` has ``conversation_id``, ``system_message``, ``question``, ``history`` and
    ``new_answer``. No text is shortened, because a verdict on half an answer says little.
    """
    for row in rows.iter_rows(named=True):
        conversation_id = row["conversation_id"]
        turns = judge_verdicts.drop_system_turns(row["history"])
        texts = {
            "system_message": row["system_message"],
            "question": row["question"],
            "answer": row["new_answer"],
        }
        mark = separating_mark([*texts.values(), *(turn["content"] for turn in turns)])
        messages = PROMPT.render(mark=mark, history=turns, **texts)
        seed = derive_seed(conversation_id, JUDGED_ALIGNMENT.name)
        sampling = judge_verdicts.SAMPLING
        yield ChatRequest(conversation_id, messages, sampling, seed, constraint=_HELD_TO)


def build_judged_alignment(
    rows: pl.DataFrame, completions: pl.DataFrame, judge: str, is_generator: bool
) -> pl.DataFrame:
    """The table of verdicts, one row per row of `rows`, in their order.

    Args:
        rows: The rows that were judged; ``conversation_id`` and ``source`` are used.
        completions: `chat.completions.COMPLETIONS` of `build_alignment_judgement_requests`.
        judge: The name of the judge in the catalogue.
        is_generator: Whether the judge also wrote the new answers.

    Returns:
        `tables.JUDGED_ALIGNMENT`. ``verdict`` is ``Unreadable`` if the judge's text does not end in
        a verdict, or was cut. It is null, and ``drop_reason`` says why, if there is no text.
    """
    asked = rows.select("conversation_id", "source")
    answered = add_completions(asked, completions, PROMPT)
    said = answered.select("text", "finish_reason")
    return answered.with_columns(
        pl.Series("verdict", [_parse_verdict(*row) for row in said.iter_rows()], dtype=pl.String),
        verdict_text=pl.col("text"),
        judge=pl.lit(judge),
        judge_is_generator=pl.lit(is_generator),
    ).select(JUDGED_ALIGNMENT.names)


def summarize_alignment(judged: pl.DataFrame) -> pl.DataFrame:
    """Shares of the verdicts: one row per source, alphabetically, then one for ``all`` sources.

    Args:
        judged: `tables.JUDGED_ALIGNMENT`.

    Returns:
        ``source``; ``conversations``, the number with a readable verdict; ``not_judged``, the
        number of other conversations; ``aligned``, ``not_aligned`` and ``unknown``, which sum to
        ``conversations``; then for each of the three ``<verdict>_share`` and its 95 % Wilson
        interval, ``<verdict>_share_low`` and ``<verdict>_share_high``. Shares are null if no
        conversation has a readable verdict.
    """
    verdict = pl.col("verdict")
    is_readable = verdict.is_in([value.value for value in Alignment]).fill_null(value=False)
    counts = {
        "conversations": is_readable.sum(),
        "not_judged": (~is_readable).sum(),
        **{value.name.lower(): (verdict == value.value).sum() for value in Alignment},
    }
    summary = judge_verdicts.aggregate_by_source(judged, counts)
    for value in Alignment:
        name = value.name.lower()
        share = pl.when(pl.col("conversations") > 0).then(pl.col(name) / pl.col("conversations"))
        summary = summary.with_columns(share.alias(f"{name}_share"))
        summary = judge_verdicts.add_interval(summary, f"{name}_share")
    return summary


def _parse_verdict(text: str | None, finish_reason: str | None) -> str | None:
    if text is None:
        return None
    name = read_verdict(text, ALIGNMENTS, finish_reason)
    return Alignment[name].value if name else judge_verdicts.UNREADABLE
