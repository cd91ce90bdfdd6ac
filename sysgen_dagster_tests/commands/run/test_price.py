"""The price of all rows: how often its interval holds the truth, and what is said of it."""

import math
from collections.abc import Callable
from random import Random
from statistics import fmean

import pytest

from sysgen_dagster.catalog.models import Model, Price, Rates
from sysgen_dagster.commands.run.answers import Spent
from sysgen_dagster.commands.run.preview import Pace
from sysgen_dagster.commands.run.price import (
    Whole,
    describe_price,
    estimate,
    student_quantile,
)
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster_tests.commands.run.previewed_rows import previewed

ROWS, SAMPLES = 3_000, 600
NOISE = {
    "tokens in": lambda rng, length: 2_000 + 0.55 * length * rng.lognormvariate(0, 0.1),
    "tokens out": lambda rng, length: 150 + 0.2 * length * rng.lognormvariate(0, 0.5),
    "tokens out, cut": lambda rng, length: (
        150 + min(0.2 * length * rng.lognormvariate(0, 0.5), 1e3)
    ),
    "whatever the length": lambda rng, _: 150 + rng.lognormvariate(5.5, 0.6),
    "all the same": lambda *_: 1_200.0,
    "a few rows take most": lambda rng, _: rng.lognormvariate(5, 1.2),
    "turns": lambda rng, length: 2_000 * (1 + length // 800) + 0.4 * length * rng.random(),
}
MODEL = Generator.model_validate(
    {"name": "phi", "served_name": "phi", "license": "mit", "engine": "simulated"}
)


@pytest.mark.parametrize("looked_at", [10, 30])
@pytest.mark.parametrize("kind", NOISE)
def test_the_interval_holds_the_truth_about_as_often_as_it_says(kind: str, looked_at: int) -> None:
    rng = Random(0)
    lengths = [int(rng.lognormvariate(6.5, 1.0)) + 1 for _ in range(ROWS)]
    make: Callable[[Random, int], float] = NOISE[kind]
    values = [make(rng, length) for length in lengths]
    truth, whole = math.fsum(values), Whole(ROWS, fmean(lengths))
    held, figures = 0, []
    for _ in range(SAMPLES):
        rows = rng.sample(range(ROWS), looked_at)
        found = estimate([values[row] for row in rows], [lengths[row] for row in rows], whole)
        assert found.low is not None
        assert found.high is not None
        assert found.low <= found.figure <= found.high
        held += found.low <= truth * 1.000001 and truth * 0.999999 <= found.high
        figures.append(found.figure)
    least = 0.75 if kind == "a few rows take most" else 0.85
    assert least <= held / SAMPLES <= 1.0
    assert fmean(figures) == pytest.approx(truth, rel=0.05)


def test_lengths_that_say_something_make_the_interval_narrow() -> None:
    rng = Random(1)
    lengths = [int(rng.lognormvariate(6.5, 1.0)) + 1 for _ in range(10)]
    values = [2_000 + 0.5 * length + rng.random() for length in lengths]
    with_lengths = estimate(values, lengths, Whole(10_000, 1_000))
    without = estimate(values, [500] * 10, Whole(10_000, 1_000))
    assert with_lengths.high is not None
    assert without.high is not None
    assert with_lengths.high - with_lengths.figure < (without.high - without.figure) / 50
    assert with_lengths.figure == pytest.approx(10_000 * 2_500, rel=0.01)


@pytest.mark.parametrize(
    ("values", "characters", "whole", "expected"),
    [
        pytest.param([4.0, 6.0], [1, 9], Whole(2, 5), (10, 10, 10), id="all-rows-were-seen"),
        pytest.param([4.0], [1], Whole(9, 5), (36, None, None), id="one-row"),
        pytest.param([5.0] * 6, [9] * 6, Whole(60, 9), (300, 300, 300), id="no-difference"),
        pytest.param([0.0] * 6, [9] * 6, Whole(60, 9), (0, 0, 0), id="nothing-was-asked"),
        pytest.param([0, 0, 0, 0, 90, 99], [1, 2, 3, 4, 90, 99], Whole(6, 0), (189,) * 3, id="six"),
    ],
)
def test_estimates_of_few_rows(
    values: list[float],
    characters: list[int],
    whole: Whole,
    expected: tuple[float | None, ...],
) -> None:
    found = estimate(values, characters, whole)
    assert (found.figure, found.low, found.high) == expected


def test_no_estimate_is_below_what_was_paid_already() -> None:
    found = estimate([0, 0, 0, 0, 90, 99], [1, 2, 3, 4, 90, 99], Whole(8, 1))
    assert found.low is not None
    assert found.figure >= found.low >= 189


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (29, 2.045)],
)
def test_students_quantiles_are_those_of_the_tables(degrees: int, quantile: float) -> None:
    assert student_quantile(degrees) == pytest.approx(quantile, abs=0.004)


def shown_price(
    model: Model, pace: Pace, kept: int = 9, limit: int | None = None, is_part: bool = False
) -> str:
    rows = [
        previewed(n, Spent(3, 0, 1_000 + 10 * n, 200 + n, 50), of=2, characters=100 * n)
        for n in range(1, 11)
    ]
    for row in rows[kept:]:
        row.story["drop_reason"] = "refused"
    return "\n".join(describe_price(rows, Whole(1_000, 550, is_part), model, pace, limit))


def test_the_price_says_tokens_time_at_most_and_how_sure_that_is() -> None:
    said = shown_price(MODEL, Pace(20.0, 400, 9))
    assert "kept 9 of 10 previewed (60% to 98% of all, 95 % sure)" in said
    assert "all 1,000 rows, about 2,000 conversations, as these 10 tell" in said
    assert "tokens in   2.11 M" in said
    assert "tokens out  411,000" in said
    assert "of them 100,000 of thoughts" in said
    # 411,000 tokens at 20 tokens a second.
    assert "at most 5.7 h, at the pace of 9 rows at once" in said
    assert "money" not in said
    assert "GPU" not in said


@pytest.mark.parametrize(
    ("limit", "is_part", "what", "tokens"),
    [
        (200, False, "200 conversations, as", "tokens in   211,000"),
        (5_000, False, "all 1,000 rows", "2.11 M"),
        # The first 1,000 rows of more, which hold 2,100 although ten of them tell of 2,000.
        (2_100, True, "2,100 conversations, as", "2.22 M"),
    ],
)
def test_the_price_is_that_of_the_conversations_that_are_wanted(
    limit: int, is_part: bool, what: str, tokens: str
) -> None:
    said = shown_price(MODEL, Pace(), limit=limit, is_part=is_part)
    assert what in said
    assert tokens in said


def test_what_the_ledger_knew_tells_no_time_and_that_is_said() -> None:
    said = shown_price(MODEL, Pace())
    assert "at most" not in said
    assert "time        unknown: every answer was known from before" in said


@pytest.mark.parametrize("kept", [0, 9])
def test_money_and_gpu_hours_are_said_where_the_catalogue_knows_them(kept: int) -> None:
    rates = Rates(prompt_tokens_per_gpu_s=1_000, completion_tokens_per_gpu_s=100, source="x")
    costs = Price(currency="EUR", per_million_prompt=1, per_million_completion=10, source="x")
    model = MODEL.model_copy(update={"rates": rates, "price": costs})
    said = shown_price(model, Pace(), kept)
    # 2.11 M in and 0.411 M out: 2,110 s + 4,110 s, and 2.11 + 4.11 of money.
    assert "GPU-hours   1.73" in said
    assert "money       6.22" in said
    assert " EUR" in said
    assert ("3.46 for 1,000 kept rows" in said) == (kept > 0)
