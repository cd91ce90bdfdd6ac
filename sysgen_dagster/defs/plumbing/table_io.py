"""How an asset reads stored tables and stores its own, with the metadata that the UI shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from upath import UPath

from sysgen_dagster.catalog.models import Model
from sysgen_dagster.catalog.subjects import Subject
from sysgen_dagster.defs.plumbing.asked import asked_tags
from sysgen_dagster.defs.plumbing.checks import CHECKS
from sysgen_dagster.defs.plumbing.contracts import (
    evidence_of,
    evidence_of_shards,
    require_contracts,
)
from sysgen_dagster.defs.plumbing.excluded import excluded_tags, require_made_without_excluded
from sysgen_dagster.defs.plumbing.metadata import (
    STORY_ROWS,
    check_metadata,
    file_metadata,
    outcome_metadata,
    sample_metadata,
    story_metadata,
    summary_metadata,
    verdicts_metadata,
)
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SHARDS, asset_key
from sysgen_dagster.defs.plumbing.resources import InferenceResource, ModelSession, TablesResource
from sysgen_dagster.defs.plumbing.set_metadata import SHOWN_AS_SETS, set_metadata
from sysgen_dagster.defs.plumbing.versions import cut_tags, data_version, pilot_tags
from sysgen_dagster.lanes.sysgen.paper import ModelCounts
from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.stories import build_stories
from sysgen_dagster.lanes.sysgen.story_rows import choose_from_step, choose_not_obeying
from sysgen_dagster.obedience.calibration import Kind
from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION, OBEDIENCE
from sysgen_dagster.obedience.worth import mark_uncalibrated
from sysgen_dagster.report.views import view_of
from sysgen_dagster.sources.tables import CONVERSATIONS, SOURCE_ROWS
from sysgen_dagster.storage.cuts import Cut
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.parquet import scan
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.checks import checks_of
from sysgen_dagster.tables.table import By, Frame, Partition, Table, TableError, kept

# Metadata of a table over many shards: which ones it was made of.
LOOKED_AT = "shards_read"


@dataclass(slots=True)
class AssetRun:
    """The making of one partition of one table: what the asset's function reads, asks and notes.

    Attributes:
        table: The table that is made.
        at: The partition of it.
        context: Dagster's own view of the run.
        tables: Where the tables are.
        models: The models' engines; None for an asset that sends no requests.
        metadata: Metadata that the function adds for the UI.
        settings: Settings that downstream assets read with the rows; part of the data version.
        sessions: The sessions with models that the function has opened.
        cut: The cut that the rows are from, where the function knows it.
        tags: What else is noted with the partition, to be compared with what would be noted now.
    """

    table: Table
    at: Partition
    context: dg.AssetExecutionContext
    tables: TablesResource
    models: InferenceResource | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    settings: str = ""
    sessions: list[ModelSession] = field(default_factory=list)
    cut: Cut | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """Where the tables are stored."""
        return self.tables.store()

    @property
    def model(self) -> Generator:
        """The model of the partition."""
        assert self.at.model is not None
        return CATALOG.models[self.at.model]

    @property
    def subject(self) -> Subject:
        """The subject of the partition."""
        assert self.at.subject is not None
        return CATALOG.subjects[self.at.subject]

    @property
    def statistics(self) -> "StoredStatistics":
        """The stored statistics of the partition's model, or those of no model."""
        return StoredStatistics(self.store, self.at.model or "")

    def note(self, **metadata: Any) -> None:
        """Add to the metadata that the UI shows of every table."""
        self.metadata.update(metadata)

    def open_session(
        self, model: Model, remembered_as: str | None = None, asked_in: Table | None = None
    ) -> ModelSession:
        """A session with a model, which has been reached before anything is read.

        Args:
            model: The model that gets the requests.
            remembered_as: The name of the ledger of its answers; the partition's key by default.
            asked_in: The table with whose settings it is asked; None: the one that is made.

        Raises:
            EngineError: The model cannot be reached or started.
        """
        assert self.models is not None
        key = remembered_as or str(self.at.key)
        name = asked_in.name if asked_in else None
        session = self.models.session(self.context, model, key, name)
        if self.sessions:  # the run shows how far it is with all of them
            session.progress = self.sessions[0].progress
        self.sessions.append(session)
        return session

    def evidence(self) -> StoredEvidence:
        """The stored rows of the partition's shard."""
        return evidence_of(self.store, self.at)

    def read_kept(self, table: Table) -> pl.DataFrame:
        """The rows of a table before this one that go on, once its contracts hold.

        Dagster's blocking checks stop only assets of their own run. A run of this asset alone is
        not stopped by them, so the contracts are evaluated here.

        Raises:
            dg.Failure: A contract does not hold.
            StoreError: The conversations are older than the list of excluded ones.
        """
        require_made_without_excluded(self.store, str(self.at.shard))
        require_contracts(self.evidence(), table)
        return kept(self.store.read(table, self.at))

    def all_shards(self, table: Table) -> StoredEvidence:
        """The rows of every shard whose partition of `table` is stored; the UI shows how many.

        Raises:
            StoreError: No partition is stored.
        """
        model = self.at.model if "model" in table.by.value else None
        evidence = evidence_of_shards(self.store, table, model)
        self.note(
            shards=f"{len(evidence.shards)} of {len(SHARDS.get_partition_keys())} read",
            **{LOOKED_AT: dg.MetadataValue.json(list(evidence.shards))},
        )
        return evidence


def noted(
    instance: dg.DagsterInstance, table: Table, model: str | None = None
) -> Mapping[str, Any]:
    """What the run that made a table's partition has noted; nothing where Dagster has no record."""
    partition = [model] if table.by is By.MODEL and model else None
    wanted = dg.AssetRecordsFilter(asset_key=asset_key(table), asset_partitions=partition)
    records = instance.fetch_materializations(wanted, limit=1).records
    made = records[0].asset_materialization if records else None
    return {name: value.value for name, value in made.metadata.items()} if made else {}


@dataclass(frozen=True, slots=True)
class StoredStatistics:
    """The statistics of one model, or those of no model."""

    store: Store
    model: str = ""

    @property
    def published(self) -> ModelCounts | None:
        """The counts that the paper reports for the model; None where it reports none."""
        model = CATALOG.models.get(self.model)
        return model.published if model else None

    def read(self, table: Table) -> pl.DataFrame | None:
        """A whole stored table; None where it is not made."""
        at = Partition(self.model) if table.by is By.MODEL else Partition()
        return self.store.read(table, at) if self.store.holds(table, at) else None


def cut_of(run: AssetRun) -> Cut | None:
    """The cut of the source that the rows of a shard are from; None for other partitions.

    It is noted where a source is read, and handed on from table to table.
    """
    if run.at.shard is None:
        return None
    if run.cut is not None:
        return run.cut
    before = SOURCE_ROWS if run.table == CONVERSATIONS else CONVERSATIONS
    return run.store.cut(before, run.at) if run.store.holds(before, run.at) else None


def store_result(run: AssetRun, frame: Frame) -> dg.MaterializeResult[None]:
    """Store what an asset's function made; the result tells the UI about it.

    Rows that are too many for memory come as a lazy frame; their metadata is computed from the
    stored file. The ledger of a model's answers is sealed only when the rows are stored.
    """
    cut = cut_of(run)
    path = run.store.write(run.table, run.at, frame, cut)
    stored = frame if isinstance(frame, pl.DataFrame) else scan(path)
    described = (
        _partition_shown(run, stored, path)
        if run.at.shard
        else _summary_shown(run, stored.lazy().collect(), str(path))
    )
    asked = asked_tags(run.table, run.at, run.models.engines().identify) if run.models else {}
    result: dg.MaterializeResult[None] = dg.MaterializeResult(
        metadata={**described, **run.metadata},
        data_version=data_version(stored.select(run.table.names), run.settings, run.table.columns),
        tags={
            **pilot_tags(stored),
            **cut_tags(cut),
            **asked,
            **excluded_tags(run.store, run.table, run.at),
            **run.tags,
        },
    )
    for session in run.sessions:
        session.ledger.seal()
    return result


def _partition_shown(
    run: AssetRun, stored: pl.DataFrame | pl.LazyFrame, path: Path | UPath
) -> dict[str, Any]:
    """What the UI shows of a shard, in the order in which it is read: outcome, rows, checks."""
    return {
        **outcome_metadata(stored),
        **_rows_shown(run, stored),
        **check_metadata(checks_of(CHECKS, run.table), run.evidence()),
        **file_metadata(stored, path),
    }


def _rows_shown(run: AssetRun, stored: pl.DataFrame | pl.LazyFrame) -> dict[str, Any]:
    """A few rows: of a phase with all that came before it, of obedience those that do not obey."""
    if run.table == OBEDIENCE:
        calibration = run.statistics.read(JUDGE_CALIBRATION)
        rows = mark_uncalibrated(stored.lazy().collect(), Kind.PHRASE, calibration)
        ids = choose_not_obeying(rows, STORY_ROWS)
        return {**verdicts_metadata(rows["phrases"]), **_stories_shown(run, ids, obedience=rows)}
    of_sets = run.table in SHOWN_AS_SETS
    if run.at.model is None or not (of_sets or run.table in STEPS):
        return sample_metadata(stored)
    outcomes = stored.lazy().select("conversation_id", "drop_reason").collect()
    ids = choose_from_step(outcomes, STORY_ROWS)
    if of_sets:
        return _as_far_as_stored(lambda: set_metadata(run.table, run.evidence(), ids))
    return _stories_shown(run, ids, upto=run.table)


def _stories_shown(run: AssetRun, ids: list[str], **told: Any) -> dict[str, Any]:
    shard, model = run.evidence(), run.at.model or ""
    return _as_far_as_stored(lambda: story_metadata(build_stories([shard], model, ids, **told)))


def _as_far_as_stored(tell: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return tell()
    except (StoreError, TableError) as error:  # an earlier step was taken away meanwhile
        return {"rows": f"They cannot be shown: {error}"}


def _summary_shown(run: AssetRun, rows: pl.DataFrame, path: str) -> dict[str, Any]:
    counted = "dagster/partition_row_count" if run.at.key else "dagster/row_count"
    view, model = view_of(run.table), run.at.model or ""
    summary = view and summary_metadata(view, view.summary(rows, run.statistics), model)
    return {**(summary or {}), counted: rows.height, "file": dg.MetadataValue.path(path)}
