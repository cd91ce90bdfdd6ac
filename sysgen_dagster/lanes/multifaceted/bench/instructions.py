"""The instructions of the bench: those that are held out, without what training ones repeat."""

from collections.abc import Collection

import polars as pl

from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_INSTRUCTIONS
from sysgen_dagster.lanes.multifaceted.drop_reasons import NoItem, NotTaken
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.exclusions import is_of_rows_of


def list_held_out(selection: pl.DataFrame) -> pl.DataFrame:
    """The rows of `tables.SELECTION` that are held out, in their order."""
    return selection.filter(pl.col("drop_reason") == NotTaken.HELD_OUT.value)


def build_bench_instructions(
    selection: pl.DataFrame, repeats: pl.DataFrame, excluded: Collection[str] = ()
) -> pl.DataFrame:
    """`tables.BENCH_INSTRUCTIONS`: one row per held-out instruction, in the order of the selection.

    Args:
        selection: `tables.SELECTION`.
        repeats: ``conversation_id`` of those that a training instruction mostly holds, with
            ``repeats`` (whose) and ``overlap`` (how much of it).
        excluded: Ids of conversations that must not be used; the rows stay, without their texts.
    """
    is_gone = is_of_rows_of(excluded)
    return (
        list_held_out(selection)
        .join(repeats, on="conversation_id", how="left", maintain_order="left", validate="1:1")
        .with_columns(
            question=pl.when(~is_gone).then("question"),
            drop_reason=pl.when(is_gone)
            .then(pl.lit(Unusable.EXCLUDED.value))
            .when(pl.col("repeats").is_not_null())
            .then(pl.lit(NoItem.CONTAMINATED.value)),
        )
        .select(BENCH_INSTRUCTIONS.names)
    )
