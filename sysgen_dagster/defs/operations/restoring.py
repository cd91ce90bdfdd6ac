"""Dagster's records made again from what is stored, where its database was lost or is a new one.

A record says what a run would have said: rows, size, versions of the data and of the code. Checks
are run again, so that their pages are filled. Runs, their logs and pushes to the Hub are not to be
had back.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from upath import UPath

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.defs.plumbing.metadata import table_metadata
from sysgen_dagster.defs.plumbing.partitions import CATALOG, RESTORING, asset_key
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.defs.plumbing.versions import data_version, pilot_tags, reading_settings
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.inventory import State, inventory
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Partition, Table, kept
from sysgen_dagster.training_sets.export.folder import MANIFEST

NOTE = "Recorded again from the stored file; the run that made it is not known here."
# What a run writes beside each materialization, and the UI goes by.
_CODE_VERSION = "dagster/code_version"
_DATA_VERSION = "dagster/data_version"
_DATA_VERSION_IS_OURS = "dagster/data_version_is_user_provided"
_INPUT_VERSION = "dagster/input_data_version"
_INPUT_RECORD = "dagster/input_event_pointer"
_PARTITION = "dagster/partition"
_COARSE_S = 1  # object storage tells whole seconds
# As Dagster writes them for an input that was never made.
_NEVER_MADE = {_INPUT_VERSION: "INITIAL", _INPUT_RECORD: "NULL"}

Tell = Callable[[str], None]
Key = str | None  # of a partition; None: the asset has none


@dataclass(slots=True)
class Restored:
    """What became of the stored files.

    Attributes:
        recorded: How many partitions of each table were recorded.
        unchanged: How many were recorded already.
        left_out: Why a stored partition was not recorded: one line each.
        checks: How many checks were evaluated.
        broken: Of them, those of contracts that do not hold: one line each.
    """

    recorded: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    left_out: list[str] = field(default_factory=list)
    checks: int = 0
    broken: list[str] = field(default_factory=list)


def restore(
    instance: dg.DagsterInstance,
    defs: dg.Definitions,
    tables: TablesResource,
    recheck: bool = False,
    tell: Tell = print,
) -> Restored:
    """Record every stored partition of the catalogue that is whole and not recorded as it is.

    Inputs come before what is made of them, so that nothing looks older than its inputs.

    Args:
        instance: Where it is recorded; no run may be going.
        defs: Those of the code location.
        tables: Where everything is stored.
        recheck: Evaluate the checks of everything stored, not only of what is recorded now.
        tell: Takes a line of progress.
    """
    result, graph, store = Restored(), defs.resolve_asset_graph(), tables.store()
    files = _whole(store, result)
    result.left_out += _lost(instance, store)
    check: dict[Key, set[dg.AssetKey]] = defaultdict(set)
    for asset in graph.toposorted_asset_keys:
        node, name = graph.get(asset), asset.to_user_string()
        recording = _Recording(instance, asset, node.parent_keys, node.code_version)
        for at in files.get(name, ()):
            try:
                new = recording.record(store, TABLES[name], at)
            except StoreError as error:  # damaged where no footer tells
                result.left_out.append(str(error))
                continue
            result.recorded[name] += new
            result.unchanged += not new
            if new or recheck:
                check[at.key].add(asset)
        for key, path in _beside_the_tables(store, name):
            new = recording.record_file(key, path)
            result.recorded[name] += new
            result.unchanged += not new
        if result.recorded[name]:
            tell(f"recorded {name}: {result.recorded[name]}")
    for key, assets in check.items():
        _evaluate(instance, defs, tables, key, assets, result)
        tell(f"checked {key or 'what has no partition'}")
    return result


def _whole(store: Store, result: Restored) -> Mapping[str, list[Partition]]:
    """By table, the partitions whose file is whole; of the others, why they are left out."""
    stored = inventory(store, CATALOG, TABLES.values())
    for row in stored.filter(pl.col("state") != State.WHOLE.value).iter_rows(named=True):
        result.left_out.append(f"{row['path']}: {row['state']}, {row['detail']}")
    paths = set(stored.filter(state=State.WHOLE.value)["path"])
    found: dict[str, list[Partition]] = defaultdict(list)
    for table in TABLES.values():
        for at in table.partitions(CATALOG):
            if str(store.path(table, at)) in paths:
                found[table.name].append(at)
    return found


def _lost(instance: dg.DagsterInstance, store: Store) -> Iterator[str]:
    """A line for each partition that Dagster has as made and of which no file is there."""
    for table in TABLES.values():
        made = instance.get_materialized_partitions(asset_key(table))
        for at in table.partitions(CATALOG):
            path = store.path(table, at)
            if at.key in made and not path.is_file():
                yield (
                    f"{table.label(at)}: Dagster has it as made, but {path} is missing; "
                    "materialize it again"
                )


def _beside_the_tables(store: Store, asset: str) -> Iterable[tuple[Key, Path | UPath]]:
    """What is stored and is no table: the report, and the folders of mixtures."""
    if asset == "report" and store.report.is_file():
        yield None, store.report
    if asset == "exports":
        for name in CATALOG.mixtures:
            if (manifest := store.export(name) / MANIFEST).is_file():
                yield name, manifest


@dataclass(frozen=True, slots=True)
class _Recording:
    """Records of one asset, whose inputs are all recorded."""

    instance: dg.DagsterInstance
    asset: dg.AssetKey
    upstream: Collection[dg.AssetKey]
    code_version: str | None
    inputs: dict[dg.AssetKey, "_Input"] = field(default_factory=dict)

    def record(self, store: Store, table: Table, at: Partition) -> bool:
        """Whether the partition had to be recorded.

        Raises:
            StoreError: Its file is damaged.
        """
        source = CATALOG.sources[table.of_source] if table.of_source else None
        rows, path = store.read(table, at), store.path(table, at)
        version = data_version(rows, reading_settings(source) if source else "").value
        last = self._last(at.key)
        if last is not None and _is_of(self.instance, last, version, path):
            return False
        metadata = table_metadata(rows, path)
        if at.key is None:
            metadata["dagster/row_count"] = metadata.pop("dagster/partition_row_count")
        tags = {_DATA_VERSION: version, _DATA_VERSION_IS_OURS: "true", **pilot_tags(rows)}
        code = _made_with(rows, source, self.code_version)
        if table == ANNOTATED and _is_of_other_rows(store, at, rows):
            tags[f"{_INPUT_VERSION}/{CONVERSATIONS.name}"] = "others than are stored now"
        self._report(at.key, metadata, tags, code)
        return True

    def record_file(self, key: Key, path: Path | UPath) -> bool:
        """Whether a file that is no table had to be recorded."""
        if self._last(key) is not None:
            return False
        self._report(key, {"file": dg.MetadataValue.path(str(path))}, {}, self.code_version)
        return True

    def _last(self, key: Key) -> dg.EventLogRecord | None:
        wanted = dg.AssetRecordsFilter(self.asset, asset_partitions=[key] if key else None)
        return next(iter(self.instance.fetch_materializations(wanted, limit=1).records), None)

    def _report(
        self, key: Key, metadata: dict[str, Any], tags: Mapping[str, str], code: str | None
    ) -> None:
        seen = {_CODE_VERSION: code or "restored"}
        for upstream in self.upstream:
            if upstream not in self.inputs:
                self.inputs[upstream] = _Input.of(self.instance, upstream)
            for tag, value in self.inputs[upstream].tags(key).items():
                seen[f"{tag}/{upstream.to_user_string()}"] = value
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(
                self.asset,
                description=NOTE,
                metadata={**metadata, "restored": NOTE},
                partition=key,
                tags={**seen, **tags},
            )
        )


@dataclass(frozen=True, slots=True)
class _Input:
    """An asset as those after it see it.

    Attributes:
        last: Dagster's number of its last record; None: it was never made.
        versions: Of its data, by partition.
    """

    last: int | None
    versions: Mapping[Key, str]

    @classmethod
    def of(cls, instance: dg.DagsterInstance, asset: dg.AssetKey) -> "_Input":
        """The state of an asset now."""
        last = instance.get_latest_storage_id_by_partition(
            asset, dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        newest = instance.fetch_materializations(asset, limit=1).records
        numbers = [*last.values(), *(each.storage_id for each in newest)]
        if not numbers:
            return cls(None, {})
        wanted = dg.AssetRecordsFilter(asset, storage_ids=sorted(set(numbers)))
        records = instance.fetch_materializations(wanted, limit=len(numbers)).records
        versions = {
            each.partition_key: (each.asset_materialization.tags or {}).get(_DATA_VERSION, "")
            for each in records
            if each.asset_materialization is not None
        }
        return cls(max(numbers), versions)

    def tags(self, key: Key) -> Mapping[str, str]:
        """What a run notes of this input when it makes the partition `key`."""
        if self.last is None:
            return _NEVER_MADE
        return {_INPUT_VERSION: self._version(key), _INPUT_RECORD: str(self.last)}

    def _version(self, key: Key) -> str:
        if None in self.versions:
            return self.versions[None]
        # One partition of the same key or of the shard in it, else all those of a model, or all.
        one = next(
            (each for each in (key, (key or "").rpartition("|")[2]) if each in self.versions), None
        )
        of_a_model = [each for each in self.versions if str(each).startswith(f"{key}|")]
        read = [one] if one else of_a_model or [*self.versions]
        versions = "".join(self.versions[each] for each in sorted(read, key=str))
        return hashlib.sha256(versions.encode()).hexdigest()


def _is_of_other_rows(store: Store, at: Partition, rows: pl.DataFrame) -> bool:
    """Whether a first phase was made from other conversations than are stored now."""
    if not store.holds(CONVERSATIONS, at):
        return False
    asked = kept(store.read(CONVERSATIONS, at, "conversation_id", "drop_reason"))
    return set(asked["conversation_id"]) != set(rows["conversation_id"])


def _is_of(
    instance: dg.DagsterInstance, record: dg.EventLogRecord, version: str, path: Path | UPath
) -> bool:
    """Whether a record is that of the file."""
    made = record.asset_materialization
    if made is not None and (made.tags or {}).get(_DATA_VERSION) == version:
        return True
    # A run of a release that gave other versions, or none, stored it: not a copy of an older file.
    run = instance.get_run_record_by_id(record.run_id) if record.run_id else None
    if run is None or run.start_time is None:
        return False
    return run.start_time - _COARSE_S <= path.stat().st_mtime <= record.timestamp + _COARSE_S


def _made_with(rows: pl.DataFrame, source: Source | None, code: str | None) -> str | None:
    """The version of the code, unless the rows say that they were made with something else."""
    hub = source.hub if source else None
    if hub is not None and (others := set(rows["source_revision"]) - {hub.revision}):
        return f"revision {', '.join(sorted(map(str, others)))}"
    if code is not None and "prompt_fingerprint" in rows.columns:
        prompts = rows["prompt_fingerprint"].drop_nulls().unique().sort()
        if others := {prompt for prompt in prompts if prompt not in code}:
            return f"prompt {', '.join(sorted(others))}"
    return code


def _evaluate(
    instance: dg.DagsterInstance,
    defs: dg.Definitions,
    tables: TablesResource,
    key: Key,
    assets: set[dg.AssetKey],
    result: Restored,
) -> None:
    """Run the checks of the assets on one partition, or those that have none."""
    graph = defs.resolve_asset_graph()
    wanted = {
        check
        for check in graph.asset_check_keys
        if check.asset_key in assets
        and (graph.get_check_spec(check).partitions_def is None) == (key is None)
    }
    if not wanted:
        return
    # Not as single events: Dagster takes but one of those for a check and partition, ever.
    job = defs.resolve_implicit_global_asset_job_def().get_subset(asset_check_selection=wanted)
    run = job.execute_in_process(
        run_config={
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            "resources": {"tables": {"config": {"root": tables.root, "work": tables.work}}},
        },
        instance=instance,
        # A job of checks alone knows no partitions; the tag is what makes a run one of a partition.
        tags={RESTORING: "true", **({_PARTITION: key} if key else {})},
        raise_on_error=False,
    )
    for found in run.get_asset_check_evaluations():
        result.checks += 1
        if not found.passed and found.severity is dg.AssetCheckSeverity.ERROR:
            name = f"{found.asset_key.to_user_string()}/{found.check_name}"
            result.broken.append(f"{name} for {key}: {found.description}")
