"""Counts over tables: what was kept, why rows were dropped, which tags the messages hold."""

import math
from dataclasses import dataclass

import polars as pl

from sysgen_dagster.catalog.catalog import PaperCounts
from sysgen_dagster.chat.drop_reasons import DropReason
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.tables.table import RETENTION, TAG_COUNTS

# Two-sided quantiles of the normal distribution.
Z95 = 1.9600
_Z99 = 2.5758


def wilson_interval(share: float, rows: int, z: float) -> tuple[float, float]:
    """Wilson's score interval of a share of so many rows: what chance may explain.

    `z` says how surely; of no rows any share may be.
    """
    if not rows:
        return 0.0, 1.0
    centre = share + z**2 / (2 * rows)
    half = z * math.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    scale = 1 + z**2 / rows
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


@dataclass(frozen=True, slots=True)
class Rate:
    """`part` of `whole` rows."""

    part: int
    whole: int

    @property
    def share(self) -> float:
        """In [0, 1]; NaN of nothing."""
        return self.part / self.whole if self.whole else math.nan

    def interval(self) -> tuple[float, float]:
        """99 % Wilson score interval of the share: how much chance explains at this many rows."""
        return wilson_interval(min(self.share, 1.0), self.whole, _Z99)

    def agrees_with(self, low: float, high: float) -> bool:
        """Whether the true share can lie in [low, high]: the interval reaches into it."""
        lowest, highest = self.interval()
        return lowest <= high and low <= highest


def kept_rate(table: pl.DataFrame) -> Rate:
    """The rows of one table that go on."""
    return Rate(table["drop_reason"].null_count(), table.height)


def count_drops(table: pl.DataFrame) -> dict[str, int]:
    """Dropped rows by reason, the most frequent first."""
    dropped = table.select("drop_reason").drop_nulls()
    counts = dropped.group_by("drop_reason").len().sort("len", "drop_reason", descending=True)
    return dict(counts.iter_rows())


def count_outcomes(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """`tables.RETENTION` for one table: rows that go on and rows dropped, by reason and source."""
    outcome = pl.col("drop_reason").fill_null("kept").alias("outcome")
    counts = rows.group_by("source", outcome).agg(conversations=pl.len().cast(pl.UInt32))
    return (
        counts.with_columns(table=pl.lit(table))
        .sort("source", "conversations", "outcome", descending=[False, True, False])
        .select(RETENTION.keys())
    )


def count_tags(table: str, messages: pl.DataFrame) -> pl.DataFrame:
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
        .with_columns(pl.col("messages").fill_null(0), table=pl.lit(table))
        .select(TAG_COUNTS.keys())
    )


def tag_rates(counts: pl.DataFrame) -> dict[str, Rate]:
    """For each of the eight tags, over all sources of `count_tags`: messages that hold it."""
    sums = counts.group_by("tag").agg(pl.col("messages", "of_messages").sum())
    found = {str(tag): Rate(int(held), int(of)) for tag, held, of in sums.iter_rows()}
    return {name: found.get(name, Rate(0, 0)) for name in TAG_NAMES}


def summarize_retention(counts: pl.DataFrame, paper: PaperCounts | None) -> pl.DataFrame:
    """One row per phase table of `tables.RETENTION`, over all sources, beside the paper's Table 2.

    Returns:
        ``table``, ``rows_in``, ``kept``, ``kept_share`` (of the conversations begun), ``paper``
        (the same share there) and ``dropped`` (``reason count`` pairs). Conversations that a pilot
        run left out were not begun and are in none of them.
    """
    begun_ones = counts.filter(pl.col("outcome") != DropReason.BEYOND_LIMIT.value)
    totals = begun_ones.group_by("table", "outcome", maintain_order=True).agg(
        pl.col("conversations").sum()
    )
    begun = int(
        totals.filter(pl.col("table") == "annotated_system_messages")["conversations"].sum()
    )
    papers = (
        {
            "filtered_system_messages": paper.filtered / paper.started,
            "aligned_responses": paper.aligned / paper.started,
        }
        if paper
        else {}
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
                "kept_share": Rate(kept, begun).share if table != "conversations" else None,
                "paper": papers.get(str(table)),
                "dropped": ", ".join(f"{reason} {n:,}" for reason, n in outcomes.items()),
            }
        )
    return pl.DataFrame(rows, schema=_RETENTION_SUMMARY, orient="row")


def summarize_tags(counts: pl.DataFrame, paper: PaperCounts | None) -> pl.DataFrame:
    """One row per tag, over all sources, beside the paper's Table 8.

    Returns:
        ``tag``, ``filtered`` and ``verified`` (messages that hold it after Phase 2 and Phase 3),
        ``filtered_share`` and ``verified_share`` (of the messages that go on there), ``paper``.
    """
    after = {
        name: tag_rates(counts.filter(pl.col("table") == f"{name}_system_messages"))
        for name in ("filtered", "verified")
    }
    rows = [
        {
            "tag": tag,
            "filtered": after["filtered"][tag].part,
            "filtered_share": after["filtered"][tag].share,
            "verified": after["verified"][tag].part,
            "verified_share": after["verified"][tag].share,
            "paper": paper.tags[tag] / paper.aligned if paper else None,
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
