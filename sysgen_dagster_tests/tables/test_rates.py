"""Shares of rows, and how much of a share chance may explain."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.tables.rates import (
    Z95,
    Z99,
    Rate,
    count_drops,
    kept_rate,
    wilson_interval,
)
from sysgen_dagster_tests.tables.outcomes import MIXED, rows

# Worked out by hand from the definition with z = 2.5758, so z^2 = 6.6347; for 5 of 10:
# centre 0.5 + 6.6347 / 20 = 0.83174, half 2.5758 * sqrt(0.25 / 10 + 6.6347 / 400) = 0.52528,
# scale 1 + 6.6347 / 10 = 1.66347, so (0.83174 -+ 0.52528) / 1.66347.
WILSON = {
    (0, 10): (0.0, 0.39885),
    (10, 10): (0.60115, 1.0),
    (5, 10): (0.18423, 0.81577),
    (50, 100): (0.37528, 0.62472),
    (1, 1): (0.13098, 1.0),
    (990, 1000): (0.97807, 0.99547),
}


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [pytest.param(*key, value, id=f"{key[0]}-of-{key[1]}") for key, value in WILSON.items()],
)
def test_the_interval_is_wilson_s_at_99_percent(
    part: int, whole: int, expected: tuple[float, float]
) -> None:
    assert Rate(part, whole).interval() == pytest.approx(expected, abs=1e-5)


def test_the_interval_of_a_share_is_as_sure_as_it_is_asked_to_be() -> None:
    # With z = 1.96, so z^2 = 3.8416: (0.69208 -+ 0.36460) / 1.38416.
    assert wilson_interval(0.5, 10, Z95) == pytest.approx((0.23659, 0.76341), abs=1e-5)
    assert wilson_interval(0.5, 0, Z95) == (0.0, 1.0)


def test_of_nothing_there_is_no_share_and_any_share_may_be() -> None:
    assert math.isnan(Rate(0, 0).share)
    assert Rate(0, 0).interval() == (0.0, 1.0)
    assert Rate(0, 0).agrees_with(0.5, 0.6)


@given(st.integers(1, 10_000_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_lies_in_0_to_1_and_holds_the_share(counts: tuple[int, int]) -> None:
    rate = Rate(*counts)
    low, high = rate.interval()

    assert 0.0 <= low <= rate.share + 1e-12
    assert rate.share - 1e-12 <= high <= 1.0


@given(st.integers(0, 100), st.integers(1, 1000))
def test_the_interval_is_narrower_on_more_rows(part: int, times: int) -> None:
    few, many = Rate(part, 100).interval(), Rate(part * times, 100 * times).interval()

    assert many[1] - many[0] <= few[1] - few[0] + 1e-12


@pytest.mark.parametrize(
    ("rate", "low", "high", "agrees"),
    [
        pytest.param(Rate(5, 10), 0.4, 0.6, True, id="inside"),
        pytest.param(Rate(5, 10), 0.81, 0.9, True, id="reaches-in-from-below"),
        pytest.param(Rate(5, 10), 0.82, 0.9, False, id="lies-below"),
        pytest.param(Rate(5, 10), 0.1, 0.19, True, id="reaches-in-from-above"),
        pytest.param(Rate(5, 10), 0.1, 0.18, False, id="lies-above"),
        pytest.param(Rate(0, 3), 0.6, 1.0, True, id="three-rows-prove-little"),
        pytest.param(Rate(0, 30), 0.6, 1.0, False, id="thirty-rows-prove-more"),
        pytest.param(Rate(10, 10), 0.98, 1.0, True, id="all"),
    ],
)
def test_a_rate_agrees_with_bounds_that_its_interval_reaches(
    rate: Rate, low: float, high: float, agrees: bool
) -> None:
    assert rate.agrees_with(low, high) is agrees


def test_a_share_of_more_rows_than_there_are_is_as_sure_as_all_of_them() -> None:
    assert Rate(3, 2).share == 1.5
    assert Rate(3, 2).interval() == Rate(2, 2).interval()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_who_wants_to_be_surer_gets_the_wider_interval(share: float) -> None:
    low, high = wilson_interval(share, 40, Z95)
    lower, higher = wilson_interval(share, 40, Z99)

    assert higher - lower > high - low
    assert lower <= low + 1e-12
    assert high - 1e-12 <= higher


def test_the_kept_rate_is_of_the_rows_without_a_drop_reason() -> None:
    assert kept_rate(MIXED) == Rate(4, 9)
    assert kept_rate(rows()) == Rate(0, 0)


def test_drops_are_counted_by_reason_with_the_most_frequent_first() -> None:
    assert list(count_drops(MIXED).items()) == [("refused", 4), ("timeout", 1)]
    assert count_drops(rows(("a", None))) == {}
    assert count_drops(rows()) == {}


@pytest.mark.parametrize("rows", range(1, 101))
def test_an_interval_holds_the_share_it_was_made_of(rows: int) -> None:
    assert Rate(rows, rows).agrees_with(1.0, 1.0)
    assert Rate(0, rows).agrees_with(0.0, 0.0)
