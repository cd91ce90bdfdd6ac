"""Which partitions recipes still need, where they say how many rows they want.

A recipe without `rows` needs every partition of its models and sources. One with `rows` needs more
until it has as many, or until those that are answered but not counted yet may be enough.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.defs.plumbing.candidates import count_taken, takes
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, kept
from sysgen_dagster.training_sets.tables import table_of


class Need(NamedTuple):
    """What the recipes need.

    Attributes:
        keys: The partitions that one of them needs, of those that were asked about.
        has_all: Recipes that have their rows.
        waits: Recipes whose rows may be there once those of some partitions are counted.
    """

    keys: frozenset[str]
    has_all: list[str]
    waits: list[str]

    @property
    def said(self) -> list[str]:
        """Why partitions are not needed, as clauses."""
        has = [f"recipes that have their rows: {', '.join(self.has_all)}"] if self.has_all else []
        waits = [
            f"the recipe {name} may have its rows once {table_of(CATALOG.mixtures[name]).name} of "
            "answered partitions are made, which `small_jobs` does"
            for name in self.waits
        ]
        return [*has, *waits]


def find_needed(store: Store, keys: Sequence[str]) -> Need:
    """Which of some partitions of the phases, none of which is made, the recipes need.

    Args:
        store: The tables. They are read only where every partition is not needed anyway.
        keys: Partition keys of a model and a shard.
    """
    places = {key: ALIGNED.partition_of(key) for key in keys}
    endless = [recipe for recipe in CATALOG.mixtures.values() if recipe.rows is None]
    needed = {key for key, at in places.items() if any(takes(each, at) for each in endless)}
    has_all, waits = [], []
    for name, recipe in CATALOG.mixtures.items():
        more = {key for key, at in places.items() if takes(recipe, at)} - needed
        if recipe.rows is None or not more:
            continue
        missing = recipe.rows - count_taken(store, recipe)
        if missing <= 0:
            has_all.append(name)
        elif _count_uncounted(store, recipe) >= missing:
            waits.append(name)
        else:
            needed |= more
    return Need(frozenset(needed), has_all, waits)


def _count_uncounted(store: Store, recipe: Recipe) -> int:
    """Answered rows of partitions of which the recipe's table is not made."""
    places = [
        Partition(model, shard)
        for model in recipe.models or CATALOG.models
        for shard in store.shards(ALIGNED, model)
    ]
    return sum(
        kept(store.read(ALIGNED, at, "drop_reason")).height
        for at in places
        if takes(recipe, at) and not store.holds(table_of(recipe), at)
    )
