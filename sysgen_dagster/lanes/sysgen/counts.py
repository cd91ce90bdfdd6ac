"""Counts over the phases' tables: rows kept, rows dropped by reason, messages with each tag."""

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.sysgen import tables
from sysgen_dagster.lanes.sysgen.drop_reasons import Dropped
from sysgen_dagster.lanes.sysgen.paper import ModelCounts
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.obedience.contradictions import WORST_FIRST, Result
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.rates import Rate
from sysgen_dagster.tables.table import Table, kept


def count_outcomes(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """`tables.RETENTION` for one table, given its ``source`` and ``drop_reason``."""
    outcome = pl.col("drop_reason").fill_null("kept").alias("outcome")
    counts = rows.group_by("source", outcome).agg(conversations=pl.len().cast(pl.UInt32))
    return (
        counts.with_columns(table=pl.lit(table.name))
        .sort("source", "conversations", "outcome", descending=[False, True, False])
        .select(tables.RETENTION.names)
    )


def count_tags(table: Table, messages: pl.DataFrame) -> pl.DataFrame:
    """`tables.TAG_COUNTS` for one table, given its ``source``, ``phrases`` and ``drop_reason``.

    A tag that comes twice in a message counts once, as in the paper's Table 8, whose counts are all
    below the number of conversations.
    """
    going_on = kept(messages)
    tags = pl.col("phrases").list.eval(pl.element().struct.field("tag").unique())
    held = going_on.select("source", tag=tags).explode("tag").drop_nulls()
    counts = held.group_by("source", "tag").agg(messages=pl.len().cast(pl.UInt32))
    return (
        going_on.group_by("source", maintain_order=True)
        .agg(of_messages=pl.len().cast(pl.UInt32))
        .join(pl.DataFrame({"tag": TAG_NAMES}), how="cross")
        .join(counts, on=["source", "tag"], how="left", maintain_order="left")
        .with_columns(pl.col("messages").fill_null(0), table=pl.lit(table.name))
        .select(tables.TAG_COUNTS.names)
    )


def count_results(aligned: pl.DataFrame) -> pl.DataFrame:
    """`tables.RESULT_COUNTS`: one row per source and kind of result, given `tables.ALIGNED`.

    Rows without an answer, and of original answers that state no result, are not counted.
    """
    result = pl.col("result")
    is_checked = result.is_in([each.value for each in WORST_FIRST])
    counted = {
        "checked": pl.len(),
        "contradicted_at_first": pl.col("first_result") == Result.CONTRADICTS.value,
        "contradicts": result == Result.CONTRADICTS.value,
        "dropped": pl.col("drop_reason") == Dropped.CONTRADICTS_ORIGINAL.value,
        "kept_original": pl.col("is_original"),
        "same": (result == Result.SAME.value) & ~pl.col("is_original"),
        "unread": result == Result.UNREAD.value,
    }
    return (
        aligned.filter(is_checked)
        .group_by("source", "result_kind")
        .agg(count.sum().cast(pl.UInt32).alias(name) for name, count in counted.items())
        .sort("source", "result_kind")
        .select(tables.RESULT_COUNTS.names)
    )


def summarize_results(counts: pl.DataFrame) -> pl.DataFrame:
    """How often new answers contradict: one row per source and kind, and per kind over all sources.

    Args:
        counts: `tables.RESULT_COUNTS`.

    Returns:
        The columns of `counts` (``source`` also ``all``), and of the checked conversations the
        shares ``at_first_share``, whose first answer contradicts, and ``in_the_end_share``, whose
        chosen answer does or whose original answer stands in for it.
    """
    totals = counts.group_by("result_kind").agg(
        pl.lit("all").alias("source"), pl.exclude("source", "result_kind").sum()
    )
    rows = pl.concat([totals.select(counts.columns), counts]).sort(
        "result_kind", maintain_order=True
    )
    checked = pl.col("checked")
    return rows.with_columns(
        at_first_share=pl.col("contradicted_at_first") / checked,
        in_the_end_share=(pl.col("contradicts") + pl.col("kept_original")) / checked,
    )


def tag_rates(counts: pl.DataFrame) -> dict[str, Rate]:
    """For each of the eight tags, the messages that hold it, over all sources of `count_tags`."""
    sums = counts.group_by("tag").agg(pl.col("messages", "of_messages").sum())
    rates = {tag: Rate(held, of) for tag, held, of in sums.iter_rows()}
    return {name: rates.get(name, Rate(0, 0)) for name in TAG_NAMES}


def summarize_retention(counts: pl.DataFrame, paper: ModelCounts | None) -> pl.DataFrame:
    """One row per table of `tables.RETENTION`, over all sources, beside the paper's Table 2.

    Returns:
        ``table``, ``rows_in``, ``kept``, ``kept_share`` (of the conversations that Phase 1 was
        asked about; null for the conversations themselves), ``paper`` (the paper's share) and
        ``dropped`` (``reason count`` pairs). Conversations that a pilot run left out are in none of
        the figures. A phase that no row reached, since one before it kept nothing, says so there.
    """
    totals = (
        counts.filter(pl.col("outcome") != NoAnswer.BEYOND_LIMIT.value)
        .group_by("table", "outcome", maintain_order=True)
        .agg(pl.col("conversations").sum())
    )
    started = totals.filter(pl.col("table") == tables.ANNOTATED.name)["conversations"].sum()
    shares: dict[object, float] = {}
    if paper:
        shares = {
            tables.FILTERED.name: paper.filtered_as_printed,
            tables.ALIGNED.name: paper.aligned_share,
        }
    rows = []
    for (table,), group in totals.group_by("table", maintain_order=True):
        outcomes = dict(group.select("outcome", "conversations").iter_rows())
        rows_in, going_on = sum(outcomes.values()), outcomes.pop("kept", 0)
        share = None if table == CONVERSATIONS.name else Rate(going_on, int(started)).share
        dropped = ", ".join(f"{reason} {count:,}" for reason, count in outcomes.items())
        rows.append((table, rows_in, going_on, share, shares.get(table), dropped))
    if rows and not rows[-1][2]:
        unreached = _PHASES[_PHASES.index(rows[-1][0]) + 1 :] if rows[-1][0] in _PHASES else []
        rows += [(table, 0, 0, 0.0, shares.get(table), NOT_REACHED) for table in unreached]
    return pl.DataFrame(rows, _RETENTION_SUMMARY, orient="row")


NOT_REACHED = "no row reached this phase"
_PHASES = [
    table.name for table in (tables.ANNOTATED, tables.FILTERED, tables.VERIFIED, tables.ALIGNED)
]
_RETENTION_SUMMARY = {
    "table": pl.String,
    "rows_in": pl.UInt32,
    "kept": pl.UInt32,
    "kept_share": pl.Float64,
    "paper": pl.Float64,
    "dropped": pl.String,
}


def summarize_tags(counts: pl.DataFrame, paper: ModelCounts | None) -> pl.DataFrame:
    """One row per tag, over all sources of `tables.TAG_COUNTS`, beside the paper's Table 8.

    Returns:
        ``tag``, ``filtered`` and ``verified`` (messages that hold it after Phase 2 and Phase 3),
        ``filtered_share`` and ``verified_share`` (of the messages kept there), ``paper``.
    """
    filtered, verified = (
        tag_rates(counts.filter(pl.col("table") == table.name)).values()
        for table in (tables.FILTERED, tables.VERIFIED)
    )
    return pl.DataFrame(
        {
            "tag": TAG_NAMES,
            "filtered": [rate.part for rate in filtered],
            "filtered_share": [rate.share for rate in filtered],
            "verified": [rate.part for rate in verified],
            "verified_share": [rate.share for rate in verified],
            "paper": [paper.tag_share(tag) if paper else None for tag in TAG_NAMES],
        },
        schema_overrides={"paper": pl.Float64},
    )
