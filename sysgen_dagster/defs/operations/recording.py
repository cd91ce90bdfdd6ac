"""Materializations for stored partitions of which Dagster has no record: its database was lost.

Runs, their logs and the results of checks do not come back. They are in Dagster's database alone:
keep backups of it.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from sysgen_dagster.defs.operations import staleness
from sysgen_dagster.defs.plumbing.asked import Identify, asked_tags
from sysgen_dagster.defs.plumbing.assets import also_read
from sysgen_dagster.defs.plumbing.excluded import excluded_tags
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.defs.plumbing.versions import (
    DATA_VERSION,
    cut_tags,
    data_version,
    pilot_tags,
    read_tag,
    reading_settings,
)
from sysgen_dagster.storage.inventory import State, inventory
from sysgen_dagster.storage.store import Store, StoreError, StoreUnavailableError
from sysgen_dagster.tables.table import Partition, Table

NOTE = "Recorded from the stored file; the run that made it is not known here."
_INPUT_RECORD = "dagster/input_event_pointer"
_NEVER_MADE = "INITIAL"  # as Dagster notes the version of an input that has none


def record_stored(
    instance: dg.DagsterInstance, defs: dg.Definitions, store: Store
) -> Iterator[str | StoreError]:
    """Record as made each whole stored partition of which the instance has no record.

    They count as made from what their inputs hold now, and as set now, so that nothing looks out of
    date until something changes. Inputs are recorded first.

    Args:
        instance: Where it is recorded.
        defs: Those of the code location.
        store: Where the tables are.

    Yields:
        A line for each table of which something was recorded, and the error of each file that is
        damaged.

    Raises:
        StoreUnavailableError: Object storage did not give everything; what was recorded stays so.
    """
    graph = defs.resolve_asset_graph()
    whole = inventory(store, CATALOG, TABLES.values()).filter(state=State.WHOLE.value)
    assert defs.resources is not None
    identify = defs.resources["models"].engines().identify
    for asset in graph.toposorted_asset_keys:
        node, name, recorded = graph.get(asset), asset.to_user_string(), 0
        inputs = {
            each.to_user_string(): staleness.data_versions(instance, each)
            for each in node.parent_keys
        }
        beside = {
            each.to_user_string(): staleness.data_versions(instance, each)
            for each in also_read(node.metadata)
        }
        last = instance.event_log_storage.get_maximum_record_id() or 0
        known = staleness.data_versions(instance, asset)
        for key in whole.filter(table=name)["partition"]:
            if key in known:
                continue
            at = TABLES[name].partition_of(key)
            try:
                tags = _stored_tags(store, TABLES[name], at, identify)
            except StoreUnavailableError:
                raise
            except StoreError as error:  # damaged where the inventory does not look
                yield error
                continue
            tags |= _input_tags(inputs, at, last) | _read_tags(beside, at)
            tags |= {
                staleness.CODE_VERSION: node.code_version or "unknown",
            }
            made = dg.AssetMaterialization(asset, description=NOTE, partition=key, tags=tags)
            instance.report_runless_asset_event(made)
            recorded += 1
        if recorded:
            yield f"recorded {name}: {recorded}"


def _stored_tags(store: Store, table: Table, at: Partition, identify: Identify) -> dict[str, str]:
    """What a run notes of the rows that it stores."""
    rows = store.read(table, at)
    settings = reading_settings(CATALOG.sources[table.of_source]) if table.of_source else ""
    cut = store.cut(table, at) if at.shard else None
    return {
        DATA_VERSION: data_version(rows, settings, table.columns).value,
        **pilot_tags(rows),
        **cut_tags(cut),
        **asked_tags(table, at, identify),
        **excluded_tags(store, table, at),
    }


def _input_tags(
    inputs: Mapping[str, Mapping[str | None, str]], at: Partition, last: int
) -> dict[str, str]:
    """What a run notes of its inputs, by which Dagster sees later that they changed.

    Of an input of which several partitions are read, Dagster goes by the last event alone.
    """
    tags = {}
    for name, versions in inputs.items():
        one = versions.get(at.key) or versions.get(at.shard)
        version = staleness.as_input(one) if one and None not in versions else versions.get(None)
        tags[f"{staleness.INPUT_VERSION}/{name}"] = version or _NEVER_MADE
        tags[f"{_INPUT_RECORD}/{name}"] = str(last)
    return tags


def _read_tags(beside: Mapping[str, Mapping[str | None, str]], at: Partition) -> dict[str, str]:
    """What a run notes of what it reads beside its inputs."""
    read = {name: versions.get(at.shard) for name, versions in beside.items()}
    return {read_tag(name): version for name, version in read.items() if version}
