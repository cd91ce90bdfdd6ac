"""Which rows there are to be reviewed: those with a new answer, in a shuffled order that stays."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sysgen_dagster.analysis.findings import list_flags
from sysgen_dagster.analysis.tables import ROW_QUALITY
from sysgen_dagster.catalog.recipes import NOT_OBEYED
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.story_rows import shuffle_key
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster.storage.evidence import finished_shards
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table, kept

INDEX = pl.Schema(
    {
        "model": pl.String(),
        "conversation_id": pl.String(),
        "shard": pl.String(),
        "source": pl.String(),
        "flags": pl.List(pl.String()),  # findings of the row; none where nobody has looked
        "order": pl.String(),
    }
)


def build_index(
    store: Store, catalog: Catalog, excluded: Collection[str], only: pl.DataFrame | None = None
) -> pl.DataFrame:
    """`INDEX` of all rows with a new answer, sorted by their order.

    Args:
        store: Where the rows are.
        catalog: Says which models and shards there are.
        excluded: Ids of conversations that must not be shown.
        only: ``model`` and ``conversation_id`` of the rows that are wanted; None: all.

    Raises:
        StoreError: A stored partition is damaged.
    """
    parts = [pl.DataFrame(schema=INDEX)]
    for model in catalog.models:
        for shard in finished_shards(store, catalog, ALIGNED, model):
            at = Partition(model, shard)
            rows = kept(store.read(ALIGNED, at, "conversation_id", "source", "drop_reason"))
            rows = rows.with_columns(model=pl.lit(model), shard=pl.lit(shard))
            rows = rows.join(_flags(store, at), on="conversation_id", how="left")
            parts.append(
                rows.with_columns(
                    flags=pl.col("flags").fill_null([]),
                    # With the model, since the rows of a conversation would have one place.
                    order=pl.col("conversation_id").map_elements(shuffle_key, pl.String()) + model,
                ).select(INDEX.names())
            )
    index = pl.concat(parts).filter(~pl.col("conversation_id").is_in(list(excluded)))
    if only is not None:
        index = index.join(only, on=["model", "conversation_id"], how="semi")
    return index.sort("order", "conversation_id")


def _flags(store: Store, at: Partition) -> pl.DataFrame:
    """``conversation_id`` and ``flags`` of what was found in the rows of a partition."""

    def read(table: Table) -> pl.DataFrame:
        return store.read(table, at) if store.holds(table, at) else table.empty()

    quality = read(ROW_QUALITY)
    not_obeying = read(OBEDIENCE).filter(pl.col("not_obeyed") > 0)
    found = [
        quality.select("conversation_id", flags=list_flags(quality)),
        not_obeying.select("conversation_id", flags=pl.lit([NOT_OBEYED])),
    ]
    return pl.concat(found).group_by("conversation_id").agg(pl.col("flags").explode())


def written_at(store: Store, catalog: Catalog) -> list[tuple[str, float | None]] | None:
    """Something that is another one after rows were made; None in object storage: not known."""
    if not isinstance(store.root, Path):
        return None
    places = [
        (table, Partition(model, shard))
        for model in catalog.models
        for table in (ALIGNED, ROW_QUALITY, OBEDIENCE)
        for shard in store.shards(table, model)
    ]
    return [(table.file(at), stored_at(store, table, at)) for table, at in places]


def stored_at(store: Store, table: Table, at: Partition) -> float | None:
    """When a partition was stored; None where it is not, and in object storage: not known."""
    path = store.path(table, at)
    try:
        return path.stat().st_mtime if isinstance(path, Path) else None
    except FileNotFoundError:  # it was removed meanwhile
        return None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows are wanted; an empty text wants all.

    Attributes:
        which: ``undecided``, ``edited``, a value of `decisions.Choice`, or empty.
    """

    model: str = ""
    source: str = ""
    flag: str = ""
    which: str = ""

    def wanted(self) -> pl.Expr:
        """Of `INDEX` with ``choice`` (null: undecided) and ``is_edited``."""
        wanted = pl.lit(value=True)
        for column in ("model", "source"):
            if value := getattr(self, column):
                wanted &= pl.col(column) == value
        if self.flag:
            wanted &= pl.col("flags").list.contains(self.flag)
        if self.which == "undecided":
            wanted &= pl.col("choice").is_null()
        elif self.which == "edited":
            wanted &= pl.col("is_edited").fill_null(value=False)
        elif self.which:
            wanted &= pl.col("choice").eq_missing(pl.lit(self.which))
        return wanted
