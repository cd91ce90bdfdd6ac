"""How many phrases of system messages are obeyed, by source, tag and who says so."""

from collections import Counter

import polars as pl

from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.analysis.tables import OBEDIENCE_COUNTS
from sysgen_dagster.obedience.agreement import jackknife_interval, ordinal_alpha
from sysgen_dagster.obedience.rules import BY_RULES, Verdict
from sysgen_dagster.obedience.several_judges import contradict
from sysgen_dagster.tables.rates import Z95, Rate, wilson_interval

_KEYS = ("source", "tag", "verdict", "by", "judged", "judge_is_generator")
READ = ("source", "phrases", "judged", "judge_is_generator")
_RATINGS = {Verdict.NOT_OBEYED.value: 0, Verdict.OBEYED.value: 1}


def count_obedience(obedience: pl.DataFrame) -> pl.DataFrame:
    """`tables.OBEDIENCE_COUNTS`: one row per source, tag, verdict, who gave it and who said what.

    Args:
        obedience: `READ` of `obedience.tables.OBEDIENCE`.
    """
    nobody = pl.lit(None, dtype=pl.String()).repeat_by(pl.col("phrases").list.len())
    rows = obedience.select(
        "source", "phrases", pl.coalesce("judged", nobody), "judge_is_generator"
    )
    phrases = rows.explode("phrases", "judged").drop_nulls("phrases").unnest("phrases")
    of_judge = pl.when(pl.col("by") != BY_RULES).then("judge_is_generator")
    counted = (
        phrases.with_columns(judge_is_generator=of_judge)
        .group_by(_KEYS)
        .agg(phrases=pl.len().cast(pl.UInt32))
    )
    return counted.sort(_KEYS, nulls_last=True).select(OBEDIENCE_COUNTS.names)


def rate_obeyed(counts: pl.DataFrame) -> Rate:
    """Of the phrases that rules or a judge decided, over all sources and tags, the obeyed ones.

    Args:
        counts: `tables.OBEDIENCE_COUNTS`.
    """
    sums = dict(counts.group_by("verdict").agg(pl.col("phrases").sum()).iter_rows())
    obeyed = sums.get(Verdict.OBEYED.value, 0)
    return Rate(obeyed, obeyed + sums.get(Verdict.NOT_OBEYED.value, 0))


def summarize_obedience(counts: pl.DataFrame) -> pl.DataFrame:
    """How often phrases are obeyed: one row per source and tag, and per tag over all sources.

    Args:
        counts: `tables.OBEDIENCE_COUNTS`.

    Returns:
        ``source`` (also `ALL`), ``tag``, ``phrases``; ``by_rules`` and ``by_judge``, the shares
        that each has decided, and ``unknown``, the share that nobody has; ``obeyed``, the share of
        the decided ones that are obeyed, with its 95 % Wilson interval ``obeyed_low`` and
        ``obeyed_high``; null where none is decided. Where several judges were asked also
        `_measure_agreement`.
    """
    rows = pl.concat([counts.with_columns(source=pl.lit(ALL)), counts])
    verdict, by, phrases = pl.col("verdict"), pl.col("by"), pl.col("phrases")
    is_decided = verdict != Verdict.UNKNOWN.value
    decided = phrases.filter(is_decided).sum()
    obeyed = phrases.filter(verdict == Verdict.OBEYED.value).sum()
    summary = rows.group_by("source", "tag", maintain_order=True).agg(
        phrases=phrases.sum(),
        decided=decided,
        by_rules=phrases.filter(is_decided & (by == BY_RULES)).sum() / phrases.sum(),
        by_judge=phrases.filter(is_decided & (by != BY_RULES)).sum() / phrases.sum(),
        unknown=1 - decided / phrases.sum(),
        obeyed=pl.when(decided > 0).then(obeyed / decided),
    )
    bounds = [
        (None, None) if share is None else wilson_interval(share, of, Z95)
        for share, of in summary.select("obeyed", "decided").iter_rows()
    ]
    schema = {"obeyed_low": pl.Float64, "obeyed_high": pl.Float64}
    interval = pl.DataFrame(bounds, schema=schema, orient="row")
    summary = summary.drop("decided").hstack(interval)
    agreement = _measure_agreement(rows.drop_nulls("judged"))
    if agreement.is_empty():
        return summary
    return summary.join(agreement, on=["source", "tag"], how="left", maintain_order="left")


def _measure_agreement(judged: pl.DataFrame) -> pl.DataFrame:
    """How far judges agree: for each ``source`` and ``tag``, of the phrases that they were asked.

    ``judges_disagree``, the share on which one says obeyed and another one not, and Krippendorff's
    ``alpha`` of these two words with its 95 % interval ``alpha_low`` and ``alpha_high``.
    """
    apart, phrases = contradict(pl.col("judged")), pl.col("phrases")
    by_tag = judged.group_by("source", "tag", maintain_order=True).agg(
        "judged", "phrases", judges_disagree=phrases.filter(apart).sum() / phrases.sum()
    )
    found = []
    for said, times in by_tag.select("judged", "phrases").iter_rows():
        ratings = Counter[tuple[int | None, ...]]()
        for each, number in zip(said, times, strict=True):
            ratings[_ratings_of(each)] += number
        low, high = jackknife_interval(ratings, ordinal_alpha) or (None, None)
        found.append((ordinal_alpha(ratings), low, high))
    schema = dict.fromkeys(("alpha", "alpha_low", "alpha_high"), pl.Float64)
    alphas = pl.DataFrame(found, schema=schema, orient="row")
    return by_tag.drop("judged", "phrases").hstack(alphas)


def _ratings_of(judged: str) -> tuple[int | None, ...]:
    return tuple(_RATINGS.get(each.rpartition(": ")[2]) for each in judged.split("; "))
