"""The contract of exports: what was written is loaded by the library `datasets`, row for row."""

from collections.abc import Iterator, Mapping

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
from sysgen_dagster.training_sets.exported_rows import exported_table

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
    metadata, reasons = {}, []
    try:
        if wanted:
            with reading_export(store, name, working) as folder:
                found = load_export(folder, working)
            metadata["rows"] = markdown(_compare(wanted, found))
            columns = exported_table(CATALOG.mixtures[name]).schema
            reasons = list(_differences(wanted, found, {n: str(of) for n, of in columns.items()}))
    except (ExportError, StoreError) as error:
        reasons = [str(error)]
    said = f"Not true: {_STATEMENT} {'. '.join(reasons)}." if reasons else f"True: {_STATEMENT}"
    return dg.AssetCheckResult(passed=not reasons, description=said, metadata=metadata)


def _compare(wanted: Mapping[str, int], found: Mapping[str, Loaded]) -> pl.DataFrame:
    """The rows of each split, of the mixture and as they were loaded; pairs are more rows."""
    splits = dict.fromkeys([*wanted, *found])
    rows = [(each, wanted.get(each, 0), *found.get(each, _NOTHING)[:2]) for each in splits]
    return pl.DataFrame(rows, ["split", "in the mixture", "rows", "loaded"], orient="row").select(
        "split", "in the mixture", "loaded", "rows"
    )


def _differences(
    wanted: Mapping[str, int], found: Mapping[str, Loaded], columns: Mapping[str, str]
) -> Iterator[str]:
    """What is other than it should be, as clauses."""
    for split in dict.fromkeys([*wanted, *found]):
        loaded = found.get(split, _NOTHING)
        if loaded.conversations != wanted.get(split, 0):
            yield f"{split} has {loaded.conversations:,} rows, the mixture {wanted.get(split, 0):,}"
        if split in found and (other := loaded.columns.items() ^ columns.items()):
            yield f"the columns of {split} differ in {sorted({column for column, _ in other})}"


EXPORT_CHECKS = [loads_with_datasets]
