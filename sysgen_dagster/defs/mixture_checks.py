"""The check of mixtures: whether a recipe that asks for a number of rows has got them."""

import dagster as dg

from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.defs.plumbing.candidates import takes
from sysgen_dagster.defs.plumbing.partitions import CATALOG, RECIPES
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.training_sets import mixtures
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.mixtures import count_missing
from sysgen_dagster.training_sets.tables import MIXTURES, table_of

_STATEMENT = "The mixture has as many rows of the train split as its recipe asks for."
_NAMED = 3  # partitions that the description names


@dg.asset_check(asset=mixtures, name="has_its_rows", description=_STATEMENT, partitions_def=RECIPES)
def has_its_rows(
    context: dg.AssetCheckExecutionContext, tables: TablesResource
) -> dg.AssetCheckResult:
    """Warns of a mixture that is too small, and says whether more rows can be made."""
    name, store = context.partition_key, tables.store()
    recipe = CATALOG.mixtures[name]
    missing = count_missing(store.read(MIXTURES, Partition(recipe=name)), recipe)
    said = f"True: {_STATEMENT}"
    if missing:
        said = (
            f"Not true: {_STATEMENT} It asks for {recipe.rows:,}, and {missing:,} are missing. "
            f"{_what_to_do(_unmade(store, recipe))}."
        )
    return dg.AssetCheckResult(
        passed=not missing,
        severity=dg.AssetCheckSeverity.WARN,
        description=said,
        metadata={"missing": missing, "wanted": recipe.rows or "all rows"},
    )


def _unmade(store: Store, recipe: Recipe) -> list[str]:
    """The partitions of the recipe's models and sources of which it has no rows yet."""
    table = table_of(recipe)
    places = [at for at in table.partitions(CATALOG) if takes(recipe, at)]
    return [str(at.key) for at in places if not store.holds(table, at)]


def _what_to_do(unmade: list[str]) -> str:
    if not unmade:
        return (
            "Every partition of its models and sources is made: ask for fewer rows, leave out "
            "less, or add a source or a model"
        )
    named = ", ".join(unmade[:_NAMED]) + (", ..." if len(unmade) > _NAMED else "")
    return (
        f"Partitions that are not made: {len(unmade):,} ({named}). The schedule `fill_gaps` makes "
        "them, and so does `sysgen run`"
    )


MIXTURE_CHECKS = [has_its_rows]
