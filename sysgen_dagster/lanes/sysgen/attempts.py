"""Phase 1 with several attempts at a conversation, which goes beyond the paper.

`Method.samples` attempts are made at each conversation, and with `Method.repair` one more, under a
grammar, where none of them is well-formed. Phase 2's rule decides what is well-formed; Phase 3's
judge chooses among several well-formed messages. With the default settings there is one attempt, as
in the paper.
"""

from collections.abc import Callable, Iterator

import polars as pl

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.lanes.sysgen.annotation import (
    ENDED_BY_GRAMMAR,
    PROMPTS,
    build_annotated_messages,
    build_annotation_requests,
)
from sysgen_dagster.lanes.sysgen.filtering import filter_messages
from sysgen_dagster.lanes.sysgen.settings import DropRule, Method
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.lanes.sysgen.verification import (
    Verdict,
    build_verification_requests,
    build_verified_messages,
)
from sysgen_dagster.tables.table import kept

# Asks a model: takes the requests and their number, returns `COMPLETIONS` with one row per request.
Ask = Callable[[Iterator[ChatRequest], int], pl.DataFrame]

# The reason why a well-formed attempt was rejected: another one was judged better.
JUDGED_LOWER = "judged_lower"
# The seeds of these judgements differ from Phase 3's, which judges the chosen message once more.
_JUDGING = f"{ANNOTATED.name}/judging"
_MALFORMED = [rule.value for rule in DropRule]
_ID = "conversation_id"
_NO_COMPLETIONS = pl.DataFrame(schema=COMPLETIONS)


def annotate(
    conversations: pl.DataFrame, ask: Ask, method: Method, limit: int | None = None
) -> pl.DataFrame:
    """`tables.ANNOTATED`: one row per conversation, its best attempt, the others in ``rejected``.

    The best attempt is a well-formed message; of several, the one with the highest share of tags
    judged Good, then with the most of them, then the earliest. Without a well-formed message, it is
    the earliest text, which Phase 2 will drop. Without any text, it is the earliest failure of the
    engine, because asking again may help, else the earliest attempt. Conversations after the first
    `limit` are not asked about.
    """
    taken = conversations if limit is None else conversations.head(limit)
    attempts = pl.concat(_attempt(taken, ask, method, number) for number in range(method.samples))
    if method.repair:
        broken = taken.join(_list_repairable(attempts), on=_ID, how="semi", maintain_order="left")
        if not broken.is_empty():
            repair = _attempt(broken, ask, method, method.samples, repair=True)
            attempts = pl.concat([attempts, repair])
    best = _choose_best(taken, attempts, _judge_rivals(attempts, ask, method))
    not_asked = build_annotated_messages(
        conversations.slice(taken.height),
        _NO_COMPLETIONS,
        prompt=PROMPTS[method.demonstrations],
    )
    return pl.concat([best, not_asked])


def count_well_formed(
    annotated: pl.DataFrame, drop_rule: DropRule, mend: bool = False
) -> dict[str, int]:
    """Conversations with a well-formed message after each step of Phase 1, given its table.

    Returns:
        ``asked`` (conversations that the model was asked about), ``well_formed_at_first`` (after
        one attempt), ``well_formed_after_sampling`` and ``well_formed_after_repair``.
    """
    asked = annotated.filter(pl.col("sample").is_not_null())
    well_formed = asked.join(
        kept(filter_messages(kept(asked), drop_rule, mend)), on=_ID, how="semi"
    )
    # Where another attempt was chosen, the first of the rejected ones is the first attempt. It was
    # well-formed if it has a text and was not rejected by Phase 2's rule.
    first = pl.col("rejected").list.first().struct
    was_well_formed = first["message"].is_not_null() & ~first["reason"].is_in(_MALFORMED)
    is_well_formed_at_first = (pl.col("sample") == 0) | was_well_formed
    return {
        "asked": asked.height,
        "well_formed_at_first": well_formed.filter(is_well_formed_at_first).height,
        "well_formed_after_sampling": well_formed.filter(~pl.col("repaired")).height,
        "well_formed_after_repair": well_formed.height,
    }


def _attempt(
    rows: pl.DataFrame, ask: Ask, method: Method, number: int, repair: bool = False
) -> pl.DataFrame:
    """`tables.ANNOTATED` for one attempt at each row, with Phase 2's ``phrases`` and ``fault``.

    ``fault`` is the reason why there is no well-formed message; null where there is one.
    """
    prompt = PROMPTS[method.demonstrations]
    completions = ask(build_annotation_requests(rows, number, repair, prompt), rows.height)
    annotated = build_annotated_messages(rows, completions, number, repair, prompt)
    if repair:
        annotated = annotated.with_columns(drop_reason=_reason_of_repair())
    filtered = filter_messages(kept(annotated), method.drop_rule, method.mend).select(
        _ID, "phrases", "tagged_message", fault="drop_reason"
    )
    return annotated.join(filtered, on=_ID, how="left", maintain_order="left").with_columns(
        fault=pl.coalesce("drop_reason", "fault")
    )


def _reason_of_repair() -> pl.Expr:
    """The drop reason of a repair; one that was cut is none, however well-formed it looks."""
    is_cut = (pl.col("finish_reason") == "length") | pl.col("annotated_message").str.contains(
        ENDED_BY_GRAMMAR
    )
    return pl.coalesce("drop_reason", pl.when(is_cut).then(pl.lit(NoAnswer.TRUNCATED.value)))


def _list_repairable(attempts: pl.DataFrame) -> pl.DataFrame:
    """Conversations without a well-formed message to which the model replied at least once.

    Where the engine gave no reply, a grammar does not help.
    """
    fault = pl.col("fault")
    has_reply = fault.is_in([*_MALFORMED, NoAnswer.EMPTY_COMPLETION.value])
    is_repairable = has_reply.any() & fault.is_not_null().all()
    return attempts.group_by(_ID).agg(is_repairable=is_repairable).filter("is_repairable")


def _judge_rivals(attempts: pl.DataFrame, ask: Ask, method: Method) -> pl.DataFrame:
    """One row per well-formed message of a conversation that has several.

    Returns:
        ``conversation_id``, ``sample``, ``good`` (number of tags judged Good), ``share`` (of the
        message's tags), ``unjudged`` (the reason why the judge gave no verdicts, else null).
    """
    well_formed = attempts.filter(pl.col("fault").is_null())
    rivals = well_formed.filter(pl.len().over(_ID) > 1)
    was_judged = pl.col("verdict_text").is_not_null()
    is_good = pl.element().struct.field("verdict") == Verdict.GOOD.value
    good = pl.when(was_judged).then(pl.col("verdicts").list.eval(is_good).list.sum())
    judged = []
    for sample in range(method.samples):
        messages = rivals.filter(pl.col("sample") == sample)
        requests = build_verification_requests(messages, method, _JUDGING, sample)
        completions = _NO_COMPLETIONS if messages.is_empty() else ask(requests, messages.height)
        verified = build_verified_messages(
            messages.select(_ID, "source", "phrases"), completions, method.unreadable_verdict
        )
        judged.append(
            verified.select(
                _ID,
                sample=pl.lit(sample, dtype=pl.UInt32),
                good=good,
                share=good / pl.col("verdicts").list.len(),
                unjudged=pl.when(~was_judged).then("drop_reason"),
            )
        )
    return pl.concat(judged)


def _choose_best(rows: pl.DataFrame, attempts: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """`tables.ANNOTATED`: the best attempt at each row, in the order of the rows."""
    rank = (
        pl.when(pl.col("fault").is_null())
        .then(0)
        .when(pl.col("annotated_message").is_not_null())
        .then(1)
        .when(pl.col("drop_reason").is_in([reason.value for reason in ENGINE_FAILURES]))
        .then(2)
        .otherwise(3)
    )
    ranked = attempts.join(judged, on=[_ID, "sample"], how="left").sort(
        rank, "share", "good", "sample", descending=[False, True, True, False], nulls_last=True
    )
    is_best = pl.col(_ID).is_first_distinct()
    reason = pl.coalesce("fault", "unjudged", pl.lit(JUDGED_LOWER))
    rejected = (
        ranked.filter(~is_best)
        .sort("sample")
        .group_by(_ID)
        .agg(rejected=pl.struct(message="annotated_message", reason=reason))
    )
    return (
        rows.select(_ID)
        .join(ranked.filter(is_best).drop("rejected"), on=_ID, maintain_order="left")
        .join(rejected, on=_ID, how="left", maintain_order="left")
        .with_columns(pl.col("rejected").fill_null([]))
        .select(ANNOTATED.names)
    )
