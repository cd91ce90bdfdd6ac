"""Samples of rows that are the same in every run."""

from collections.abc import Iterable
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
    rank = hash_texts(f"{seed}/{name}" for name in rows["conversation_id"])
    ranked = rows.sort("source", rank, "conversation_id")
    return ranked.filter(pl.int_range(pl.len()).over("source") < per_source)


def hash_texts(texts: Iterable[str], key: str = "") -> pl.Series:
    """A pseudorandom number for each text, UInt64, which depends on the text and the key alone.

    It is not Polars' own hash, because that may change with the version of Polars.
    """
    hashes = (blake2b(text.encode(), digest_size=8, key=key.encode()) for text in texts)
    return pl.Series((int.from_bytes(each.digest()) for each in hashes), dtype=pl.UInt64)
