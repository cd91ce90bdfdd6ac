"""Which stored partitions would come out the same now, so that they need not be made again.

Sources, conversations and phases are judged by the rows that they were made from, as the asset
`out_of_date` judges them. What is made of many partitions, in seconds, is judged by time: it is
made again after any of them, and after a change of the catalogue, which names recipes and licences.
"""

from collections.abc import Mapping, Sequence

import dagster as dg

from sysgen_dagster.catalog.load import catalog_file
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.operations.staleness import cut_otherwise, out_of_date, settings_now
from sysgen_dagster.defs.plumbing.assets import also_read
from sysgen_dagster.defs.plumbing.contracts import broken_contracts, evidence_of
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.resources import InferenceResource
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster.training_sets.tables import MIXTURES

_BY_ROWS = {Group.SOURCES, Group.CONVERSATIONS, Group.SYSGEN_PHASES}
_MADE = dg.DagsterEventType.ASSET_MATERIALIZATION


class UpToDate:
    """What of a deployment need not be made again."""

    def __init__(
        self, instance: dg.DagsterInstance, store: Store, models: InferenceResource
    ) -> None:
        """Where Dagster keeps what it made, the tables, and how models are asked now."""
        self._instance, self._store = instance, store
        self._identify = models.engines().identify
        self._graph = defs.resolve_asset_graph()
        self._numbers: dict[dg.AssetKey, Mapping[str | None, int]] = {}
        self._changed: dict[dg.AssetKey, set[str]] = {}
        self._made: set[tuple[dg.AssetKey, str | None]] = set()

    def stale(
        self, assets: Sequence[dg.AssetKey], partition: str | None, limit: int | None = None
    ) -> list[dg.AssetKey]:
        """Those of some assets that are made together which have to be made, in their order.

        Args:
            assets: Made for the same partition.
            partition: Its key.
            limit: How many conversations of a shard Phase 1 is to take; None: all of them.
        """
        found: list[dg.AssetKey] = []
        for key in self._graph.toposorted_asset_keys:
            if key in assets and (
                not self._graph.get(key).parent_keys.isdisjoint(found)
                or self._is_stale(key, partition, limit)
            ):
                found.append(key)
        return found

    def note(self, assets: Sequence[dg.AssetKey], partition: str | None) -> None:
        """These were made just now."""
        self._made |= {(key, partition) for key in assets}
        for key in assets:
            self._numbers.pop(key, None)

    def _is_stale(self, key: dg.AssetKey, partition: str | None, limit: int | None) -> bool:
        table = TABLES.get(key.to_user_string())
        if partition not in self._made_as(key) or not self._is_stored(key, table, partition):
            return True
        if table is None or table.group not in _BY_ROWS:
            follows_people = table == MIXTURES and str(partition) in self.out_of_date(key)
            return follows_people or self._is_older(key, partition)
        at = table.partition_of(partition)
        return (
            str(partition) in self.out_of_date(key)
            or any(
                (parent, near) in self._made
                for parent in self._parents(key)
                for near in _near(partition)
            )
            or (table == ANNOTATED and not self._took(at, limit))
            or self._breaks_a_contract(table, at)
        )

    def _parents(self, key: dg.AssetKey) -> list[dg.AssetKey]:
        asset = self._graph.get(key)
        return sorted({*asset.parent_keys, *also_read(asset.metadata)})

    def _made_as(self, key: dg.AssetKey) -> Mapping[str | None, int]:
        """By partition (None where there are none), a number that grows with time."""
        if key not in self._numbers:
            numbers = self._instance.get_latest_storage_id_by_partition(key, _MADE)
            made: dict[str | None, int] = dict(numbers.items())
            if not made and (last := self._instance.fetch_materializations(key, limit=1).records):
                made[None] = last[0].storage_id
            self._numbers[key] = made
        return self._numbers[key]

    def _is_stored(self, key: dg.AssetKey, table: Table | None, partition: str | None) -> bool:
        if table is not None:
            return self._store.holds(table, table.partition_of(partition))
        is_report = key == dg.AssetKey("report")
        place = self._store.report if is_report else self._store.export(str(partition))
        return place.exists()

    def _is_older(self, key: dg.AssetKey, partition: str | None) -> bool:
        """Whether it was made before what it is made of, or before the catalogue's last change."""
        own = self._made_as(key)[partition]
        for parent in self._parents(key):
            made = self._made_as(parent)
            near = [made[each] for each in _near(partition) if each in made]
            if max(near or made.values(), default=0) > own:
                return True
        event = self._instance.fetch_materializations(
            dg.AssetRecordsFilter(key, storage_ids=[own]), limit=1
        ).records[0]
        return event.timestamp < catalog_file().stat().st_mtime

    def out_of_date(self, key: dg.AssetKey) -> set[str]:
        """The partitions of an asset that would come out otherwise now; `WHOLE` without any."""
        if key not in self._changed:
            instance, version = self._instance, self._graph.get(key).code_version
            now = settings_now(key, self._store, self._identify)
            changed = out_of_date(instance, key, self._parents(key), version, now)
            self._changed[key] = {*changed, *cut_otherwise(instance, key, CATALOG.shards_of)}
        return self._changed[key]

    def _took(self, at: Partition, limit: int | None) -> bool:
        """Whether Phase 1 has asked about as many conversations as it would now, or about all."""
        reasons = self._store.read(ANNOTATED, at, "drop_reason")["drop_reason"]
        left_out = (reasons == NoAnswer.BEYOND_LIMIT.value).sum()
        return left_out == 0 or reasons.len() - left_out == limit

    def _breaks_a_contract(self, table: Table, at: Partition) -> bool:
        """Whether a stored partition would stop what comes after it; then it is tried again."""
        return any(broken_contracts(evidence_of(self._store, at), table))


def _near(partition: str | None) -> list[str]:
    """A partition's key, and the shard in it: under these an input of one partition is known."""
    return [] if partition is None else [partition, partition.rpartition("|")[-1]]
