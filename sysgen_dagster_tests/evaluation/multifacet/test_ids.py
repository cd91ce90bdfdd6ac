"""The choice among items."""

import polars as pl

from sysgen_dagster.catalog.evaluation import Multifacet
from sysgen_dagster.evaluation.multifacet.ids import choose_items

ITEMS = pl.DataFrame({"item": [f"item {number}" for number in range(50)]})


def test_all_items_are_asked_unless_the_catalogue_wants_fewer() -> None:
    assert choose_items(ITEMS, Multifacet()).equals(ITEMS)
    assert choose_items(ITEMS, Multifacet(items=1_000)).equals(ITEMS)


def test_fewer_are_the_same_everywhere_in_their_order_and_part_of_more() -> None:
    few, more = (choose_items(ITEMS, Multifacet(items=number)) for number in (7, 20))
    shuffled = choose_items(ITEMS.sample(fraction=1, shuffle=True, seed=3), Multifacet(items=7))

    assert (few.height, more.height) == (7, 20)
    assert set(few["item"]) == set(shuffled["item"]) < set(more["item"])
    assert few["item"].to_list() == [item for item in ITEMS["item"] if item in set(few["item"])]


def test_another_seed_takes_others() -> None:
    one, other = (choose_items(ITEMS, Multifacet(items=10, seed=seed)) for seed in (0, 1))
    assert set(one["item"]) != set(other["item"])
