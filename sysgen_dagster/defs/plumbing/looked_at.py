"""Whether rows were looked at for everything that a recipe leaves rows out for."""

from collections.abc import Sequence

import polars as pl

from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.defs.plumbing.candidates import takes
from sysgen_dagster.defs.plumbing.table_io import LOOKED_AT, AssetRun, noted
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.table import By, Partition
from sysgen_dagster.training_sets.flags import OBEDIENCE_FLAGS, looks_at_every_row, tables_of_flags
from sysgen_dagster.training_sets.tables import table_of

_NAMED = 5  # shards that an error names


def require_looked_at(recipe: Recipe, run: AssetRun, model: str, shards: Sequence[str]) -> None:
    """Do nothing where rows of these shards were looked at for every flag that a recipe leaves out.

    Raises:
        StoreError: A table that names such rows is not made, or was made without some shards.
    """
    wanted = [(flag, table, None) for flag, table in tables_of_flags(recipe, By.NOTHING).items()]
    of_model = [(flag, table, model) for flag, table in tables_of_flags(recipe, By.MODEL).items()]
    taken = {each for each in shards if takes(recipe, Partition(model, each))}
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


def require_obedience_known(
    recipe: Recipe, run: AssetRun, at: Partition, in_form: pl.DataFrame
) -> None:
    """Do nothing where rows say how far they obey, or the recipe does not ask for it.

    Args:
        recipe: The recipe of the mixture that is made.
        run: The making of the mixture.
        at: Where the rows are stored.
        in_form: The rows, with ``tags`` and ``phrases_not_obeyed``, pairs also with
            ``rejected_not_obeyed``.

    Raises:
        StoreError: They were made before anybody had looked.
    """
    if recipe.rejected_breaks and takes(recipe, at) and in_form["rejected_not_obeyed"].has_nulls():
        raise StoreError(
            f"mixture {run.at.recipe} asks by `rejected_breaks` whether rejected answers break a "
            f"phrase, and the rows of {table_of(recipe).label(at)} do not say. Materialize "
            f"{table_of(recipe).name} for {at.key} again"
        )
    flags = [flag for flag in OBEDIENCE_FLAGS if flag in recipe.leave_out]
    if not (recipe.obeyed or flags) or not takes(recipe, at):
        return
    # A row without tags has no system message that it could obey.
    unknown = pl.col("phrases_not_obeyed").is_null() & (pl.col("tags").list.len() > 0)
    if in_form.filter(unknown).height:
        by = "`obeyed`" if recipe.obeyed else f"`leave_out: {flags[0]}`"
        raise StoreError(
            f"mixture {run.at.recipe} asks by {by} whether answers obey, and the rows of "
            f"{table_of(recipe).label(at)} do not say. Materialize {OBEDIENCE.name} and then "
            f"{table_of(recipe).name} for {at.key} again"
        )
