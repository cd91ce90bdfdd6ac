"""What all rows of a source will take, from a few of them, with how sure that is.

A previewed row stands for its row of the source: what its one conversation took, times the number
of conversations of that row, is one observation. The line through these and its interval are
chosen in `docs/decisions/0037-a-preview-asks-as-the-assets-do.md`. Where there are too few rows for
a line, it is the interval of a mean; both are corrected for a sample that is a large part.

Belongs here: figures and their words. Does not belong here: what is still to be asked of the
stored rows (`analysis.forecast`).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import NamedTuple

from sysgen_dagster.catalog.models import Model
from sysgen_dagster.commands.run.answers import Spent
from sysgen_dagster.commands.run.preview import Pace, Previewed
from sysgen_dagster.inference.progress import time_words
from sysgen_dagster.tables.rates import Z95, wilson_interval

_THOUSAND = 1e3
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


class Whole(NamedTuple):
    """The rows that are wanted: how many, their mean length, and whether the source has more."""

    rows: int
    mean_characters: float
    is_part: bool = False


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


def describe_price(
    shown: Sequence[Previewed], whole: Whole, model: Model, pace: Pace, limit: int | None = None
) -> Iterator[str]:
    """What all rows of a source take, or the conversations that are wanted of it, in lines.

    Args:
        shown: The previewed rows, at least one.
        whole: The rows that are wanted.
        model: With `rates` and `price` where they are known.
        pace: How fast the previewed rows were answered. A server that can take more at once than
            were previewed is faster, so the time is an upper bound.
        limit: How many conversations are wanted; None: all.
    """
    kept, looked_at = sum(row.is_kept for row in shown), len(shown)
    low, high = wilson_interval(kept / looked_at, looked_at, Z95)
    yield f"kept {kept:,} of {looked_at:,} previewed ({low:.0%} to {high:.0%} of all, 95 % sure)"
    count = estimate_all(shown, whole, lambda _: 1.0).figure
    conversations = "" if round(count) == whole.rows else f", about {count:,.0f} conversations"
    share = wanted_share(count, whole, limit)
    what = (
        f"all {whole.rows:,} rows{conversations}" if share is None else f"{limit:,} conversations"
    )
    share = share or 1.0
    yield f"{what}, as these {looked_at:,} tell:"

    def over_all(value: Callable[[Spent], float]) -> Estimate:
        return estimate_all(shown, whole, value).times(share)

    thought = over_all(lambda spent: spent.thought_tokens).figure
    written = over_all(lambda spent: spent.completion_tokens)
    yield f"  tokens in   {_between(over_all(lambda spent: spent.prompt_tokens))}"
    thoughts = f", of them {short(thought)} of thoughts" if thought else ""
    yield f"  tokens out  {_between(written)}{thoughts}"
    yield f"  time        {_time(written, pace)}"
    for name, charged, unit in charged_for(model):
        cost = over_all(
            lambda it, of=charged: of(it.prompt_tokens, it.completion_tokens)  # type: ignore[misc]
        )
        each = cost.figure * _THOUSAND / (kept / looked_at * count * share) if kept else 0
        for_kept = f", {short(each)} for 1,000 kept rows" if kept else ""
        yield f"  {name:<12}{_between(cost)}{unit}{for_kept}"


def wanted_share(count: float, whole: Whole, limit: int | None) -> float | None:
    """Which part of the conversations is wanted; None: all."""
    is_limited = limit is not None and (whole.is_part or limit < count)
    return limit / count if limit and is_limited else None


def estimate_all(
    shown: Sequence[Previewed], whole: Whole, value: Callable[[Spent], float]
) -> Estimate:
    """The sum over all rows: what one conversation took, for each one of its row."""
    values = [value(row.spent) * row.chosen.of for row in shown]
    return estimate(values, [row.chosen.characters for row in shown], whole)


def charged_for(model: Model) -> Iterator[tuple[str, Callable[[float, float], float], str]]:
    """What is charged for a model: its name, how much so many tokens in and out take, the unit."""
    if rates := model.rates:
        yield "GPU-hours", rates.hours, ""
    if price := model.price:
        yield "money", price.money, f" {price.currency}"


def _time(written: Estimate, pace: Pace) -> str:
    if not pace.completion_tokens:
        return "unknown: every answer was known from before"
    together = f"{pace.at_once} rows at once" if pace.at_once > 1 else "one row at a time"
    most = time_words(written.figure * pace.seconds / pace.completion_tokens)
    return f"at most {most}, at the pace of {together}; more at once take less"


def _between(estimate: Estimate) -> str:
    """The figure with its interval, each with as many digits as mean something."""
    about = short(estimate.figure)
    if estimate.low is None or estimate.high is None:
        return f"{about} (one row does not tell how sure that is)"
    low, high = short(estimate.low), short(estimate.high)
    return about if low == high else f"{about} ({low} to {high})"


def short(number: float) -> str:
    """A number with three digits that count: 12.3 M, 4,560, 0.0123."""
    for unit, size in ((" T", 1e12), (" G", 1e9), (" M", 1e6)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"
