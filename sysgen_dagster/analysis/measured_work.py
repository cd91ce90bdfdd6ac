"""What the phases have asked of a model so far, counted from their stored rows."""

import polars as pl

from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES
from sysgen_dagster.lanes.sysgen.attempts import JUDGED_LOWER
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, VERIFIED
from sysgen_dagster.obedience.tables import OBEDIENCE

# What is asked of a model.
FIGURES = ("requests", "prompt_tokens", "completion_tokens")
TOKENS = pl.col("prompt_tokens"), pl.col("completion_tokens")
# The schema of `measure_work`: one row per source and phase.
WORK = {
    **dict.fromkeys(("source", "phase"), pl.String()),
    **dict.fromkeys(("conversations", *FIGURES), pl.Float64()),
}
_ID = "conversation_id"
_ANSWERED = (_ID, "attempts", "prompt_tokens", "completion_tokens", "drop_reason")
# The tables of the phases that ask a model, and the columns that `measure_work` needs of each.
COLUMNS = {
    ANNOTATED: (*_ANSWERED, "source", "sample", "rejected"),
    VERIFIED: _ANSWERED,
    ALIGNED: (*_ANSWERED, "answers", "all_prompt_tokens", "all_completion_tokens"),
}


def measure_work(phase: str, annotated: pl.DataFrame, answered: pl.DataFrame) -> pl.DataFrame:
    """The work done in a phase for some conversations of one model, as `WORK`.

    Conversations are those that Phase 1 asked the model about, without those that failed in the
    engine in this phase, which are still to be asked. Conversations that were dropped before the
    phase, or never sent, count with no requests and no tokens.

    Where Phase 1 made several attempts at a message, its table has the tokens of one of them; the
    others are assumed to have needed as many. Judging them counts as work of Phase 3. Phase 4's
    table has the tokens of all answers.

    Args:
        phase: The name of the phase's table.
        annotated: Phase 1's table of some conversations, with `COLUMNS`.
        answered: The phase's table of the same conversations, with `COLUMNS`.
    """
    rejected = pl.col("rejected").list
    lower = rejected.eval(pl.element().struct.field("reason") == JUDGED_LOWER).list.sum()
    times = {
        ANNOTATED.name: 1 + rejected.len(),
        VERIFIED.name: pl.when(lower > 0).then(lower + 2).otherwise(1),
    }
    if phase == ALIGNED.name:
        answered = answered.with_columns(
            pl.coalesce(f"all_{name}", name).alias(name)
            for name in ("prompt_tokens", "completion_tokens")
        )
    elif phase != OBEDIENCE.name:
        answered = answered.select(_ANSWERED)
    has_answers = "answers" in answered.columns
    sent = pl.col("answers").fill_null(1) if has_answers else pl.col("times")
    was_sent = pl.col("attempts").fill_null(0) > 0
    failed = pl.col("drop_reason").is_in([each.value for each in ENGINE_FAILURES]).fill_null(False)
    return (
        annotated.filter(pl.col("sample").is_not_null())
        .select(_ID, "source", times=times.get(phase, pl.lit(1)))
        .join(answered.drop("source", strict=False), on=_ID, how="left", validate="1:1")
        .filter(~failed)
        .group_by("source")
        .agg(
            (pl.col("prompt_tokens", "completion_tokens") * pl.col("times")).sum(),
            phase=pl.lit(phase),
            conversations=pl.len(),
            requests=(was_sent * sent).sum(),
        )
        .select(WORK.keys())
        .cast(pl.Schema(WORK))
    )


# What `measure_judging` needs of the tables.
JUDGED_COLUMNS = (_ID, "judge", "attempts", "prompt_tokens", "completion_tokens", "failure")


def measure_judging(annotated: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """The same of `obedience`, which a judge is asked about.

    Args:
        annotated: Phase 1's table of some conversations, with `COLUMNS`.
        judged: `obedience.tables.OBEDIENCE` of the same, with `JUDGED_COLUMNS`.
    """
    was_sent = pl.col("attempts") > 0
    failed = pl.when(was_sent, pl.col("failure").is_not_null()).then(
        pl.lit(ENGINE_FAILURES[0].value)
    )
    judges = 1 + pl.col("judge").str.count_matches(", ", literal=True)
    rows = judged.with_columns(drop_reason=failed, answers=judges)
    return measure_work(OBEDIENCE.name, annotated, rows)
