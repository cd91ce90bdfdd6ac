"""How many conversations are taken so that training sets have as many rows as are asked for.

Some are dropped, and how many is not known before: as many as rows are missing are taken, then as
many more as the share of those that were kept makes likely, until there are enough or no more.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition


@dataclass(frozen=True, slots=True)
class RowsTarget:
    """The rows of the train split that are asked for.

    Attributes:
        catalog: Its recipes say how many rows they want.
        store: The tables.
        model: The model whose rows are made.
        kept: How many each recipe wants, in the place of what it says; None: as it says.
    """

    catalog: Catalog
    store: Store
    model: str
    kept: int | None = None

    @property
    def wanted(self) -> Mapping[str, int] | None:
        """Rows by recipe; None where one wants all that there are."""
        recipes = self.catalog.mixtures
        rows = {name: self.kept or recipe.rows for name, recipe in recipes.items()}
        if None in rows.values():
            return None
        return {name: number for name, number in rows.items() if number is not None}

    def line(self) -> str:
        """What is said of it before anything is made; empty where everything is."""
        if self.wanted is None:
            return ""
        said = ", ".join(f"{name} {number:,}" for name, number in self.wanted.items())
        return (
            f"Rows: no more are taken once the train split has enough ({said}); the price below is "
            "that of all."
        )

    def count_missing(self) -> int:
        """Of the recipe that lacks most rows, how many."""
        # Here, because partitions are read from the catalogue when these are imported.
        from sysgen_dagster.defs.plumbing.candidates import count_taken

        missing = [0]
        for name, wanted in (self.wanted or {}).items():
            recipe = self.catalog.mixtures[name].model_copy(update={"rows": None, "weights": {}})
            missing.append(wanted - count_taken(self.store, recipe))
        return max(missing)

    def next_limit(self, taken: int, most: int, before: int = 0) -> int:
        """How many conversations to take in all, after so many; as many as that: it is done.

        Args:
            taken: Conversations taken so far; 0: it begins.
            most: All that there are.
            before: Conversations that an earlier run has taken.
        """
        if self.wanted is None:
            return most
        if taken == 0:
            return min(most, max(before, *self.wanted.values()))
        missing = self.count_missing()
        if missing <= 0:
            return taken
        has = max(self.wanted.values()) - missing
        # Where none was kept nothing is known of the share: twice as many are taken.
        more = math.ceil(missing * taken / has) if has else taken
        return min(most, taken + more)


def count_asked(store: Store, model: str, source: str) -> int:
    """The conversations of a source that Phase 1 has been asked about, in what is stored."""
    shards = [each for each in store.shards(ANNOTATED, model) if split_shard(each)[0] == source]
    reasons = [store.read(ANNOTATED, Partition(model, each), "drop_reason") for each in shards]
    beyond = NoAnswer.BEYOND_LIMIT.value
    return sum(each.height - int((each["drop_reason"] == beyond).sum()) for each in reasons)
