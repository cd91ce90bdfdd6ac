"""Counts over tables: what was kept, why rows were dropped, which tags the messages hold."""

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.sysgen.paper import ModelCounts
from sysgen_dagster.lanes.sysgen.tables import (
    ALIGNED,
    ANNOTATED,
    FILTERED,
    RETENTION,
    TAG_COUNTS,
    VERIFIED,
)
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.rates import Rate
from sysgen_dagster.tables.table import Table


def count_outcomes(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """`tables.RETENTION` for one table: rows that go on and rows dropped, by reason and source."""
    outcome = pl.col("drop_reason").fill_null("kept").alias("outcome")
    counts = rows.group_by("source", outcome).agg(conversations=pl.len().cast(pl.UInt32))
    return (
        counts.with_columns(table=pl.lit(table.name))
        .sort("source", "conversations", "outcome", descending=[False, True, False])
        .select(RETENTION.names)
    )


def count_tags(table: Table, messages: pl.DataFrame) -> pl.DataFrame:
    """`tables.TAG_COUNTS` for one table: messages that go on and hold a tag, by source and tag.

    `messages` has ``source``, ``phrases`` and ``drop_reason``. A tag that comes twice in a message
    counts once, as in the paper's Table 8, whose counts all lie below the number of conversations.
    """
    going_on = messages.filter(pl.col("drop_reason").is_null())
    tags = pl.col("phrases").list.eval(pl.element().struct.field("tag").unique())
    held = going_on.select("source", tag=tags).explode("tag").drop_nulls()
    counts = held.group_by("source", "tag").agg(messages=pl.len().cast(pl.UInt32))
    return (
        going_on.group_by("source", maintain_order=True)
        .agg(of_messages=pl.len().cast(pl.UInt32))
        .join(pl.DataFrame({"tag": TAG_NAMES}), how="cross")
        .join(counts, on=["source", "tag"], how="left", maintain_order="left")
        .with_columns(pl.col("messages").fill_null(0), table=pl.lit(table.name))
        .select(TAG_COUNTS.names)
    )


def tag_rates(counts: pl.DataFrame) -> dict[str, Rate]:
    """For each of the eight tags, over all sources of `count_tags`: messages that hold it."""
    sums = counts.group_by("tag").agg(pl.col("messages", "of_messages").sum())
    found = {str(tag): Rate(int(held), int(of)) for tag, held, of in sums.iter_rows()}
    return {name: found.get(name, Rate(0, 0)) for name in TAG_NAMES}


def summarize_retention(counts: pl.DataFrame, paper: ModelCounts | None) -> pl.DataFrame:
    """One row per phase table of `tables.RETENTION`, over all sources, beside the paper's Table 2.

    Returns:
        ``table``, ``rows_in``, ``kept``, ``kept_share`` (of the conversations begun), ``paper``
        (the same share there) and ``dropped`` (``reason count`` pairs). Conversations that a pilot
        run left out were not begun and are in none of them.
    """
    begun_ones = counts.filter(pl.col("outcome") != NoAnswer.BEYOND_LIMIT.value)
    totals = begun_ones.group_by("table", "outcome", maintain_order=True).agg(
        pl.col("conversations").sum()
    )
    begun = int(totals.filter(pl.col("table") == ANNOTATED.name)["conversations"].sum())
    papers = (
        {FILTERED.name: paper.filtered_share, ALIGNED.name: paper.aligned_share} if paper else {}
    )
    rows = []
    for (table,), group in totals.group_by("table", maintain_order=True):
        outcomes = dict(group.select("outcome", "conversations").iter_rows())
        kept = outcomes.pop("kept", 0)
        rows.append(
            {
                "table": table,
                "rows_in": kept + sum(outcomes.values()),
                "kept": kept,
                "kept_share": Rate(kept, begun).share if table != CONVERSATIONS.name else None,
                "paper": papers.get(str(table)),
                "dropped": ", ".join(f"{reason} {n:,}" for reason, n in outcomes.items()),
            }
        )
    return pl.DataFrame(rows, schema=_RETENTION_SUMMARY, orient="row")


def summarize_tags(counts: pl.DataFrame, paper: ModelCounts | None) -> pl.DataFrame:
    """One row per tag, over all sources, beside the paper's Table 8.

    Returns:
        ``tag``, ``filtered`` and ``verified`` (messages that hold it after Phase 2 and Phase 3),
        ``filtered_share`` and ``verified_share`` (of the messages that go on there), ``paper``.
    """
    after = {
        name: tag_rates(counts.filter(pl.col("table") == table.name))
        for name, table in (("filtered", FILTERED), ("verified", VERIFIED))
    }
    rows = [
        {
            "tag": tag,
            "filtered": after["filtered"][tag].part,
            "filtered_share": after["filtered"][tag].share,
            "verified": after["verified"][tag].part,
            "verified_share": after["verified"][tag].share,
            "paper": paper.tag_share(tag) if paper else None,
        }
        for tag in TAG_NAMES
    ]
    return pl.DataFrame(rows, schema_overrides={"paper": pl.Float64})


_RETENTION_SUMMARY = {
    "table": pl.String,
    "rows_in": pl.UInt32,
    "kept": pl.UInt32,
    "kept_share": pl.Float64,
    "paper": pl.Float64,
    "dropped": pl.String,
}
