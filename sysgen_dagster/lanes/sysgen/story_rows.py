"""Which rows a report shows: some of every way to end, the same ones in every run.

Only ids and outcomes are looked at, so that no more than a handful of rows is ever whole in memory.
Which rows are chosen depends on them alone, not on their order, so two models are shown on the same
rows as far as their outcomes allow.
"""

import hashlib
from collections.abc import Sequence
from typing import Protocol

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, VERIFIED
from sysgen_dagster.tables.table import Table

ROWS_PER_SOURCE = 60


# The rarer one first: a row that got several verdicts stands for the first of these.
_VERDICTS = ("Unreadable", "None", "Bad")


_IDENTITY = "conversation_id"


class Rows(Protocol):
    """The stored rows of one shard and model."""

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        """These columns of a table."""


def choose_rows(shards: Sequence[Rows], rows_per_source: int = ROWS_PER_SOURCE) -> list[str]:
    """Ids of the conversations of one model to show, sorted.

    Up to half of a source's places go to dropped rows, in turn to each reason; the rest to rows
    that went all the way, in turn to those with an unreadable verdict, a None, a Bad, and none of
    these. Places that one half cannot fill go to the other. Rows that a pilot run left out are
    never chosen.

    Args:
        shards: Each with the rows of its own shard and the same model.
        rows_per_source: Places of each source.
    """
    chosen = _NO_ROWS
    for shard in shards:
        chosen = _first_of_each_kind(pl.concat([chosen, _outcomes(shard)]), rows_per_source)
    places = [
        identity
        for _, rows in sorted(chosen.group_by("source"), key=lambda group: str(group[0]))
        for identity in _share_out(rows, rows_per_source)
    ]
    return sorted(places)


# ``kind`` is a drop reason, or for rows that were kept the verdict that they stand for.
_NO_ROWS = pl.DataFrame(
    schema={
        _IDENTITY: pl.String,
        "source": pl.String,
        "kind": pl.String,
        "dropped": pl.Boolean,
        "order": pl.String,
        "turn": pl.UInt32,
    }
)


def _outcomes(shard: Rows) -> pl.DataFrame:
    """One row per conversation: how it ended."""
    dropped = pl.concat(
        shard.read(table, _IDENTITY, "source", "drop_reason").drop_nulls("drop_reason")
        for table in STEPS
    )
    verdicts = shard.read(VERIFIED, _IDENTITY, "verdicts").select(
        _IDENTITY, verdicts=pl.col("verdicts").list.eval(pl.element().struct.field("verdict"))
    )
    kept = (
        shard.read(ALIGNED, _IDENTITY, "source", "drop_reason")
        .filter(pl.col("drop_reason").is_null())
        .join(verdicts, on=_IDENTITY, how="left")
    )
    kind = pl.coalesce(
        *(pl.when(pl.col("verdicts").list.contains(word)).then(pl.lit(word)) for word in _VERDICTS),
        pl.lit("Good"),
    )
    return pl.concat(
        [
            dropped.filter(pl.col("drop_reason") != NoAnswer.BEYOND_LIMIT.value).select(
                _IDENTITY, "source", kind="drop_reason", dropped=True
            ),
            kept.select(_IDENTITY, "source", kind=kind, dropped=False),
        ]
    ).with_columns(
        order=pl.col(_IDENTITY).map_elements(_order, return_dtype=pl.String),
        turn=pl.lit(0, dtype=pl.UInt32),
    )


def _order(identity: str) -> str:
    """A place in a shuffled order that is the same in every run and for every model."""
    return hashlib.blake2b(identity.encode(), digest_size=8, person=b"report rows").hexdigest()


def _first_of_each_kind(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """The rows that can still be chosen; ``turn`` is a row's place among its kind."""
    kind = ["source", "dropped", "kind"]
    return (
        rows.sort("order", _IDENTITY)
        .with_columns(turn=pl.int_range(pl.len(), dtype=pl.UInt32).over(kind))
        .filter(pl.col("turn") < most)
    )


def _share_out(rows: pl.DataFrame, places: int) -> list[str]:
    """The ids chosen of one source."""
    in_turn = rows.sort("turn", "order", _IDENTITY)
    dropped, kept = (in_turn.filter(pl.col("dropped") == flag)[_IDENTITY] for flag in (True, False))
    for_dropped = min(dropped.len(), max(places // 2, places - kept.len()))
    return [*dropped.head(for_dropped), *kept.head(places - for_dropped)]
