"""Numbers drawn from names."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.training_sets.draws import draw_numbers

NAMES = pl.Series([f"c{number}" for number in range(2_000)])


def test_these_numbers_are_drawn_in_any_version() -> None:
    drawn = draw_numbers(pl.Series(["c0", "c1"]), "split/0")

    assert drawn.to_list() == [0.6571712575321533, 0.47051670428681514]


@given(st.lists(st.text()), st.text())
def test_a_draw_is_a_share_that_follows_from_the_name_alone(names: list[str], purpose: str) -> None:
    drawn = draw_numbers(pl.Series(names, dtype=pl.String), purpose).to_list()

    assert all(0 <= draw < 1 for draw in drawn)
    assert drawn == [draw_numbers(pl.Series([name]), purpose).item() for name in names]


def test_draws_spread_evenly() -> None:
    counts = (draw_numbers(NAMES, "mixture/0") * 10).cast(pl.Int8).value_counts()["count"]

    # 200 are expected in each tenth, give or take 13.
    assert counts.len() == 10
    assert counts.is_between(150, 250).all()


def test_draws_of_different_purposes_have_nothing_to_do_with_each_other() -> None:
    both = pl.DataFrame(
        [draw_numbers(NAMES, "split/0").alias("one"), draw_numbers(NAMES, "mixture/0")]
    )

    # By chance 0.022 either way.
    assert abs(both.select(pl.corr("one", "draw")).item()) < 0.1
