"""The items of the bench: the sets whose four rubrics are sound."""

import polars as pl

from sysgen_dagster.lanes.multifaceted.bench.tables import MULTIFACETED_BENCH, RUBRIC_FIELDS
from sysgen_dagster.lanes.multifaceted.siblings import choose_rejected
from sysgen_dagster.tables.content_ids import number_items
from sysgen_dagster.tables.table import kept

_ID = "conversation_id"
# What an item is known by: what a file of the bench has of it.
_CONTENT = ("source", "system_message", "prompt", "reference_answer", "rubrics")


def build_bench(references: pl.DataFrame, rubrics: pl.DataFrame) -> pl.DataFrame:
    """`tables.MULTIFACETED_BENCH`: one row per set, in the order of the references.

    A set that is no item has the drop reason of its reference, or says why there is no sibling's
    answer, or has the reason of the first of its rubrics that is not sound.

    Args:
        references: `tables.BENCH_REFERENCES`.
        rubrics: `tables.BENCH_RUBRICS` of all of these that have a sibling's answer.
    """
    siblings = choose_rejected(kept(references)).select(
        _ID, "unpaired", sibling_answer="rejected_answer"
    )
    tried = rubrics.group_by(_ID, maintain_order=True).agg(
        fault=pl.col("drop_reason").drop_nulls().first(),
        rubrics=pl.struct(*RUBRIC_FIELDS),
    )
    rows = (
        references.select(
            *(_ID, "source", "system_message", "drop_reason"),
            prompt="question",
            reference_answer="answer",
        )
        .join(siblings, on=_ID, how="left", maintain_order="left", validate="1:1")
        .join(tried, on=_ID, how="left", maintain_order="left", validate="1:1")
        .with_columns(drop_reason=pl.coalesce("drop_reason", "unpaired", "fault"))
        .with_columns(rubrics=pl.when(pl.col("drop_reason").is_null()).then("rubrics"))
    )
    items = kept(rows).select(_CONTENT).to_dicts()
    ids = kept(rows).select(_ID, item=pl.Series(number_items(items), dtype=pl.String))
    return rows.join(ids, on=_ID, how="left", maintain_order="left").select(
        MULTIFACETED_BENCH.names
    )
