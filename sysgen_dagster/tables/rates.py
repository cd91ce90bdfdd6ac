"""Shares of rows and their confidence intervals."""

import math
from dataclasses import dataclass

import polars as pl

# Two-sided 95 % and 99 % quantiles of the normal distribution.
Z95 = 1.9600
Z99 = 2.5758


def wilson_interval(share: float, rows: int, z: float) -> tuple[float, float]:
    """Wilson's score interval of a `share` of so many `rows`; (0, 1) if there are none.

    `z` is the two-sided normal quantile of the confidence level, such as `Z95`.
    """
    if not rows:
        return 0.0, 1.0
    centre = share + z**2 / (2 * rows)
    half = z * math.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    scale = 1 + z**2 / rows
    # The interval contains the share; rounding could exclude a share of 0 or 1.
    lowest, highest = (centre - half) / scale, (centre + half) / scale
    return max(0.0, min(lowest, share)), min(1.0, max(highest, share))


@dataclass(frozen=True, slots=True)
class Rate:
    """`part` of `whole` rows."""

    part: int
    whole: int

    @property
    def share(self) -> float:
        """`part` / `whole`, in [0, 1]; NaN if `whole` is 0."""
        return self.part / self.whole if self.whole else math.nan

    def interval(self) -> tuple[float, float]:
        """The 99 % Wilson score interval of the share."""
        return wilson_interval(min(self.share, 1.0), self.whole, Z99)

    def agrees_with(self, low: float, high: float) -> bool:
        """Whether the interval of the share overlaps [low, high]."""
        lowest, highest = self.interval()
        return lowest <= high and low <= highest


def kept_rate(rows: pl.DataFrame) -> Rate:
    """The rate of rows without a drop reason; `rows` has ``drop_reason``."""
    return Rate(rows["drop_reason"].null_count(), rows.height)


def count_drops(rows: pl.DataFrame) -> dict[str, int]:
    """Number of rows by drop reason, the most frequent first; `rows` has ``drop_reason``."""
    dropped = rows.select("drop_reason").drop_nulls()
    counts = dropped.group_by("drop_reason").len().sort("len", "drop_reason", descending=True)
    return dict(counts.iter_rows())
