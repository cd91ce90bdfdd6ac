"""Which rows are looked at where all of them are too many: the same ones in every run."""

import hashlib

import polars as pl


def draw_stratified_sample(rows: pl.DataFrame, per_source: int, seed: int) -> pl.DataFrame:
    """So many rows of each source, or all where a source has fewer.

    Every row has a place in its source that follows from `seed` and its ``conversation_id`` alone;
    the first ones are taken. The order and the sharding of the rows make no difference, a larger
    sample holds the smaller one, and the sample of the shards' samples is the sample of all rows.

    Returns:
        The columns of `rows`, of which ``conversation_id`` and ``source`` are used; sorted by
        source, then by place.
    """
    places = [_place(conversation_id, seed) for conversation_id in rows["conversation_id"]]
    place = pl.Series("place", places, dtype=pl.UInt64)
    order = (
        rows.select("source", "conversation_id")
        .with_columns(place)
        .with_row_index("row")
        .sort("source", "place", "conversation_id")
        .filter(pl.int_range(pl.len()).over("source") < per_source)
    )
    return rows[order["row"]]


def _place(conversation_id: str, seed: int) -> int:
    # Not Polars' own hash, which may change with its version and would change the sample.
    digest = hashlib.blake2b(f"{seed}/{conversation_id}".encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "big")
