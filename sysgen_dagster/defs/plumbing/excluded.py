"""Which stored rows may still be used: those of conversations that nobody has excluded since.

A stored table may be older than the list of excluded conversations. What reads one shard refuses to
work from conversations that still hold a text of the list; what reads many leaves such rows out.
"""

from collections.abc import Collection
from dataclasses import replace

import polars as pl

from sysgen_dagster.defs.plumbing.versions import EXCLUDED, Tags
from sysgen_dagster.lanes.multifaceted.tables import INSTRUCTIONS, instruction_of
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.exclusions import digest_of, goes_with, is_of_rows_of
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Partition, Table

_ID_COLUMNS = ("conversation_id", "duplicate_of", "drop_reason")
# By table of a shard that all others of the shard are made of, by what its rows are known.
_WITH_TEXTS = {CONVERSATIONS: _ID_COLUMNS, INSTRUCTIONS: ("conversation_id", "drop_reason")}


def excluded_ids(store: Store) -> frozenset[str]:
    """The ids of all conversations that must not be used, stored ones and those of the list."""
    listed = store.excluded()
    if not listed:
        return listed
    # Shards of another cut, which stay when a source is cut into fewer, only know more of the ids.
    of_any_cut = replace(store, shards_of={})
    parts = [
        of_any_cut.read(CONVERSATIONS, Partition(shard=each), *_ID_COLUMNS).filter(
            goes_with(listed)
        )
        for each in store.shards(CONVERSATIONS)
    ]
    return listed.union(*(part["conversation_id"] for part in parts))


def without(rows: pl.DataFrame, excluded: Collection[str]) -> pl.DataFrame:
    """The rows of other conversations than these, and of other instructions."""
    if not excluded:
        return rows
    own, instruction = pl.col("conversation_id"), instruction_of("conversation_id")
    return rows.filter(~own.is_in(list(excluded)), ~instruction.is_in(list(excluded)))


def require_made_without_excluded(store: Store, shard: str) -> None:
    """Do nothing where the stored conversations of a shard hold no text of the list.

    Raises:
        StoreError: They do: they are older than the list.
    """
    listed, at = store.excluded(), Partition(shard=shard)
    for table, columns in _WITH_TEXTS.items() if listed else ():
        if not store.holds(table, at):
            continue
        rows = store.read(table, at, *columns)
        is_gone = (pl.col("drop_reason") == Unusable.EXCLUDED.value).fill_null(value=False)
        is_listed = goes_with(listed) if "duplicate_of" in columns else is_of_rows_of(listed)
        if held := rows.filter(is_listed, ~is_gone).height:
            raise StoreError(
                f"{table.name} for {shard} still holds the text of {held:,} that are excluded. "
                "Materialize it again, then this"
            )


def excluded_tags(store: Store, table: Table | None, at: Partition) -> Tags:
    """The tag with which excluded conversations a partition is made without.

    Tables of one shard follow its conversations, and these its upstream rows. All others, and what
    is no table, may hold rows of any shard.
    """
    listed = store.excluded()
    if at.shard is None:
        return {EXCLUDED: digest_of(listed)}
    if table is None or not (table == CONVERSATIONS or table.of_source):
        return {}
    if not listed or not store.holds(CONVERSATIONS, at):
        return {EXCLUDED: digest_of(())}
    rows = store.read(CONVERSATIONS, at, *_ID_COLUMNS).filter(goes_with(listed))
    return {EXCLUDED: digest_of(rows["conversation_id"].to_list())}
