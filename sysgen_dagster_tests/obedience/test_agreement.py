"""Statistics of judges against tables that were worked out by hand, and intervals that hold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.obedience.agreement import (
    TwoByTwo,
    bootstrap_intervals,
    cohen_kappa,
    correct_rate,
    jackknife_interval,
    ordinal_alpha,
    quadratic_kappa,
)

# Krippendorff (2011), "Computing Krippendorff's alpha-reliability", section D: four observers.
_N = None
FOUR_OBSERVERS = [
    [1, 1, _N, 1],
    [2, 2, 3, 2],
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [2, 2, 2, 2],
    [1, 2, 3, 4],
    [4, 4, 4, 4],
    [1, 1, 2, 1],
    [2, 2, 2, 2],
    [_N, 5, 5, 5],
    [_N, _N, 1, 1],
    [_N, _N, 3, _N],
]


def test_kappa_is_the_agreement_beyond_chance() -> None:
    # Agreed: 35 of 50; by chance: (25 * 30 + 25 * 20) / 2,500 = 0.5; (0.7 - 0.5) / 0.5.
    table = TwoByTwo(true_yes=20, false_no=10, false_yes=5, true_no=15)

    assert table.kappa == pytest.approx(0.4)
    assert table.prevalence == pytest.approx(0.6)
    assert (table.sensitivity, table.specificity) == (pytest.approx(2 / 3), 0.75)


def test_the_same_agreement_is_worth_less_where_nearly_all_labels_are_the_same() -> None:
    even = TwoByTwo(true_yes=45, false_no=5, false_yes=5, true_no=45)
    lopsided = TwoByTwo(true_yes=85, false_no=5, false_yes=5, true_no=5)

    assert even.kappa == pytest.approx(0.8)
    # By chance: 0.9 * 0.9 + 0.1 * 0.1 = 0.82; (0.9 - 0.82) / 0.18.
    assert lopsided.kappa == pytest.approx(4 / 9)
    assert "of 10 labelled no, 5 yes and 5 no" in str(lopsided)


def test_kappa_of_three_words_counts_what_only_one_of_the_two_ever_says() -> None:
    # Agreed: 6 of 10; by chance: (4 * 5 + 4 * 4 + 2 * 0) / 100 = 0.36.
    pairs = {("new", "new"): 3, ("old", "old"): 3, ("tie", "new"): 2, ("new", "old"): 1}
    pairs |= {("old", "unclear"): 1}

    assert cohen_kappa(pairs) == pytest.approx(0.24 / 0.64)


@pytest.mark.parametrize("pairs", [{}, {("yes", "yes"): 9}], ids=["nothing", "one-word"])
def test_kappa_says_nothing_where_chance_always_agrees(pairs: dict[tuple[str, str], int]) -> None:
    assert cohen_kappa(pairs) is None


def alpha_of(ratings: Sequence[Sequence[int | None]]) -> float | None:
    return ordinal_alpha(Counter(map(tuple, ratings)))


# Of 10 items 3 lie one apart and one lies two apart: the squares sum to 7.
WEIGHTED = {
    (1.0, 1.0): 3,
    (2.0, 2.0): 2,
    (3.0, 3.0): 1,
    (1.0, 2.0): 2,
    (2.0, 3.0): 1,
    (1.0, 3.0): 1,
}


def test_weighted_kappa_counts_a_disagreement_by_its_square() -> None:
    first = [one for (one, _), times in WEIGHTED.items() for _ in range(times)]
    second = [two for (_, two), times in WEIGHTED.items() for _ in range(times)]
    by_chance = sum((one - two) ** 2 for one in first for two in second) / 10

    assert quadratic_kappa(WEIGHTED) == pytest.approx(1 - 7 / by_chance)


@pytest.mark.parametrize(
    ("pairs", "kappa"),
    [
        ({(1.0, 1.0): 5, (5.0, 5.0): 5}, 1.0),
        ({(1.0, 5.0): 5, (5.0, 1.0): 5}, -1.0),
        ({(1.0, 1.0): 5, (1.0, 5.0): 5, (5.0, 1.0): 5, (5.0, 5.0): 5}, 0.0),
    ],
)
def test_weighted_kappa_of_all_and_of_nothing(
    pairs: dict[tuple[float, float], int], kappa: float
) -> None:
    assert quadratic_kappa(pairs) == pytest.approx(kappa)


@pytest.mark.parametrize("pairs", [{}, {(3.0, 3.0): 7}])
def test_weighted_kappa_says_nothing_where_all_say_the_same(
    pairs: dict[tuple[float, float], int],
) -> None:
    assert quadratic_kappa(pairs) is None


def test_one_level_off_costs_less_than_three() -> None:
    near = {(1.0, 2.0): 1, (2.0, 2.0): 4, (5.0, 5.0): 5}
    far = {(1.0, 4.0): 1, (2.0, 2.0): 4, (5.0, 5.0): 5}
    assert (quadratic_kappa(near) or 0) > (quadratic_kappa(far) or 0)


def test_alpha_of_ordered_ratings_is_the_published_one() -> None:
    assert alpha_of(FOUR_OBSERVERS) == pytest.approx(0.815, abs=5e-4)


def test_alpha_of_two_raters_worked_out_by_hand() -> None:
    # Values 1, 2, 3 were given 2, 3 and 3 times. Squared distances of ranks: 1-2: 2.5^2 = 6.25;
    # 2-3: 3^2 = 9; 1-3: 5.5^2 = 30.25. Observed, each pair in both orders: 2 * 9 = 18. Expected:
    # 2 * (2*3*6.25 + 3*3*9 + 2*3*30.25) = 600. So 1 - 7 * 18 / 600.
    assert alpha_of([[1, 1], [2, 2], [2, 3], [3, 3]]) == pytest.approx(0.79)


@pytest.mark.parametrize("ratings", [[], [[1], [2]], [[3, 3], [3, 3]]])
def test_alpha_says_nothing_without_two_ratings_or_two_values(ratings: list[list[int]]) -> None:
    assert alpha_of(ratings) is None


@given(st.lists(st.lists(st.integers(1, 5) | st.none(), max_size=4), max_size=12))
def test_alpha_is_one_at_most_and_does_not_ask_who_rated(ratings: list[list[int | None]]) -> None:
    alpha = alpha_of(ratings)
    turned = alpha_of([item[::-1] for item in ratings])

    assert (alpha is None) == (turned is None)
    assert alpha is None or (alpha <= 1 + 1e-9 and turned == pytest.approx(alpha))


def _share_of_ones(items: Mapping[int, int]) -> float | None:
    return items.get(1, 0) / sum(items.values()) if sum(items.values()) else None


def test_an_interval_by_leaving_one_out_is_that_of_a_share() -> None:
    # The variance of a share by this way is p * (1 - p) / (n - 1).
    low, high = jackknife_interval({1: 30, 0: 70}, _share_of_ones) or (0, 0)
    half = 1.96 * (0.3 * 0.7 / 99) ** 0.5

    assert (low, high) == (pytest.approx(0.3 - half, abs=1e-4), pytest.approx(0.3 + half, abs=1e-4))
    assert jackknife_interval({1: 1}, _share_of_ones) is None
    assert jackknife_interval({}, _share_of_ones) is None


def test_the_interval_of_alpha_covers_it_in_most_draws() -> None:
    truth = {(0, 0): 0.3, (1, 1): 0.5, (0, 1): 0.12, (1, 0): 0.08}
    whole = ordinal_alpha({item: round(share * 1e6) for item, share in truth.items()})
    assert whole is not None
    rng, held = Random(0), 0
    for _ in range(300):
        drawn = Counter(rng.choices([*truth], [*truth.values()], k=200))
        low, high = jackknife_interval(drawn, ordinal_alpha) or (1, 0)
        held += low <= whole <= high
    assert held / 300 >= 0.92


def _mean(items: Mapping[tuple[int, int], int], judge: int) -> float:
    return sum(pair[judge] * times for pair, times in items.items()) / sum(items.values())


def test_judges_are_compared_on_the_same_draws() -> None:
    found = bootstrap_intervals(
        {(0, 0): 30, (1, 1): 30},
        {
            "judge": lambda drawn: _mean(drawn, 0),
            "difference": lambda drawn: _mean(drawn, 0) - _mean(drawn, 1),
        },
        draws=400,
    )

    assert found["difference"] == (0.0, 0.0)
    low, high = found["judge"] or (0, 0)
    # Of 60 coins: 0.5 -+ 1.96 * sqrt(0.25 / 60) = 0.127.
    assert (low, high) == (pytest.approx(0.373, abs=0.02), pytest.approx(0.627, abs=0.02))


def test_a_statistic_that_most_draws_cannot_say_has_no_interval() -> None:
    assert bootstrap_intervals({1: 1, 2: 1}, {"never": lambda _: None}, draws=20) == {"never": None}
    assert bootstrap_intervals({}, {"of nothing": len}, draws=20) == {"of nothing": None}


def test_a_rate_is_corrected_for_the_errors_of_its_judge() -> None:
    table = TwoByTwo(true_yes=92, false_no=8, false_yes=25, true_no=75)
    corrected = correct_rate(400, 500, table)

    # (0.80 + 0.75 - 1) / (0.75 + 0.92 - 1); the naive interval would be 0.035 to either side.
    assert corrected is not None
    assert corrected.share == pytest.approx(0.8209, abs=1e-4)
    # The three terms alone give 0.087 to either side; moving the shares makes it a little wider.
    assert corrected.high - corrected.low == pytest.approx(2 * 0.093, abs=0.002)


@pytest.mark.parametrize(
    "table",
    [
        TwoByTwo(true_yes=59, false_no=41, false_yes=41, true_no=59),
        TwoByTwo(true_yes=100, false_no=0, false_yes=100, true_no=0),
        TwoByTwo(true_yes=100, false_no=0, false_yes=0, true_no=0),
        TwoByTwo(0, 0, 0, 0),
    ],
    ids=["hardly-better-than-a-coin", "always-yes", "no-label-says-no", "no-labels"],
)
def test_a_judge_that_tells_nothing_apart_corrects_nothing(table: TwoByTwo) -> None:
    assert correct_rate(400, 500, table) is None


COUNTS = st.integers(0, 300)


@given(st.builds(TwoByTwo, COUNTS, COUNTS, COUNTS, COUNTS), COUNTS, COUNTS)
def test_a_corrected_rate_lies_in_its_interval_and_both_are_shares(
    table: TwoByTwo, yes: int, others: int
) -> None:
    corrected = correct_rate(yes, yes + others, table)
    if corrected is not None:
        assert 0 <= corrected.low <= corrected.share <= corrected.high <= 1


@pytest.mark.parametrize(
    ("truth", "sensitivity", "specificity"),
    [(0.85, 0.92, 0.75), (0.5, 0.8, 0.8), (0.95, 0.9, 0.6), (0.98, 0.99, 0.9), (0.1, 0.7, 0.95)],
)
def test_the_corrected_rate_of_a_judge_of_known_error_covers_the_truth_in_95_of_100_draws(
    truth: float, sensitivity: float, specificity: float
) -> None:
    rng, draws = Random(0), 500
    says_yes = truth * sensitivity + (1 - truth) * (1 - specificity)

    def times(share: float, of: int) -> int:
        return sum(rng.random() < share for _ in range(of))

    held = 0
    for _ in range(draws):
        found, right = times(sensitivity, 100), times(specificity, 100)
        table = TwoByTwo(found, 100 - found, 100 - right, right)
        corrected = correct_rate(times(says_yes, 300), 300, table)
        held += corrected is not None and corrected.low <= truth <= corrected.high

    assert held / draws >= 0.95
