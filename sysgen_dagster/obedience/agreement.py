"""How far a judge agrees with labels, and what its rate says of the truth.

Belongs here: the statistics, of counts and of lists of ratings, with intervals. Does not: which
sets a judge is held against (`calibration`).

Agreement among judges is not agreement with people. Kappa falls where nearly all labels are the
same, so it is never shown without the share of each label and the table of counts.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Final, TypeVar

import numpy as np

from sysgen_dagster.tables.rates import Z95

# Of a judge that says more than a coin: sensitivity and specificity together. At 1.0 its verdicts
# say nothing; below 1.2 the corrected rate is wider than what can be said without any judge.
LEAST_TOLD_APART: Final = 1.2
DRAWS: Final = 2_000  # of a bootstrap; the quantiles then vary by about a tenth of their distance
_TAIL = 0.025  # on either side, of a 95 % interval
Interval = tuple[float, float]
Item = TypeVar("Item")


def cohen_kappa(pairs: Mapping[tuple[str, str], int]) -> float | None:
    """Cohen's kappa from how often judge and label said which words.

    1: they always agree; 0: no more often than two who say each word as often by lot. None where
    there is nothing, or where both only ever say one word: chance alone always agrees.
    """
    number = sum(pairs.values())
    by_judge, by_label = Counter[str](), Counter[str]()
    for (verdict, label), times in pairs.items():
        by_judge[verdict] += times
        by_label[label] += times
    if not number:
        return None
    agreed = sum(times for (verdict, label), times in pairs.items() if verdict == label) / number
    chance = sum(times * by_label[word] for word, times in by_judge.items()) / number**2
    return (agreed - chance) / (1 - chance) if chance < 1 else None


def quadratic_kappa(pairs: Mapping[tuple[float, float], int]) -> float | None:
    """Cohen's kappa of two raters on a scale, with disagreements weighted by their square.

    Args:
        pairs: What both said of an item, and of how many items.

    Returns:
        1: they always agree; 0: as by chance. None where there is nothing, or where chance alone
        always agrees, as both only ever say one and the same number.
    """
    number = sum(pairs.values())
    first, second = Counter[float](), Counter[float]()
    apart = 0.0
    for (one, two), times in pairs.items():
        first[one] += times
        second[two] += times
        apart += times * (one - two) ** 2
    by_chance = sum(
        often * other * (one - two) ** 2
        for one, often in first.items()
        for two, other in second.items()
    )
    return 1 - apart * number / by_chance if by_chance else None


def ordinal_alpha(ratings: Mapping[tuple[int | None, ...], int]) -> float | None:
    """Krippendorff's alpha for ordered ratings, such as 1 to 5, of any number of raters.

    Ratings may be missing. Distances are those of ranks: how many ratings lie between two values.

    Args:
        ratings: What each rater said of an item, and of how many items.

    Returns:
        1: all agree; 0: as by chance. None where no item has two ratings, or all are the same.
    """
    coincide: defaultdict[tuple[int, int], float] = defaultdict(float)
    for item, times in ratings.items():
        unit = [each for each in item if each is not None]
        for pair in permutations(unit, 2):
            coincide[pair] += times / (len(unit) - 1)
    often: defaultdict[int, float] = defaultdict(float)
    for (value, _), weight in coincide.items():
        often[value] += weight
    values, number = sorted(often), sum(often.values())

    def distance(low: int, high: int) -> float:
        between = sum(often[value] for value in values if low <= value <= high)
        return (between - (often[low] + often[high]) / 2) ** 2

    apart = {pair: distance(min(pair), max(pair)) for pair in permutations(values, 2)}
    expected = sum(often[one] * often[two] * far for (one, two), far in apart.items())
    if not expected:
        return None
    observed = sum(coincide[pair] * far for pair, far in apart.items())
    return 1 - (number - 1) * observed / expected


def jackknife_interval(
    items: Mapping[Item, int], statistic: Callable[[Mapping[Item, int]], float | None]
) -> Interval | None:
    """The 95 % interval of a statistic of counted items, by leaving out one item at a time.

    As wide as a bootstrap's where there are many items, and soon done: items of a kind are left out
    once. None where the statistic is None, of all or without one of them.
    """
    number, whole = sum(items.values()), statistic(items)
    without = [
        (statistic({**items, item: times - 1}), times) for item, times in items.items() if times
    ]
    known = [(value, times) for value, times in without if value is not None]
    if whole is None or len(known) < len(without):
        return None
    mean = sum(value * times for value, times in known) / number
    squares = sum((value - mean) ** 2 * times for value, times in known)
    half = Z95 * ((number - 1) / number * squares) ** 0.5
    return whole - half, whole + half


def bootstrap_intervals(
    items: Mapping[Item, int],
    statistics: Mapping[str, Callable[[Mapping[Item, int]], float | None]],
    seed: int = 0,
    draws: int = DRAWS,
) -> dict[str, Interval | None]:
    """The 95 % percentile interval of each statistic, by drawing whole items again.

    All statistics see the same draws, so the interval of a difference of two judges is that of a
    statistic which subtracts. Draws in which a statistic is None count for nothing.

    Args:
        items: How many there are of each. What belongs together is one item: both orders of a
            pair, all verdicts on a row.
        statistics: By name, what is computed of the items of a draw.
        seed: Of the draws.
        draws: How many.

    Returns:
        By name, the interval; None where the statistic is None in half of the draws or more.
    """
    found: dict[str, list[float]] = {name: [] for name in statistics}
    number = sum(items.values())
    # As many of each come up as if every item was drawn on its own, in a fraction of the time.
    shares = [times / number for times in items.values()]
    rng = np.random.default_rng(seed)
    for counts in rng.multinomial(number, shares, draws).tolist() if number else []:
        drawn = {item: times for item, times in zip(items, counts, strict=True) if times}
        for name, statistic in statistics.items():
            if (value := statistic(drawn)) is not None:
                found[name].append(value)
    return {
        name: _percentiles(values) if 2 * len(values) > draws else None
        for name, values in found.items()
    }


def _percentiles(values: list[float]) -> Interval:
    ordered, last = sorted(values), len(values) - 1
    return ordered[round(_TAIL * last)], ordered[round((1 - _TAIL) * last)]


@dataclass(frozen=True, slots=True)
class TwoByTwo:
    """A judge's yes and no against labels.

    Attributes:
        true_yes: Both say yes.
        false_no: The label says yes, the judge no.
        false_yes: The label says no, the judge yes.
        true_no: Both say no.
    """

    true_yes: int
    false_no: int
    false_yes: int
    true_no: int

    @property
    def labelled_yes(self) -> int:
        """Items whose label says yes."""
        return self.true_yes + self.false_no

    @property
    def labelled_no(self) -> int:
        """Items whose label says no."""
        return self.false_yes + self.true_no

    @property
    def prevalence(self) -> float | None:
        """The share of labels that say yes."""
        return _share(self.labelled_yes, self.labelled_yes + self.labelled_no)

    @property
    def sensitivity(self) -> float | None:
        """How often the judge says yes where the label does."""
        return _share(self.true_yes, self.labelled_yes)

    @property
    def specificity(self) -> float | None:
        """How often the judge says no where the label does."""
        return _share(self.true_no, self.labelled_no)

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa."""
        counts = (self.true_yes, self.false_no, self.false_yes, self.true_no)
        cells = (("yes", "yes"), ("no", "yes"), ("yes", "no"), ("no", "no"))
        return cohen_kappa(dict(zip(cells, counts, strict=True)))

    def __str__(self) -> str:
        """The table in one line."""
        return (
            f"of {self.labelled_yes} labelled yes, {self.true_yes} yes and {self.false_no} no; "
            f"of {self.labelled_no} labelled no, {self.false_yes} yes and {self.true_no} no"
        )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class CorrectedRate:
    """A share of a judge's yes, corrected for how often the judge errs, with its 95 % interval."""

    share: float
    low: float
    high: float


def correct_rate(yes: int, judged: int, against_labels: TwoByTwo) -> CorrectedRate | None:
    """The share that is truly yes, where an imperfect judge said so of `yes` of `judged` rows.

    (p + q0 - 1) / (q0 + q1 - 1), with q1 and q0 the judge's sensitivity and specificity (Rogan and
    Gladen, 1978). Its variance has three terms: of the judged rows and of both halves of the
    labels (Lee et al., arXiv 2511.21140). The interval is taken round shares moved towards one half
    by the square of the quantile, after Agresti and Coull, so that few labels without an error are
    not taken for a judge that never errs.

    Args:
        yes: How often the judge said yes.
        judged: Of how many rows.
        against_labels: The same judge, on labelled items of the same kind.

    Returns:
        None where sensitivity and specificity together are below `LEAST_TOLD_APART`, or where there
        is nothing to go by: such a rate cannot be corrected.
    """
    sensitivity, specificity = against_labels.sensitivity, against_labels.specificity
    if sensitivity is None or specificity is None or not judged:
        return None
    if sensitivity + specificity < LEAST_TOLD_APART:
        return None
    share = (yes / judged + specificity - 1) / (sensitivity + specificity - 1)
    low, high = _corrected_interval(yes, judged, against_labels)
    share = min(max(share, 0.0), 1.0)
    return CorrectedRate(share, max(0.0, min(low, share)), min(1.0, max(high, share)))


def _corrected_interval(yes: int, judged: int, table: TwoByTwo) -> Interval:
    """Before it is cut to shares."""

    def moved(part: int, whole: int) -> tuple[float, float]:
        share = (part + Z95**2 / 2) / (whole + Z95**2)
        return share, share * (1 - share) / (whole + Z95**2)

    (p, of_rows), (q1, of_yes), (q0, of_no) = (
        moved(yes, judged),
        moved(table.true_yes, table.labelled_yes),
        moved(table.true_no, table.labelled_no),
    )
    apart = max(q0 + q1 - 1, LEAST_TOLD_APART - 1)
    share = (p + q0 - 1) / apart
    variance = (of_rows + (1 - share) ** 2 * of_no + share**2 * of_yes) / apart**2
    return share - Z95 * variance**0.5, share + Z95 * variance**0.5
