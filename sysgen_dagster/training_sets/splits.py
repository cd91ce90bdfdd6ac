"""Which rows are trained on, and which are kept for validation and test.

Conversations that say nearly the same are one group and are in the same split; otherwise a student
would be tested on what it was trained on. Two conversations are in one group if a chain of links
leads from one to the other. A link is: the same upstream row (turns of one conversation), upstream
rows of the same text, the same original question that was rephrased, or the same cluster of
near-duplicate questions. Such chains may be long: the summary states the size of the largest group.

A row once in test stays there. A new row can join two groups, or become the first of one; what a
split was drawn by is therefore stored with each row and handed on, and test decides for the whole
group, then validation.
"""

from enum import StrEnum

import polars as pl

from sysgen_dagster.analysis.clusters import Clusters
from sysgen_dagster.catalog.recipes import Training
from sysgen_dagster.training_sets.draws import draw_numbers
from sysgen_dagster.training_sets.tables import SPLITS

ALL = "all"  # stands in the column `source` of the summary for all sources


class Split(StrEnum):
    """The splits, as trainers name them, in the order in which they are listed."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


# Of the splits that rows of one group had, the first of these is that of the group.
_DECIDES_FIRST = pl.Enum([Split.TEST.value, Split.VALIDATION.value, Split.TRAIN.value])

_QUESTION = pl.col("same_question")
# Rows with equal values in one of these columns are linked; null equals nothing. The same original
# question links rows of different sources too: two sources may have rephrased the same one.
_LINKS = (
    pl.when(pl.col("source_row").is_not_null()).then(pl.struct("source", "source_row")),
    pl.coalesce("duplicate_of", "conversation_id"),
    pl.when(_QUESTION.str.strip_chars() != "").then(_QUESTION),
    pl.col("cluster"),
)


def build_splits(
    conversations: pl.DataFrame, settings: Training, before: pl.DataFrame | None = None
) -> pl.DataFrame:
    """`tables.SPLITS` of all usable conversations of all sources, in their order.

    The split of a new group is drawn by the group's name, its smallest conversation_id: neither the
    order of the rows nor other groups matter, and a larger test split contains the smaller one.
    Groups are drawn, not rows: the shares of the rows come near those of `settings` where groups
    are many and small. A group with rows that had a split keeps what these were drawn by.

    Args:
        conversations: ``conversation_id``, ``source``, ``source_row``, ``duplicate_of``,
            ``same_question`` (the value of the column that the source's ``same_question`` in the
            catalogue names) and ``cluster`` (of near-duplicate questions); the last three are null
            where there is none.
        settings: Shares of validation and test, and the seed. Another seed draws all anew; other
            shares move rows only as far as they must.
        before: `tables.SPLITS` as it was stored; None: there are none. Rows that are gone since
            are no longer known.
    """
    groups = _build_groups(conversations)
    known = (before if before is not None else SPLITS.empty()).select(
        "conversation_id", drawn_as=pl.coalesce("drawn_as", "group")
    )
    names = groups.join(known, on="conversation_id", how="left", maintain_order="left")
    candidates = names.select("group", "drawn_as").unique(maintain_order=True)
    # A new row follows those of its group that had a split; where there are none, the group's name.
    is_new = pl.col("drawn_as").is_null()
    candidates = candidates.filter(~is_new | is_new.all().over("group")).with_columns(
        pl.coalesce("drawn_as", "group")
    )
    drawn = candidates.with_columns(
        draw_numbers(candidates["drawn_as"], f"split/{settings.seed}")
    ).with_columns(split=split_of(pl.col("draw"), settings))
    decided = drawn.sort(pl.col("split").cast(_DECIDES_FIRST), "drawn_as").unique(
        "group", keep="first", maintain_order=True
    )
    return groups.join(decided, on="group", how="left", maintain_order="left").select(SPLITS.names)


def split_of(draw: pl.Expr, settings: Training) -> pl.Expr:
    """The split of what drew a number in [0, 1)."""
    # Test and validation are taken from opposite ends, so that another share of test moves no group
    # into or out of validation.
    return (
        pl.when(draw < settings.test)
        .then(pl.lit(Split.TEST.value))
        .when(draw >= 1 - settings.validation)
        .then(pl.lit(Split.VALIDATION.value))
        .otherwise(pl.lit(Split.TRAIN.value))
    )


def _build_groups(conversations: pl.DataFrame) -> pl.DataFrame:
    """``conversation_id``, ``source`` and ``group``, in the order of the conversations."""
    ordered = conversations.with_row_index("row").sort("conversation_id")
    ids = ordered["conversation_id"]
    groups = Clusters(ordered.height)
    for link in _LINKS:
        rows = ordered.select(link=link).with_row_index("row").drop_nulls("link")
        groups.join(rows.select("row", other=pl.col("row").first().over("link")))
    named = ordered.select("row", "conversation_id", "source", group=ids[groups.first()])
    return named.sort("row").drop("row")


def summarize_splits(splits: pl.DataFrame) -> pl.DataFrame:
    """One row per source and split of `tables.SPLITS`, and over all sources as ``all``.

    Returns:
        ``source``, ``split``, ``rows``, ``groups`` (how many have a row there), ``share`` of the
        source's rows, ``largest_group`` (its rows of the source; null where the split has none).
    """
    rows = pl.concat([splits, splits.with_columns(source=pl.lit(ALL))])
    counts = (
        rows.group_by("source", "split", "group")
        .agg(rows=pl.len().cast(pl.UInt32))
        .group_by("source", "split")
        .agg(
            pl.col("rows").sum(),
            groups=pl.len().cast(pl.UInt32),
            largest_group=pl.col("rows").max(),
        )
    )
    every = pl.DataFrame({"split": [split.value for split in Split]})
    return (
        rows.select(pl.col("source").unique(maintain_order=True))
        .join(every, how="cross")
        .join(counts, on=["source", "split"], how="left", maintain_order="left")
        .with_columns(pl.col("rows", "groups").fill_null(0))
        .with_columns(share=pl.col("rows") / pl.col("rows").sum().over("source"))
        .select("source", "split", "rows", "groups", "share", "largest_group")
    )
