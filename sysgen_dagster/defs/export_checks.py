"""The contract of exports: what was written is loaded by the library `datasets`, row for row."""

from collections.abc import Mapping

import dagster as dg
import polars as pl

from sysgen_dagster.defs.exports import exports
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG, RECIPES
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.reviewed import rows_to_export
from sysgen_dagster.storage.exports import reading_export
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.training_sets.export.layout import ExportError
from sysgen_dagster.training_sets.export.loading import Loaded, load_export
from sysgen_dagster.training_sets.thoughts import exported_table

_STATEMENT = (
    "`datasets.load_dataset(folder, split=...)` loads every split, offline, with all rows of the "
    "mixture and the columns of their table."
)

_NOTHING = Loaded(0, 0, {})


@dg.asset_check(
    asset=exports,
    name="loads_with_datasets",
    description=_STATEMENT,
    blocking=True,
    partitions_def=RECIPES,
)
def loads_with_datasets(
    context: dg.AssetCheckExecutionContext, tables: TablesResource
) -> dg.AssetCheckResult:
    """Loads the export as it is stored, also where that is object storage."""
    name, store, working = context.partition_key, tables.store(), tables.working_folder()
    counts = rows_to_export(store, name).mixture["split"].value_counts(name="rows")
    wanted = {str(split): int(rows) for split, rows in counts.iter_rows()}
    metadata = {}
    try:
        if wanted:
            with reading_export(store, name, working) as folder:
                cache = working / "downloads" / "loading" / f"export-{name}"
                found = load_export(folder, cache)
            metadata["rows"] = markdown(_compare(wanted, found))
            columns = exported_table(CATALOG.mixtures[name]).schema
            reasons = _differences(wanted, found, {n: str(each) for n, each in columns.items()})
        else:
            reasons = []
    except (ExportError, StoreError) as error:
        reasons = [str(error)]
    passed = not reasons
    said = f"Not true: {_STATEMENT} {'. '.join(reasons)}." if reasons else f"True: {_STATEMENT}"
    return dg.AssetCheckResult(
        passed=passed, severity=dg.AssetCheckSeverity.ERROR, description=said, metadata=metadata
    )


def _compare(wanted: Mapping[str, int], found: Mapping[str, Loaded]) -> pl.DataFrame:
    """The rows of each split, of the mixture and as they were loaded; pairs are more rows."""
    splits = [*dict.fromkeys([*wanted, *found])]
    loaded = [found.get(split, _NOTHING) for split in splits]
    return pl.DataFrame(
        {
            "split": splits,
            "in the mixture": [wanted.get(split, 0) for split in splits],
            "loaded": [each.conversations for each in loaded],
            "rows": [each.rows for each in loaded],
        }
    )


def _differences(
    wanted: Mapping[str, int], found: Mapping[str, Loaded], columns: Mapping[str, str]
) -> list[str]:
    """What is other than it should be, as clauses."""
    loaded = {split: each.conversations for split, each in found.items()}
    reasons = [
        f"{split} has {loaded.get(split, 0):,} rows, the mixture {wanted.get(split, 0):,}"
        for split in dict.fromkeys([*wanted, *loaded])
        if loaded.get(split) != wanted.get(split)
    ]
    for split, each in found.items():
        if each.columns != columns:
            others = sorted(set(each.columns.items()) ^ set(columns.items()))
            reasons.append(f"the columns of {split} differ in {sorted({n for n, _ in others})}")
    return reasons


EXPORT_CHECKS = [loads_with_datasets]
