"""Phase 1 with more than one attempt at a row, which goes beyond the paper.

Several samples may be written for each conversation (`Method.samples`), and one more under a
grammar where none of them is well-formed (`Method.repair`). Phase 2's rule says what is
well-formed, Phase 3's judge which of several goes on. With the default settings there is one
attempt, as in the paper.
"""

from collections.abc import Callable, Iterator

import polars as pl

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.lanes.sysgen.annotation import (
    build_annotated_messages,
    build_annotation_requests,
)
from sysgen_dagster.lanes.sysgen.filtering import filter_messages
from sysgen_dagster.lanes.sysgen.settings import DropRule, Method
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED, REJECTED
from sysgen_dagster.lanes.sysgen.verification import (
    Verdict,
    build_verification_requests,
    build_verified_messages,
)
from sysgen_dagster.tables.table import kept

# Requests, and how many there are, in; one row of `completions.COMPLETIONS` a request out.
Ask = Callable[[Iterator[ChatRequest], int], pl.DataFrame]

JUDGED_LOWER = "judged_lower"  # well-formed, but another one of the row is better
# Not Phase 3's own seeds: the message that was picked is judged there anew.
_JUDGING = f"{ANNOTATED.name}/judging"
_MALFORMED = [rule.value for rule in DropRule]
_CURABLE = [reason.value for reason in ENGINE_FAILURES]
_ID = "conversation_id"


def annotate(
    conversations: pl.DataFrame, ask: Ask, method: Method, limit: int | None = None
) -> pl.DataFrame:
    """Phase 1's table: one row per conversation, its best attempt, the others in ``rejected``.

    Best is a well-formed message; of several, the one with the highest share of Good tags, then
    with more of them, then the earlier. Without any well-formed one the first text stands, for
    Phase 2 to drop; without any text the first failure of the engine, since asking again may help,
    before the first reason that is final (`drop_reasons`). Beyond `limit` rows nothing is asked.
    """
    taken = conversations if limit is None else conversations.head(limit)
    attempts = pl.concat(_attempt(taken, ask, method, each) for each in range(method.samples))
    if method.repair:
        broken = taken.join(_to_repair(attempts), on=_ID, how="semi", maintain_order="left")
        if not broken.is_empty():
            repair = _attempt(broken, ask, method, method.samples, repair=True)
            attempts = pl.concat([attempts, repair])
    left_out = conversations.slice(taken.height)
    not_asked = build_annotated_messages(left_out, pl.DataFrame(schema=COMPLETIONS))
    return pl.concat([_best(taken, attempts, _judged(attempts, ask, method)), not_asked])


def count_well_formed(annotated: pl.DataFrame, drop_rule: DropRule) -> dict[str, int]:
    """How many messages of Phase 1's table are well-formed after each step, of how many asked for.

    A message that is well-formed at the first attempt counts in every step.
    """
    asked = annotated.filter(pl.col("sample").is_not_null())
    going_on = filter_messages(kept(asked), drop_rule)
    well_formed = asked.join(kept(going_on), on=_ID, how="semi")
    # Only the judge puts a well-formed message behind another one.
    other = pl.col("rejected").list.first().struct
    first_was = other.field("message").is_not_null() & ~other.field("reason").is_in(_MALFORMED)
    return {
        "asked": asked.height,
        "well_formed_at_first": well_formed.filter((pl.col("sample") == 0) | first_was).height,
        "well_formed_after_sampling": well_formed.filter(~pl.col("repaired")).height,
        "well_formed_after_repair": well_formed.height,
    }


def _attempt(
    rows: pl.DataFrame, ask: Ask, method: Method, number: int, repair: bool = False
) -> pl.DataFrame:
    """`ANNOTATED` for one attempt at the rows, with its Phase 2: phrases, and why it is at fault.

    ``fault`` is null for a well-formed message, else the reason why there is none.
    """
    completions = ask(build_annotation_requests(rows, number, repair), rows.height)
    annotated = build_annotated_messages(rows, completions, number, repair)
    filtered = filter_messages(kept(annotated), method.drop_rule).select(
        _ID, "phrases", "tagged_message", fault="drop_reason"
    )
    return annotated.join(filtered, on=_ID, how="left", maintain_order="left").with_columns(
        fault=pl.coalesce("drop_reason", "fault")
    )


def _to_repair(attempts: pl.DataFrame) -> pl.DataFrame:
    """The rows for which the model wrote something, if only nothing, and never well-formed.

    Where the engine gave no answer there is nothing that a grammar would mend.
    """
    fault = pl.col("fault")
    malformed = fault.is_in([*_MALFORMED, NoAnswer.EMPTY_COMPLETION.value])
    by_row = attempts.group_by(_ID).agg(some=malformed.any(), all=fault.is_not_null().all())
    return by_row.filter("some", "all")


def _judged(attempts: pl.DataFrame, ask: Ask, method: Method) -> pl.DataFrame:
    """For each well-formed message of a row with several: ``good`` tags, their ``share``.

    Grain: conversation and ``sample``. Without a judgement, ``unjudged`` says why.
    """
    well_formed = attempts.filter(pl.col("fault").is_null())
    rivals = well_formed.filter(pl.len().over(_ID) > 1)
    judged = [_NO_JUDGEMENT]
    for sample in range(method.samples):
        filtered = rivals.filter(pl.col("sample") == sample).select(
            _ID, "source", "phrases", "tagged_message"
        )
        if filtered.is_empty():
            continue
        requests = build_verification_requests(filtered, method, _JUDGING, sample)
        completions = ask(requests, filtered.height)
        verified = build_verified_messages(filtered, completions, method.unreadable_verdict)
        was_judged = pl.col("verdict_text").is_not_null()
        is_good = pl.element().struct.field("verdict") == Verdict.GOOD.value
        good = pl.when(was_judged).then(pl.col("verdicts").list.eval(is_good).list.sum())
        judged.append(
            verified.select(
                _ID,
                sample=pl.lit(sample, dtype=pl.UInt32),
                good=good.cast(pl.UInt32),
                share=good / pl.col("verdicts").list.len(),
                unjudged=pl.when(~was_judged).then("drop_reason"),
            )
        )
    return pl.concat(judged)


_NO_JUDGEMENT = pl.DataFrame(
    schema={
        _ID: pl.String,
        "sample": pl.UInt32,
        "good": pl.UInt32,
        "share": pl.Float64,
        "unjudged": pl.String,
    }
)


def _best(rows: pl.DataFrame, attempts: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """`ANNOTATED`: the best attempt at each of the rows, in their order; the others beside it."""
    standing = (
        pl.when(pl.col("fault").is_null())
        .then(0)
        .when(pl.col("annotated_message").is_not_null())
        .then(1)
        .when(pl.col("drop_reason").is_in(_CURABLE))
        .then(2)
        .otherwise(3)
    )
    ranked = (
        attempts.join(judged, on=[_ID, "sample"], how="left")
        .with_columns(standing=standing)
        .sort(
            "standing",
            "share",
            "good",
            "sample",
            descending=[False, True, True, False],
            nulls_last=True,
        )
    )
    is_best = pl.col(_ID).is_first_distinct()
    reason = pl.coalesce("fault", "unjudged", pl.lit(JUDGED_LOWER))
    others = (
        ranked.filter(~is_best)
        .sort("sample")
        .group_by(_ID)
        .agg(rejected=pl.struct(message="annotated_message", reason=reason))
    )
    return (
        rows.select(_ID)
        .join(ranked.filter(is_best).drop("rejected"), on=_ID, maintain_order="left")
        .join(others, on=_ID, how="left", maintain_order="left")
        .with_columns(pl.col("rejected").fill_null(pl.lit([], dtype=REJECTED)))
        .select(ANNOTATED.names)
    )
