"""The asset checks that look for a benchmark's items in the training rows of its subjects.

They are apart from the other checks of evaluations because training rows are no table: they lie in
the folder of the training, as it learned them.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import dagster as dg
import polars as pl

from sysgen_dagster.defs.plumbing.asset_checks import check_result
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SUBJECTS, asset_key
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.evaluation.contamination import (
    NAME,
    OF_LANE,
    STATEMENT,
    STATEMENT_OF_LANE,
    find_learned,
    find_trained_on,
    index_suite,
)
from sysgen_dagster.evaluation.multifacet.tables import LANE_BENCH
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.lanes.multifaceted.tables import SELECTION
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.students.folders import DATA, training_folder
from sysgen_dagster.tables.checks import Check, Evidence, Finding
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster.training_sets.splits import Split

_ROWS_AT_ONCE = 20_000


def _looking_for(suite: Suite, items: Table) -> dg.AssetChecksDefinition:
    key = asset_key(suite.scores)

    @dg.multi_asset_check(
        name=f"{suite.name}_contamination_check",
        specs=[dg.AssetCheckSpec(NAME, asset=key, description=STATEMENT, partitions_def=SUBJECTS)],
        compute_kind="polars",
    )
    def evaluate(
        context: dg.AssetCheckExecutionContext, tables: TablesResource
    ) -> Iterator[dg.AssetCheckResult]:
        """Looks into the rows that the subject, and what it was trained from, has learned."""
        look = partial(_look, suite, items, context.partition_key, tables.working_folder())
        evidence = StoredEvidence(tables.store(), (), subject=context.partition_key)
        yield check_result(Check(NAME, suite.scores, STATEMENT, False, look), evidence, key)

    return evaluate


def _look(suite: Suite, items: Table, subject: str, working: Path, evidence: Evidence) -> Finding:
    trainings = [*_trainings_of(subject)]
    if not trainings:
        said = "It is no training of the catalogue: what it has learned is not known"
        return Finding(True, 0.0, "0 rows", pl.DataFrame(), explanation=said)
    folders = {name: training_folder(working, name) / DATA for name in trainings}
    if gone := [name for name, folder in folders.items() if not folder.is_dir()]:
        said = f"The rows of {', '.join(gone)} are not on this machine: nobody has looked"
        return Finding(False, 0.0, "0 rows", pl.DataFrame(), explanation=said)
    index = index_suite(suite, items, evidence.read(items, *items.names))
    return find_learned(index, (part for each in folders.values() for part in _rows_of(each)))


def _looking_at_instructions(items: Table) -> dg.AssetChecksDefinition:
    key = asset_key(items)

    @dg.multi_asset_check(
        name=f"{items.name}_instructions_check",
        specs=[dg.AssetCheckSpec(OF_LANE, asset=key, description=STATEMENT_OF_LANE)],
        compute_kind="polars",
    )
    def evaluate(
        context: dg.AssetCheckExecutionContext, tables: TablesResource
    ) -> Iterator[dg.AssetCheckResult]:
        """Looks into the instructions that the second lane takes to train on."""
        store = tables.store()
        is_taken = CATALOG.multifaceted is not None and store.holds(SELECTION, Partition())

        def look(evidence: Evidence) -> Finding:
            columns = ("position", "conversation_id", "source", "question")
            chosen = evidence.read(SELECTION, *columns) if is_taken else SELECTION.empty()
            asked = evidence.read(items, "item", "prompt")
            return find_trained_on(asked, chosen.drop_nulls("position"))

        check = Check(OF_LANE, items, STATEMENT_OF_LANE, False, look)
        yield check_result(check, StoredEvidence(store, ()), key)

    return evaluate


def _trainings_of(subject: str) -> Iterator[str]:
    """The training that a subject is, and those that it goes on from."""
    name = CATALOG.model_of_subject(subject).training
    while name is not None:
        yield name
        name = CATALOG.trainings[name].starts_from


def _rows_of(data: Path) -> Iterator[pl.DataFrame]:
    """The rows that were learned, some at a time; of all configurations of the export."""
    for file in sorted((data / "data").rglob(f"{Split.TRAIN.value}-*.parquet")):
        rows = pl.scan_parquet(file)
        height = rows.select(pl.len()).collect().item()
        for start in range(0, height, _ROWS_AT_ONCE):
            yield rows.slice(start, _ROWS_AT_ONCE).collect()


CONTAMINATION_CHECKS = [
    _looking_at_instructions(LANE_BENCH.items),
    *(
        _looking_for(suite, suite.items)
        for suite in SUITES
        if suite.items is not None and set(suite.texts) & set(suite.items.columns)
    ),
]
