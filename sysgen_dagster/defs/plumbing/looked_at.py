"""Whether rows were looked at for every flag that a recipe leaves out."""

from collections.abc import Sequence

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.defs.plumbing.table_io import LOOKED_AT, AssetRun, noted
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.table import By, Partition
from sysgen_dagster.training_sets.flags import looks_at_every_row, tables_of_flags

_NAMED = 5  # shards that an error names


def require_looked_at(recipe: Recipe, run: AssetRun, model: str, shards: Sequence[str]) -> None:
    """Do nothing where rows of these shards were looked at for every flag that a recipe leaves out.

    Raises:
        StoreError: A table that names such rows is not made, or was made without some shards.
    """
    wanted = [(flag, table, None) for flag, table in tables_of_flags(recipe, By.NOTHING).items()]
    of_model = [(flag, table, model) for flag, table in tables_of_flags(recipe, By.MODEL).items()]
    taken = {
        each for each in shards if not recipe.sources or split_shard(each)[0] in recipe.sources
    }
    for flag, table, of in [*wanted, *of_model]:
        place = table.label(Partition(of))
        said = f"mixture {run.at.recipe} leaves out `{flag}`, and {place}"
        why = "rows that nobody has looked at would count as clean"
        if not run.store.holds(table, Partition(of)):
            raise StoreError(
                f"{said} is not materialized: {why}. Materialize it first, or take `{flag}` out of "
                "`leave_out`"
            )
        # Of a table of which Dagster has no record the shards are not known.
        read = noted(run.context.instance, table, of).get(LOOKED_AT, shards)
        if looks_at_every_row(table) and (missing := sorted(taken - {*read})):
            named = ", ".join(missing[:_NAMED]) + (", ..." if len(missing) > _NAMED else "")
            raise StoreError(f"{said} was made without {named}: {why}. Materialize it again")
