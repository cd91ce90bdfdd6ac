"""Groups of rows that are linked, directly or through other rows."""

from random import Random

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.analysis.clusters import Clusters

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12)


def frame(pairs: list[tuple[int, int]]) -> pl.DataFrame:
    return pl.DataFrame(pairs, {"row": pl.UInt32, "other": pl.UInt32}, orient="row")


def test_rows_are_alone_until_they_are_joined() -> None:
    clusters = Clusters(4)
    assert clusters.first().to_list() == [0, 1, 2, 3]
    clusters.join(frame([(3, 1), (2, 2)]))
    assert clusters.first().to_list() == [0, 1, 2, 1]


def test_a_chain_of_links_makes_one_group_named_by_its_first_row() -> None:
    clusters = Clusters(5)
    clusters.join(frame([(4, 3), (3, 2), (2, 1)]))
    assert clusters.first().to_list() == [0, 1, 1, 1, 1]
    assert clusters.drop_joined(frame([(4, 1), (4, 0)])).rows() == [(4, 0)]


@given(PAIRS, st.randoms())
def test_the_order_of_the_links_does_not_matter(
    pairs: list[tuple[int, int]], random: Random
) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    one, other = Clusters(10), Clusters(10)
    one.join(frame(pairs))
    other.join(frame([(second, first) for first, second in shuffled]))
    assert one.first().to_list() == other.first().to_list()
