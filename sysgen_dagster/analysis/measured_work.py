"""What the phases have asked of a model, as their stored rows say.

A row of Phase 1 holds its best attempt alone. The others had the same prompt; what they wrote is
counted by its characters, and those that a judge compared by the mean of Phase 3's requests.
"""

import polars as pl

from sysgen_dagster.analysis.expected_work import WORK
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer
from sysgen_dagster.lanes.sysgen.settings import DropRule
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, VERIFIED

_ID = "conversation_id"
_TOKENS = ("prompt_tokens", "completion_tokens")
_GENERATED = (_ID, "attempts", *_TOKENS)
# The columns that are read of each phase's table.
COLUMNS = {
    ANNOTATED.name: (*_GENERATED, "source", "annotated_message", "rejected", "sample"),
    VERIFIED.name: _GENERATED,
    ALIGNED.name: _GENERATED,
}
# Why an attempt is no well-formed message; any other reason means that a judge compared it.
_NOT_WELL_FORMED = [
    *(rule.value for rule in DropRule),
    *(reason.value for reason in ENGINE_FAILURES),
    *(
        reason.value
        for reason in (
            NoAnswer.TOO_LONG,
            NoAnswer.REFUSED_BY_SERVER,
            NoAnswer.EMPTY_COMPLETION,
        )
    ),
]


def measure_work(
    annotated: pl.DataFrame, verified: pl.DataFrame, aligned: pl.DataFrame
) -> pl.DataFrame:
    """`expected_work.WORK` of the conversations that Phase 1 was asked about, with `COLUMNS`.

    A conversation that did not reach a phase, or whose request was never sent, counts as nothing
    there; a request that got no answer counts as one without tokens.
    """
    asked = annotated.filter(pl.col("sample").is_not_null())
    own = {
        VERIFIED.name: _requests(asked, verified),
        ALIGNED.name: _requests(asked, aligned),
    }
    first = _first_phase(asked, own[VERIFIED.name])
    parts = {ANNOTATED.name: first, **own}
    return pl.concat(
        part.with_columns(phase=pl.lit(phase)).select(WORK.keys()).cast(pl.Schema(WORK))
        for phase, part in parts.items()
    )


def _requests(asked: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    reached = asked.select(_ID, "source").join(
        table.select(_GENERATED), on=_ID, how="left", maintain_order="left", validate="1:1"
    )
    return reached.select(
        "source",
        (pl.col("attempts").fill_null(0) > 0).cast(pl.Float64).alias("requests"),
        *(pl.col(name).fill_null(0).cast(pl.Float64) for name in _TOKENS),
    )


def _first_phase(asked: pl.DataFrame, verified: pl.DataFrame) -> pl.DataFrame:
    best = _requests(asked, asked)
    others = pl.col("rejected").list.len().cast(pl.Float64)
    texts = pl.col("rejected").list.eval(pl.element().struct.field("message").str.len_chars())
    rivals = pl.col("rejected").list.eval(
        ~pl.element().struct.field("reason").is_in(_NOT_WELL_FORMED)
    )
    compared = rivals.list.sum().cast(pl.Float64)
    characters = asked.select(pl.col("annotated_message").str.len_chars().sum()).item()
    written = best.select(pl.col("completion_tokens").sum()).item()
    per_character = written / characters if characters else 0.0
    judging = verified.filter(pl.col("requests") > 0).select(pl.col(_TOKENS).mean().fill_null(0))
    extra = asked.select(
        others=others,
        written=texts.list.sum().fill_null(0) * per_character,
        judged=pl.when(compared > 0).then(compared + 1).otherwise(0.0),
    )
    return pl.concat([best, extra], how="horizontal").select(
        "source",
        requests=pl.col("requests") + pl.col("others") + pl.col("judged"),
        prompt_tokens=pl.col("prompt_tokens") * (1 + pl.col("others"))
        + pl.col("judged") * pl.lit(judging["prompt_tokens"].item()),
        completion_tokens=pl.col("completion_tokens")
        + pl.col("written")
        + pl.col("judged") * pl.lit(judging["completion_tokens"].item()),
    )
