"""What is exported and what it cost, found in the store and in Dagster's records, for the report.

How it is shown is decided in `report`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from sysgen_dagster.analysis.costs import summarize_costs
from sysgen_dagster.analysis.measured_work import COLUMNS, WORK, measure_work
from sysgen_dagster.defs.plumbing.checks import CHECKS
from sysgen_dagster.defs.plumbing.contracts import evidence_for_checks
from sysgen_dagster.defs.plumbing.partitions import CATALOG, asset_key
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED
from sysgen_dagster.report.training_set import TrainingSet
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.exports import stored_exports
from sysgen_dagster.storage.store import Store, StoreError, answering
from sysgen_dagster.tables.checks import Check, Finding
from sysgen_dagster.tables.rates import kept_rate
from sysgen_dagster.tables.table import By, Partition, Table, TableError
from sysgen_dagster.training_sets.export.layout import ExportError
from sysgen_dagster.training_sets.export.manifest import count_rows, read_manifest
from sysgen_dagster.training_sets.reviewed import texts_of
from sysgen_dagster.training_sets.tables import MIXTURES, TABLES, table_of

_MOST_RUNS = 1_000  # of an asset whose times are added up


def list_training_sets(store: Store) -> list[TrainingSet]:
    """The exports of the catalogue's mixtures, in its order.

    Raises:
        StoreUnavailableError: Object storage did not answer.
    """
    exported, findings = stored_exports(store), _Findings(store)
    return [_describe(store, name, findings) for name in CATALOG.mixtures if name in exported]


def _describe(store: Store, name: str, findings: "_Findings") -> TrainingSet:
    folder = store.export(name)
    is_here = isinstance(folder, Path)
    try:
        with answering(folder):
            manifest = read_manifest(folder)
    except ExportError as error:
        return TrainingSet(name, str(folder), [], speaks_against=[str(error)], is_here=is_here)
    rows = count_rows(manifest)
    return TrainingSet(
        name,
        str(folder),
        list(rows.items()),
        list(_licenses(manifest)),
        list(dict.fromkeys([*_known_at_once(manifest, name), *findings.against(name)])),
        is_here,
    )


def _licenses(manifest: dict[str, Any]) -> Iterator[str]:
    yield from dict.fromkeys(
        f"{each['source']}: {each['source_license']}" for each in manifest["sources"]
    )
    yield from dict.fromkeys(
        f"answers of {each['model']}: {each['model_license']}" for each in manifest["models"]
    )


def _known_at_once(manifest: dict[str, Any], mixture: str) -> Iterator[str]:
    """What the manifest and the recipe say against it, without a look at the rows."""
    texts = compress(("messages", "answers"), texts_of(CATALOG.mixtures[mixture]))
    held = " and ".join(texts)
    made_up = [each["model"] for each in manifest["models"] if each["engine"] == "simulated"]
    if made_up and held:
        yield f"Nobody should train on it: its {held} are made up ({', '.join(made_up)})."
    if "unknown" in {each["source_license"] for each in manifest["sources"]}:
        yield "The licence of a source is not known: find out before you give rows or a model away."


@dataclass(slots=True)
class _Findings:
    """What checks find in the rows of mixtures, each check of a partition evaluated once."""

    store: Store
    found: dict[tuple[str, str, str | None], Finding | str] = field(default_factory=dict)

    def against(self, mixture: str) -> Iterator[str]:
        """What speaks against a mixture: a sentence for each check that does not hold."""
        at = Partition(recipe=mixture)
        if not self.store.holds(MIXTURES, at):
            return
        cells = self.store.read(MIXTURES, at, "model", "shard").unique(maintain_order=True)
        rows_are_in = table_of(CATALOG.mixtures[mixture])
        for check in CHECKS:
            if check.table in TABLES and check.table not in (rows_are_in, MIXTURES):
                continue
            if check.table.by is By.SUBJECT:  # of what was trained, not of what it was trained on
                continue
            places = dict.fromkeys(
                check.table.partition(Partition(model, shard, mixture))
                for model, shard in cells.iter_rows()
                if check.table.of_source in (None, shard.rpartition("-")[0])
            )
            yield from self._sentence(
                check, [p for p in places if self.store.holds(check.table, p)]
            )

    def _sentence(self, check: Check, places: list[Partition]) -> Iterator[str]:
        findings = {place: self._find(check, place) for place in places}
        broken = {
            place: finding
            for place, finding in findings.items()
            if isinstance(finding, str) or not finding.passed
        }
        if not broken:
            return
        first = next(iter(broken.values()))
        where = f" in {len(broken)} of {len(places)} shards" if len(places) > 1 else ""
        if check.table.by is By.MODEL:
            where = f" for {', '.join(str(place.model) for place in broken)}"
        yield f"Expected, but not so{where}: {check.statement} {_explain(check, first)}"

    def _find(self, check: Check, at: Partition) -> Finding | str:
        key = (check.table.name, check.name, at.key)
        if key not in self.found:
            try:
                self.found[key] = check.evaluate(evidence_for_checks(self.store, check.table, at))
            except (StoreError, TableError) as error:
                self.found[key] = str(error)
        return self.found[key]


def _explain(check: Check, finding: Finding | str) -> str:
    """What was found instead, and whether that stops what comes after."""
    if isinstance(finding, str):
        return f"It could not be looked at: {finding}"
    wanted = finding.wanted.partition(" (")[0]
    figure = f"{finding.figure:.1%}" if "%" in wanted else f"{finding.figure:,.4g}"
    said = f" {finding.explanation}." if finding.explanation else ""
    is_broken = " This is a contract." if check.is_broken_by(finding) else ""
    return f"Found {figure}, wanted {wanted}.{said}{is_broken}"


def measure_costs(
    evidence: StoredEvidence, model: str, instance: dg.DagsterInstance
) -> pl.DataFrame:
    """`analysis.costs.COSTS` of one model over these shards, after a column ``model``."""
    work, kept_rows = [pl.DataFrame(schema=WORK)], 0
    for shard in evidence.by_shard():
        annotated = shard.read(ANNOTATED, *COLUMNS[ANNOTATED])
        for table, columns in COLUMNS.items():
            rows = annotated if table == ANNOTATED else shard.read(table, *columns)
            work.append(measure_work(table.name, annotated, rows))
            if table == ALIGNED:
                kept_rows += kept_rate(rows).part
    hours = pl.DataFrame(
        [(table.name, _hours(instance, table, evidence)) for table in COLUMNS],
        {"phase": pl.String, "hours": pl.Float64},
        orient="row",
    )
    costs = summarize_costs(pl.concat(work), hours, kept_rows, CATALOG.models[model])
    return costs.select(pl.lit(model).alias("model"), pl.all())


def _hours(instance: dg.DagsterInstance, table: Table, evidence: StoredEvidence) -> float | None:
    """How long all runs that stored these partitions had requests in flight; None: not recorded."""
    keys = [Partition(evidence.model, shard).key or "" for shard in evidence.shards]
    wanted = dg.AssetRecordsFilter(asset_key=asset_key(table), asset_partitions=keys)
    records = instance.fetch_materializations(wanted, limit=_MOST_RUNS).records
    seconds = [
        made.metadata["engine/seconds"].value
        for record in records
        if (made := record.asset_materialization) and "engine/seconds" in made.metadata
    ]
    return sum(map(float, map(str, seconds))) / 3600 if seconds else None
