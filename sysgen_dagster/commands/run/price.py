"""What all rows of a source will take, from a few of them, with how sure that is.

The method: a previewed row stands for its row of the source. What its one conversation took, times
the number of conversations of that row, is one observation. These follow the characters of the rows
by a straight line (least squares), which is read at the mean length of all rows; the 95 % interval
is Student's with the residuals that each row has from the line of the others (HC3), since lengths
are skewed and long rows vary more. Where there are too few rows for a line, it is the interval of a
mean. Both are corrected for a sample that is a large part of the source. In simulations with
log-normal lengths (sigma 1) such an interval of ten rows held the truth in 89 to 94 of 100 cases,
at half the width of the interval of a mean, which held it in 82 to 92; where a few rows take nearly
everything whatever their length, no ten rows can tell, and it held it in three of four. The share
of rows that are kept has Wilson's interval.

Belongs here: figures and their words. Does not belong here: what is still to be asked of the
stored rows (`analysis.forecast`).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import NamedTuple

from sysgen_dagster.catalog.models import Model
from sysgen_dagster.commands.run.preview import Pace, Previewed
from sysgen_dagster.tables.rates import Z95, wilson_interval

_THOUSAND = 1e3
_HOUR_S, _MINUTE_S = 3600, 60
_LEAST_FOR_A_LINE = 5  # rows
_MOST_WEIGHT = 0.98  # of one row on the line: its residual says nothing then


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure for all rows; `low` and `high` are None where one row cannot tell them."""

    figure: float
    low: float | None
    high: float | None

    def times(self, share: float) -> "Estimate":
        """That of a part of the rows."""
        low, high = (None if edge is None else edge * share for edge in (self.low, self.high))
        return Estimate(self.figure * share, low, high)


@dataclass(frozen=True, slots=True)
class Price:
    """What all rows of a source take, or the conversations that are wanted of it.

    Attributes:
        rows: Of the source.
        limit: How many conversations are wanted, where that is not all.
        previewed: Of them, those that the figures are from.
        kept: Of the previewed ones.
        thought_tokens: Of `completion_tokens`.
        gpu_hours: None where the model's entry has no `rates`.
        money: None where it has no `price`.
        seconds_at_most: None where nothing was asked that tells it.
    """

    rows: int
    limit: int | None
    previewed: int
    kept: int
    conversations: Estimate
    prompt_tokens: Estimate
    completion_tokens: Estimate
    thought_tokens: Estimate
    gpu_hours: Estimate | None
    money: Estimate | None
    seconds_at_most: float | None


class Whole(NamedTuple):
    """All rows of a source: how many there are, and their mean length in characters."""

    rows: int
    mean_characters: float


def estimate(values: Sequence[float], characters: Sequence[int], whole: Whole) -> Estimate:
    """The sum over all rows of a source, of which some have these values.

    Args:
        values: One for each row that was looked at, at least one.
        characters: The length of each of these rows.
        whole: All rows.
    """
    looked_at, seen = len(values), sum(values)
    if looked_at >= whole.rows:
        return Estimate(seen, seen, seen)
    mean, half = _by_length(values, characters, whole) or _by_mean(values)
    # The truth is no less than what was paid already.
    figure = max(mean * whole.rows, seen)
    if half is None:
        return Estimate(figure, None, None)
    half *= math.sqrt(1 - looked_at / whole.rows) * whole.rows
    return Estimate(figure, max(figure - half, seen), figure + half)


def _by_mean(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean and half of its interval, None of one value."""
    count, mean = len(values), fmean(values)
    if count == 1:
        return mean, None
    return mean, student_quantile(count - 1) * stdev(values) / math.sqrt(count)


def _by_length(
    values: Sequence[float], characters: Sequence[int], whole: Whole
) -> tuple[float, float] | None:
    """The mean at the length of all rows and half of its interval; None where there is no line."""
    count, mean, length = len(values), fmean(values), fmean(characters)
    away = [each - length for each in characters]
    squares = math.fsum(each**2 for each in away)
    if count < _LEAST_FOR_A_LINE or not squares:
        return None
    if max(1 / count + each**2 / squares for each in away) > _MOST_WEIGHT:
        return None
    slope = math.fsum(x * (y - mean) for x, y in zip(away, values, strict=True)) / squares
    to_whole = whole.mean_characters - length
    variance = 0.0
    for x, y in zip(away, values, strict=True):
        from_others = (y - mean - slope * x) / (1 - 1 / count - x**2 / squares)
        variance += ((1 / count + x * to_whole / squares) * from_others) ** 2
    return mean + slope * to_whole, student_quantile(count - 2) * math.sqrt(variance)


def student_quantile(degrees: int) -> float:
    """The two-sided 95 % quantile of Student's distribution, to three digits."""
    if degrees == 1:
        return math.tan(0.475 * math.pi)
    if degrees == 2:
        return 0.95 * math.sqrt(2 / (1 - 0.95**2))
    z = NormalDist().inv_cdf(0.975)
    # Cornish and Fisher's expansion.
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / float(degrees) ** power for power, term in enumerate(terms))


def price_all(
    shown: Sequence[Previewed], whole: Whole, model: Model, pace: Pace, limit: int | None = None
) -> Price:
    """The price of all rows of a source.

    Args:
        shown: The previewed rows, at least one.
        whole: All rows of the source.
        model: With `rates` and `price` where they are known.
        pace: How fast the previewed rows were answered. A server that can take more at once than
            were previewed is faster, so the time is an upper bound.
        limit: How many conversations are wanted; None: all.
    """
    ones = [float(row.chosen.of) for row in shown]
    lengths = [row.chosen.characters for row in shown]
    conversations = estimate(ones, lengths, whole)
    share = min(1.0, limit / conversations.figure) if limit else 1.0

    def over_all(each: Sequence[float]) -> Estimate:
        weighted = [value * of for value, of in zip(each, ones, strict=True)]
        return estimate(weighted, lengths, whole).times(share)

    read = [float(row.spent.prompt_tokens) for row in shown]
    written = [float(row.spent.completion_tokens) for row in shown]
    tokens = list(zip(read, written, strict=True))
    completion, hours, money = over_all(written), None, None
    if rates := model.rates:
        hours = over_all([rates.hours(*each) for each in tokens])
    if charged := model.price:
        money = over_all([charged.money(*each) for each in tokens])
    pace_s = pace.seconds / pace.completion_tokens if pace.completion_tokens else None
    return Price(
        whole.rows,
        limit if share < 1 else None,
        len(shown),
        sum(row.is_kept for row in shown),
        conversations.times(share),
        over_all(read),
        completion,
        over_all([float(row.spent.thought_tokens) for row in shown]),
        hours,
        money,
        None if pace_s is None else completion.figure * pace_s,
    )


def describe(price: Price, model: Model, pace: Pace) -> Iterator[str]:
    """The price in lines for people."""
    share = price.kept / price.previewed
    low, high = wilson_interval(share, price.previewed, Z95)
    kept = f"{low:.0%} to {high:.0%} of all, 95 % sure"
    yield f"kept {price.kept:,} of {price.previewed:,} previewed ({kept})"
    count = price.conversations.figure
    of_rows = "" if round(count) == price.rows else f", about {count:,.0f} conversations"
    what = f"{price.limit:,} conversations" if price.limit else f"all {price.rows:,} rows{of_rows}"
    yield f"{what}, as these {price.previewed:,} tell:"
    yield f"  tokens in   {_between(price.prompt_tokens)}"
    thoughts = price.thought_tokens.figure
    thought = f", of them {_short(thoughts)} of thoughts" if thoughts else ""
    yield f"  tokens out  {_between(price.completion_tokens)}{thought}"
    if price.seconds_at_most is None:
        yield "  time        unknown: every answer was known from before"
    else:
        together = f"{pace.at_once} rows at once" if pace.at_once > 1 else "one row at a time"
        most = time_words(price.seconds_at_most)
        yield f"  time        at most {most}, at the pace of {together}; more at once take less"
    if price.gpu_hours is not None:
        yield f"  GPU-hours   {_between(price.gpu_hours)}{_each_thousand(price, price.gpu_hours)}"
    if price.money is not None and model.price is not None:
        costs = f"{_between(price.money)} {model.price.currency}"
        yield f"  money       {costs}{_each_thousand(price, price.money)}"


def _each_thousand(price: Price, cost: Estimate) -> str:
    kept = price.kept / price.previewed * price.conversations.figure
    return f", {_short(cost.figure / kept * _THOUSAND)} for 1,000 kept rows" if kept else ""


def _between(estimate: Estimate) -> str:
    """The figure with its interval, each with as many digits as mean something."""
    about = _short(estimate.figure)
    if estimate.low is None or estimate.high is None:
        return f"{about} (one row does not tell how sure that is)"
    low, high = _short(estimate.low), _short(estimate.high)
    return about if low == high else f"{about} ({low} to {high})"


def _short(number: float) -> str:
    """A number with three digits that count: 12.3 M, 4,560, 0.0123."""
    for unit, size in ((" T", 1e12), (" G", 1e9), (" M", 1e6)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def time_words(seconds: float) -> str:
    """A time as people say it: 40 s, 12 min, 3.5 h, 2.1 days."""
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    if seconds < 48 * _HOUR_S:
        return f"{seconds / _HOUR_S:.1f} h"
    return f"{seconds / 24 / _HOUR_S:.1f} days"
