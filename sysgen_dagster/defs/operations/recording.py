"""What is stored, recorded as made where Dagster has no record of it: after its database was lost.

Only materializations come back. Runs, their logs and the results of checks are in Dagster's
database alone: keep backups of it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import dagster as dg

from sysgen_dagster.defs.operations.staleness import (
    CODE_VERSION,
    DATA_VERSION,
    INPUT_VERSION,
    as_input,
    data_versions,
)
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.defs.plumbing.versions import Tags, data_version, pilot_tags, reading_settings
from sysgen_dagster.storage.inventory import State, inventory
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Partition, Table

NOTE = "Recorded from the stored file; the run that made it is not known here."
_INPUT_RECORD = "dagster/input_event_pointer"
_NEVER_MADE = "INITIAL"  # as Dagster notes the version of such an input


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the stored partitions that Dagster had no record of.

    Attributes:
        partitions: How many were recorded, by the name of their table.
        left_out: A line for each that was not, because its file is damaged.
    """

    partitions: Counter[str] = field(default_factory=Counter)
    left_out: list[str] = field(default_factory=list)


def record_stored(
    instance: dg.DagsterInstance,
    defs: dg.Definitions,
    store: Store,
    report: Callable[[str], None] = print,
) -> Recorded:
    """Record as made each whole stored partition of which the instance has no record.

    They count as made from what their inputs hold now, and as set now. So inputs come first.

    Args:
        instance: Where it is recorded.
        defs: Those of the code location.
        store: Where the tables are.
        report: Takes a line about each table.

    Raises:
        StoreUnavailableError: Object storage did not list the files.
    """
    recorded, graph = Recorded(), defs.resolve_asset_graph()
    whole = inventory(store, CATALOG, TABLES.values()).filter(state=State.WHOLE.value)
    for asset in graph.toposorted_asset_keys:
        node, name = graph.get(asset), asset.to_user_string()
        known = _versions(instance, asset)
        inputs = {each.to_user_string(): _versions(instance, each) for each in node.parent_keys}
        last = instance.event_log_storage.get_maximum_record_id() or 0
        for key in whole.filter(table=name)["partition"]:
            if key in known:
                continue
            table, at = TABLES[name], TABLES[name].partition_of(key)
            tags = _noted_by_a_run(inputs, at, node.code_version, last)
            try:
                made = _materialization(store, table, at, tags)
            except StoreError as error:  # damaged where the inventory does not look
                recorded.left_out.append(str(error))
                continue
            instance.report_runless_asset_event(made)
            recorded.partitions[name] += 1
        if recorded.partitions[name]:
            report(f"recorded {name}: {recorded.partitions[name]}")
    return recorded


def _versions(instance: dg.DagsterInstance, asset: dg.AssetKey) -> dict[str | None, str]:
    """The data version of each partition that is made; that of a whole table under None."""
    versions: dict[str | None, str] = {**data_versions(instance, asset)}
    event = instance.get_latest_materialization_event(asset)
    made = event.asset_materialization if event else None
    if made and made.partition is None:
        versions[None] = (made.tags or {}).get(DATA_VERSION, "")
    return versions


def _materialization(
    store: Store, table: Table, at: Partition, tags: Tags
) -> dg.AssetMaterialization:
    rows, path = store.read(table, at), store.path(table, at)
    settings = reading_settings(CATALOG.sources[table.of_source]) if table.of_source else ""
    counted = "dagster/partition_row_count" if at.key else "dagster/row_count"
    return dg.AssetMaterialization(
        table.name.split("/"),
        description=NOTE,
        partition=at.key,
        metadata={counted: rows.height, "file": dg.MetadataValue.path(str(path))},
        tags={**tags, DATA_VERSION: data_version(rows, settings).value, **pilot_tags(rows)},
    )


def _noted_by_a_run(
    inputs: Mapping[str, Mapping[str | None, str]], at: Partition, code: str | None, last: int
) -> Tags:
    """What a run notes of the code and of its inputs, for Dagster to see when they change.

    Of an input of several partitions Dagster goes by the number of the last event alone.
    """
    tags = {CODE_VERSION: code or "unknown"}
    for name, versions in inputs.items():
        one = versions.get(at.key) or versions.get(at.shard)
        version = versions.get(None) or (as_input(one) if one else _NEVER_MADE)
        tags |= {f"{INPUT_VERSION}/{name}": version, f"{_INPUT_RECORD}/{name}": str(last)}
    return tags
