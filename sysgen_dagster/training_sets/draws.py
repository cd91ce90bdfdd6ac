"""Random-looking numbers that follow from names: the same in every run and every version.

Polars' own hash may change with its version, and a changed hash would change splits and mixtures.
"""

import hashlib

import polars as pl

_BITS = 53  # of the significand: a float holds such integers exactly


def draw_numbers(names: pl.Series, purpose: str) -> pl.Series:
    """For each name a number in [0, 1) that follows from it and from `purpose` alone.

    Draws of different purposes are independent: a conversation of the test split is no more likely
    than others to be drawn for a mixture.
    """
    drawn = [_draw(f"{purpose}/{name}") for name in names]
    return pl.Series("draw", drawn, dtype=pl.Float64)


def _draw(text: str) -> float:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> (64 - _BITS)) / float(1 << _BITS)
