"""What the phases have asked of a model, as their stored rows say."""

import polars as pl

from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES
from sysgen_dagster.lanes.sysgen.attempts import JUDGED_LOWER
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, VERIFIED

# One row per source and phase.
WORK = {
    "source": pl.String(),
    "phase": pl.String(),
    "conversations": pl.Float64(),
    "requests": pl.Float64(),
    "prompt_tokens": pl.Float64(),
    "completion_tokens": pl.Float64(),
}
_ID = "conversation_id"
_ANSWERED = (_ID, "attempts", "prompt_tokens", "completion_tokens", "drop_reason")
# The phases that ask a model, and the columns that are read of each.
COLUMNS = {
    ANNOTATED: (*_ANSWERED, "source", "sample", "rejected"),
    VERIFIED: _ANSWERED,
    ALIGNED: _ANSWERED,
}


def measure_work(phase: str, annotated: pl.DataFrame, answered: pl.DataFrame) -> pl.DataFrame:
    """`WORK` of the conversations of one model that are through a phase.

    Those are the conversations that Phase 1 was asked about, but for those that the engine failed:
    they are still to be asked. One that did not reach the phase, or was never sent, took nothing.
    The table of Phase 1 holds one of several attempts at a conversation; the others count as much.
    What Phase 1 had judged, to choose among them, counts as Phase 3's.

    Args:
        phase: The name of its table.
        annotated: Phase 1's table of some conversations, with `COLUMNS`.
        answered: The phase's table of the same conversations, with `COLUMNS`.
    """
    rejected = pl.col("rejected").list
    lower = rejected.eval(pl.element().struct.field("reason") == JUDGED_LOWER).list.sum()
    times = {
        ANNOTATED.name: 1 + rejected.len(),
        VERIFIED.name: pl.when(lower > 0).then(lower + 2).otherwise(1),
    }
    was_sent = pl.col("attempts").fill_null(0) > 0
    failed = pl.col("drop_reason").is_in([each.value for each in ENGINE_FAILURES]).fill_null(False)
    return (
        annotated.filter(pl.col("sample").is_not_null())
        .select(_ID, "source", times=times.get(phase, pl.lit(1)))
        .join(answered.select(_ANSWERED), on=_ID, how="left", validate="1:1")
        .filter(~failed)
        .group_by("source")
        .agg(
            phase=pl.lit(phase),
            conversations=pl.len(),
            requests=(was_sent * pl.col("times")).sum(),
            prompt_tokens=(pl.col("prompt_tokens") * pl.col("times")).sum(),
            completion_tokens=(pl.col("completion_tokens") * pl.col("times")).sum(),
        )
        .select(WORK.keys())
        .cast(pl.Schema(WORK))
    )
