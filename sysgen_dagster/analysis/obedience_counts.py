"""How many phrases of system messages are obeyed, by source, tag and who says so."""

import polars as pl

from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.analysis.tables import OBEDIENCE_COUNTS
from sysgen_dagster.obedience.rules import BY_RULES, Verdict
from sysgen_dagster.tables.rates import Z95, Rate, wilson_interval

_KEYS = ("source", "tag", "verdict", "by")


def count_obedience(obedience: pl.DataFrame) -> pl.DataFrame:
    """`tables.OBEDIENCE_COUNTS`: one row per source, tag, verdict and who gave it.

    Args:
        obedience: ``source`` and ``phrases`` of `obedience.tables.OBEDIENCE`.
    """
    phrases = obedience.select("source", "phrases").explode("phrases").drop_nulls("phrases")
    counted = phrases.unnest("phrases").group_by(_KEYS).agg(phrases=pl.len().cast(pl.UInt32))
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
        ``obeyed_high``; null where none is decided.
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
    return summary.drop("decided").hstack(interval)
