"""Which conversations must not be used any more, given the list of those that were excluded.

With a conversation go the other turns of its upstream row, which are its history or have it in
theirs, and later copies of the row.
"""

import hashlib
from collections.abc import Collection

import polars as pl

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.drop_reasons import Unusable


def rows_of(ids: Collection[str]) -> list[str]:
    """The upstream rows of conversation ids: an id without its last part, which is the turn."""
    return [identity.rpartition("-")[0] for identity in ids]


def row_of(column: str) -> pl.Expr:
    """The same for the ids in a column."""
    return pl.col(column).str.replace(r"-[^-]*$", "")


def goes_with(ids: Collection[str]) -> pl.Expr:
    """Whether a conversation goes with these: by ``conversation_id`` and ``duplicate_of``."""
    is_copy = row_of("duplicate_of").is_in(rows_of(ids)).fill_null(value=False)
    return is_of_rows_of(ids) | is_copy


def is_of_rows_of(ids: Collection[str]) -> pl.Expr:
    """Whether a conversation is of the same upstream row as one of these, by its id."""
    return row_of("conversation_id").is_in(rows_of(ids)).fill_null(value=False)


def digest_of(ids: Collection[str]) -> str:
    """Letters and digits that say which ids these are, in whatever order; ``none`` of none."""
    text = "\n".join(sorted(ids))
    return hashlib.sha256(text.encode()).hexdigest()[:32] if ids else "none"


def without_texts(rows: pl.DataFrame, source: Source, excluded: Collection[str]) -> pl.DataFrame:
    """Upstream rows with ``excluded_ids``; those that were excluded have nulls for their texts.

    Their ids cannot be computed without the texts, so they are kept beside them: the row stays
    accounted for.

    Args:
        rows: As `files.read_shard` reads them.
        source: The catalogue entry of the source.
        excluded: The list.
    """
    if not excluded:
        return rows
    made = build_conversations(rows, source, excluded)
    gone = made.filter(pl.col("drop_reason") == Unusable.EXCLUDED.value)
    ids = gone.group_by("source_row").agg(excluded_ids="conversation_id")
    is_gone = pl.col("excluded_ids").is_not_null()
    listed = rows.drop("excluded_ids")
    return listed.join(ids, on="source_row", how="left", maintain_order="left").with_columns(
        pl.when(~is_gone).then(pl.col(column)).alias(column) for column in source.columns
    )
