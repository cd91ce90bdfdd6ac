"""Samples of rows that are the same in every run."""

from hashlib import blake2b

import polars as pl


def draw_stratified_sample(rows: pl.DataFrame, per_source: int, seed: int) -> pl.DataFrame:
    """A sample of `per_source` rows of each source, or all rows of a source that has fewer.

    Rows are ranked by a hash of `seed` and ``conversation_id``, and the first ones are taken. So
    the order and the sharding of the rows make no difference, a larger sample contains the smaller
    one, and the sample of the samples of the shards is the sample of all rows.

    Returns:
        The columns of `rows`, which must include ``conversation_id`` and ``source``; sorted by
        source, then by rank.
    """
    order = (
        rows.select("source", "conversation_id")
        .with_columns(rank=_rank(rows["conversation_id"], seed))
        .with_row_index("row")
        .sort("source", "rank", "conversation_id")
        .filter(pl.int_range(pl.len()).over("source") < per_source)
    )
    return rows[order["row"]]


def _rank(conversation_ids: pl.Series, seed: int) -> pl.Series:
    """A pseudorandom number for each id, UInt64, which depends on the id and the seed alone.

    It is not Polars' own hash, because that may change with the version of Polars.
    """
    hashes = (blake2b(f"{seed}/{name}".encode(), digest_size=8) for name in conversation_ids)
    return pl.Series((int.from_bytes(each.digest()) for each in hashes), dtype=pl.UInt64)
