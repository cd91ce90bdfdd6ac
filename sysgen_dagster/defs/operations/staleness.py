"""Partitions that are out of date: settings or the rows of an input have changed since.

The data version of a partition is a checksum of its rows, so a partition that is made again with
equal rows changes nothing downstream. By data versions Dagster marks a single partition on its own
page, but no partitioned asset as a whole: the asset `out_of_date` lists the partitions of all.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.defs.plumbing.asked import Identify, asked_tags
from sysgen_dagster.defs.plumbing.assets import also_read
from sysgen_dagster.defs.plumbing.excluded import excluded_tags
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.resources import InferenceResource, TablesResource
from sysgen_dagster.defs.plumbing.reviewed import reviewed_tags
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.defs.plumbing.versions import (
    CUT,
    DATA_VERSION,
    EXCLUDED,
    PILOT,
    REVIEWED,
    Tags,
    read_tag,
)
from sysgen_dagster.review.decisions import Decisions, read_decisions
from sysgen_dagster.sources.exclusions import digest_of
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import Partition

CODE_VERSION = "dagster/code_version"
INPUT_VERSION = "dagster/input_data_version"
_NAMED = 5  # partitions whose names a summary holds
UP_TO_DATE = "up_to_date"
WHOLE = "all"  # stands for the one partition of an asset without partitions


def pilots(instance: dg.DagsterInstance, asset: dg.AssetKey) -> set[str]:
    """The partitions of an asset whose last run was a pilot."""
    return {key for key, tags in _last_made(instance, asset).items() if PILOT in tags}


def cut_otherwise(
    instance: dg.DagsterInstance, asset: dg.AssetKey, shards_of: Mapping[str, int]
) -> set[str]:
    """The partitions of an asset made from another number of shards than the source now has."""

    def is_of_another_cut(partition: str, number: str) -> bool:
        source, _ = split_shard(partition.rpartition("|")[-1])
        return number != str(shards_of.get(source, number))

    made = _last_made(instance, asset).items()
    return {key for key, tags in made if CUT in tags and is_of_another_cut(key, tags[CUT])}


def out_of_date(
    instance: dg.DagsterInstance,
    asset: dg.AssetKey,
    upstream: Collection[dg.AssetKey],
    version: str | None = None,
    set_now: Callable[[str], Tags] | None = None,
) -> dict[str, list[str]]:
    """The partitions of an asset that would come out otherwise if they were made now.

    Args:
        instance: Where Dagster keeps what it made.
        asset: Whose partitions.
        upstream: Inputs to look at: their partition of the same key, else of the shard in the key,
            else all of one without partitions.
        version: The code version to look for; None: the settings are not looked at.
        set_now: By partition, tags with the settings that it would be made with now, such as how
            its model is asked.

    Returns:
        By partition (``all`` of an asset without partitions), the names of the inputs that hold
        other rows now than it was made from, and ``its file or settings``. What was made before
        there were data versions is not judged.
    """
    now = {key.to_user_string(): data_versions(instance, key) for key in upstream}
    found: dict[str, list[str]] = {}
    for partition, tags in _last_made(instance, asset).items():
        shard = partition.rpartition("|")[-1]
        why = [
            name
            for name, versions in now.items()
            if (current := versions.get(partition) or versions.get(shard) or versions.get(None))
            and (
                tags.get(f"{INPUT_VERSION}/{name}")
                not in {None, current if None in versions else as_input(current)}
                or tags.get(read_tag(name)) not in {None, current}
            )
        ]
        own = {CODE_VERSION: version} if version is not None else {}
        own |= set_now(partition) if set_now else {}
        # What was made before such a tag was noted is not judged by it, but for what people say.
        before = own | {EXCLUDED: digest_of(()), REVIEWED: Decisions().digest}
        if any(tags.get(name, before[name]) != value for name, value in own.items()):
            why.append("its file or settings")
        if why:
            found[partition] = why
    return found


def watching(
    assets: Sequence[dg.AssetsDefinition], condition: dg.AutomationCondition[Any]
) -> dg.AssetsDefinition:
    """The asset that names the partitions of `assets` that are out of date, and why.

    It is an asset of its own and not a check of each: those would run, and look at every
    partition, with every partition that is made.
    """

    @dg.asset(
        name="out_of_date",
        deps=[asset.key for asset in assets],
        group_name=Group.OPERATIONS.value,
        kinds={"polars"},
        # With other settings it looks again, since it is about what has changed since.
        code_version=hashlib.sha256(CATALOG.model_dump_json().encode()).hexdigest(),
        automation_condition=condition,
        check_specs=[
            dg.AssetCheckSpec(
                UP_TO_DATE,
                asset="out_of_date",
                description="Every partition was made from what its inputs hold now, as now set.",
            )
        ],
    )
    def out_of_date_partitions(
        context: dg.AssetExecutionContext, tables: TablesResource, models: InferenceResource
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster: no parameter beside checks
        """What would come out otherwise if it were made now, since rows or settings changed."""
        return _named_all(
            {
                asset.key.to_user_string(): out_of_date(
                    context.instance,
                    asset.key,
                    _read_by(asset),
                    asset.code_versions_by_key[asset.key],
                    settings_now(asset.key, tables.store(), models.engines().identify),
                )
                for asset in assets
            }
        )

    return out_of_date_partitions


def _read_by(asset: dg.AssetsDefinition) -> list[dg.AssetKey]:
    """The keys of what an asset depends on, and of what it reads beside that."""
    return sorted({*asset.asset_deps[asset.key], *also_read(asset.metadata_by_key[asset.key])})


def settings_now(asset: dg.AssetKey, store: Store, identify: Identify) -> Callable[[str], Tags]:
    """By partition of an asset, the tags with which it would be made now."""
    table, decisions = TABLES.get(asset.to_user_string()), read_decisions(store)

    def tags(partition: str) -> Tags:
        if table is None:  # an export or the report, of all shards
            return {**excluded_tags(store, None, Partition()), **reviewed_tags(decisions, None)}
        at = table.partition_of(None if partition == WHOLE else partition)
        return {
            **asked_tags(table, at, identify),
            **excluded_tags(store, table, at),
            **reviewed_tags(decisions, table),
        }

    return tags


def _named_all(
    stale: Mapping[str, Mapping[str, Sequence[str]]],
) -> dg.MaterializeResult[None]:
    """The result of `out_of_date`, by the partitions of each asset and what changed for them."""
    stale = {asset: partitions for asset, partitions in stale.items() if partitions}
    rows = [
        (asset, partition, ", ".join(why))
        for asset, partitions in stale.items()
        for partition, why in sorted(partitions.items())
    ]
    shown = pl.DataFrame(rows, ["asset", "partition", "what changed"], orient="row")
    summary = "; ".join(f"{asset}: {summarize_names(sorted(stale[asset]))}" for asset in stale)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(rows),
            **{asset: len(partitions) for asset, partitions in stale.items()},
            **({"which": markdown(shown)} if rows else {}),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=UP_TO_DATE,
                passed=not rows,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"Out of date: {summary}" if rows else "Nothing is out of date.",
            )
        ],
    )


def summarize_names(partitions: Sequence[str]) -> str:
    """The number of partitions and the first few names, such as ``7 (a, b, c, d, e, ...)``."""
    more = ", ..." if len(partitions) > _NAMED else ""
    return f"{len(partitions)} ({', '.join(partitions[:_NAMED])}{more})"


def data_versions(instance: dg.DagsterInstance, asset: dg.AssetKey) -> dict[str | None, str]:
    """The data version of each materialized partition; of an unpartitioned asset under None."""
    tags = instance.event_log_storage.get_latest_tags_by_partition(
        asset, dg.DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION]
    )
    versions: dict[str | None, str] = {key: each[DATA_VERSION] for key, each in tags.items()}
    whole = None if versions else instance.get_latest_materialization_event(asset)
    return {None: (whole.tags or {}).get(DATA_VERSION, "")} if whole else versions


def _last_made(instance: dg.DagsterInstance, asset: dg.AssetKey) -> dict[str, Tags]:
    """The tags of the last materialization of each partition; `WHOLE` where there are none."""
    last = instance.get_latest_storage_id_by_partition(
        asset, dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    if not last:
        event = instance.get_latest_materialization_event(asset)
        made = event.asset_materialization if event else None
        return {WHOLE: made.tags or {}} if made else {}
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset, storage_ids=list(last.values())), limit=len(last)
    ).records
    return {
        str(record.partition_key): record.asset_materialization.tags or {}
        for record in records
        if record.asset_materialization is not None
    }


def as_input(version: str) -> str:
    """A partition's data version as Dagster notes it where it is an input."""
    return hashlib.sha256(version.encode()).hexdigest()
